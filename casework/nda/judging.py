"""
What a paper amounts to for this leaver.  Pure: what the registers said and the bytes showed goes in, verdicts come out.

A paper that cannot be shown to be the leaver's counts for nothing, whatever it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from casework.nda import wording
from casework.nda.facts import Facts, Held, Refusal, Verdict, signed_on
from casework.nda.noting import notes
from casework.nda.wording import Said
from casework.policy import Nda
from connectors.nda import titles
from connectors.nda.contract import Paper
from models.vocabulary import MatchReason, NdaState, PaperKind

_SLACK = timedelta(days=1)  # a day of signing is written in somebody's zone
_SEVERITY = (
    NdaState.ALTERED, NdaState.UNREADABLE, NdaState.MISSING, NdaState.UNSIGNED, NdaState.EXPIRED, NdaState.REFUSED,
    NdaState.SIGNED,
)  # fmt: skip
_STRENGTH = (
    NdaState.SIGNED, NdaState.REFUSED, NdaState.ALTERED, NdaState.UNREADABLE, NdaState.EXPIRED, NdaState.UNSIGNED,
    NdaState.MISSING,
)  # fmt: skip


def judge(papers: Iterable[Held], facts: Facts, policy: Nda) -> tuple[Verdict, ...]:
    """Return a verdict for each paper, and one for each expected kind of which none is accepted."""
    judged = [_judge_one(held, facts, policy) for held in papers]
    kinds = {verdict.kind for verdict in judged if verdict.accepted}
    lacking = [kind for kind in PaperKind if kind in policy.expected and kind not in kinds]
    absent = [_absent(kind, judged, facts) for kind in lacking]
    return tuple(_refused_instead([*judged, *absent], facts))


def overall(verdicts: Sequence[Verdict], policy: Nda) -> NdaState:
    """
    Return the worst of what the expected kinds amount to, each by its strongest paper.

    An altered paper shows through even where a sound one lies beside it: somebody changed it.
    """
    counted = [v for v in verdicts if v.accepted]
    by_kind = [
        min((v.state for v in counted if v.kind is kind), key=_STRENGTH.index, default=NdaState.MISSING)
        for kind in policy.expected
    ]
    tampered = [v.state for v in counted if v.state is NdaState.ALTERED]
    return min([*by_kind, *tampered], key=_SEVERITY.index, default=NdaState.SIGNED)


def kind_of(paper: Paper, policy: Nda) -> PaperKind | None:
    """Return the kind by the register, else by its wording, else by its title."""
    if paper.kind is not None:
        return paper.kind
    by_wording = [kind for kind, digests in policy.templates.items() if paper.template_sha256 in digests]
    return next(iter(by_wording), None) or titles.kind_of(paper.title) or titles.kind_of(paper.template or "")


def _judge_one(held: Held, facts: Facts, policy: Nda) -> Verdict:
    match, paper = held.match, held.match.paper
    kind = kind_of(paper, policy)
    stranger = _not_theirs(held, policy)
    if stranger is not None:
        doubtful = match.reason is not MatchReason.DIFFERENT_PERSON and held.ruled is None
        return Verdict(kind, NdaState.MISSING, False, stranger, wording.RULE if doubtful else None, held)
    proof = _proof(held)
    state, reason = _state(held, kind, proof, facts, policy)
    said = [reason] if reason is not None else []
    if kind is PaperKind.WORK_RULES and state is NdaState.SIGNED:
        said.append(wording.PROOFS[""])
    elif proof and state not in {NdaState.UNSIGNED, NdaState.REFUSED} and wording.PROOFS[proof] not in said:
        said.append(wording.PROOFS[proof])
    said += notes(held, kind, facts, policy)
    remedy = wording.REMEDIES.get(state) if kind is not None else wording.NAME_ITS_KIND
    return Verdict(kind, state, True, wording.join(said), remedy, held, proof)


def _not_theirs(held: Held, policy: Nda) -> Said | None:
    """Return why the paper does not count as the leaver's, None if it does.  A person's word outweighs the match."""
    match = held.match
    if held.ruled is not None:
        return None if held.ruled else wording.rejected(held.ruled_why)
    if match.reason is MatchReason.DIFFERENT_PERSON:
        return wording.namesake(match.text)
    if match.confidence < policy.threshold:
        return wording.doubtful(match.text, match.confidence)
    return None


def _proof(held: Held) -> str:
    """Return in one word what the bytes prove: `verified`, `untrusted`, `none`, `broken`; empty where there are none to look at."""
    examined = held.examined
    if examined is None or not examined.readable:
        return ""
    if examined.altered:
        return "broken"
    if not examined.signatures:
        return "none"
    return "verified" if all(one.trusted for one in examined.signatures) else "untrusted"


def _state(held: Held, kind: PaperKind | None, proof: str, facts: Facts, policy: Nda) -> tuple[NdaState, Said | None]:
    """Return the first that speaks against the paper, the gravest first; else that it is signed."""
    paper = held.match.paper
    if proof == "broken":
        return NdaState.ALTERED, wording.PROOFS["broken"]
    if held.examined is not None and paper.sha256 is not None and held.examined.sha256 != paper.sha256.lower():
        return NdaState.ALTERED, wording.OTHER_BYTES
    if paper.declined_at is not None:
        return NdaState.REFUSED, wording.DECLINED
    if not paper.completed:
        return NdaState.UNSIGNED, wording.NOT_COMPLETED
    unread = _unread(held, kind)
    if unread is not None:
        return NdaState.UNREADABLE, unread
    return _in_time(held, kind, facts, policy)


def _unread(held: Held, kind: PaperKind | None) -> Said | None:
    paper, problem = held.match.paper, held.match.paper.details.get("problem")
    if held.problem is not None:
        return wording.unreadable(held.problem)
    if held.examined is not None and not held.examined.readable:
        return wording.unreadable(held.examined.text)
    if problem:
        return wording.bad_cells(problem)
    if paper.media_type is None and kind is not PaperKind.WORK_RULES:
        return wording.unreadable("the register holds no bytes of it")
    return wording.KIND_UNKNOWN if kind is None else None


def _in_time(held: Held, kind: PaperKind | None, facts: Facts, policy: Nda) -> tuple[NdaState, Said | None]:
    paper, day = held.match.paper, signed_on(held)
    if day is not None and day > facts.today + _SLACK:
        return NdaState.UNSIGNED, wording.IN_FUTURE
    if paper.expires_on is not None and paper.expires_on < facts.matters_on:
        return NdaState.EXPIRED, wording.expired(str(paper.expires_on))
    if kind is PaperKind.EXIT_PLEDGE and day is not None and _of_another_departure(day, facts, policy):
        return NdaState.EXPIRED, wording.FORMER_EMPLOYMENT
    return NdaState.SIGNED, None


def _of_another_departure(day: date, facts: Facts, policy: Nda) -> bool:
    too_early = day < facts.ends_on - timedelta(days=policy.signing_days)
    return too_early or (facts.joined_on is not None and day < facts.joined_on)


def _absent(kind: PaperKind, judged: Sequence[Verdict], facts: Facts) -> Verdict:
    """Say that no paper of *kind* is on file, or that it is not known."""
    if facts.blind:
        text = wording.blind("; ".join(facts.blind))
        return Verdict(kind, NdaState.UNREADABLE, True, text, wording.REMEDIES[NdaState.UNREADABLE])
    strangers = [v for v in judged if not v.accepted and v.kind in {kind, None}]
    doubtfuls = sum(v.remedy is not None for v in strangers)
    text = wording.missing(kind, others=len(strangers) - doubtfuls, doubtfuls=doubtfuls)
    if kind is not PaperKind.EXIT_PLEDGE:
        return Verdict(kind, NdaState.MISSING, True, text, wording.REMEDIES[NdaState.MISSING])
    remedy = wording.WAIT if facts.asked_for else wording.ASK_NOW if facts.today <= facts.ends_on else wording.ASK_LATE
    return Verdict(kind, NdaState.UNSIGNED if facts.asked_for else NdaState.MISSING, True, text, remedy)


def _refused_instead(verdicts: Sequence[Verdict], facts: Facts) -> list[Verdict]:
    """Let a refusal take the place of every paper of its kind that is not signed, and say what binds on."""
    return [_refused(v, verdicts, facts) for v in verdicts]


def _refused(verdict: Verdict, verdicts: Sequence[Verdict], facts: Facts) -> Verdict:
    replaceable = {NdaState.MISSING, NdaState.UNSIGNED, NdaState.REFUSED, NdaState.UNREADABLE}
    refusal = facts.refusals.get(verdict.kind) if verdict.kind is not None else None
    if not verdict.accepted or verdict.state not in replaceable:
        return verdict
    if refusal is None:
        if verdict.state is not NdaState.REFUSED or verdict.held is None:
            return verdict
        declined = verdict.held.match.paper.declined_at
        refusal = Refusal(declined.date() if declined is not None else facts.today, "")
    entry = next((v for v in verdicts if v.kind is PaperKind.ENTRY_PLEDGE and v.state is NdaState.SIGNED), None)
    day = str(signed_on(entry.held) or "-") if entry is not None and entry.held is not None else None
    rules = any(v.kind is PaperKind.WORK_RULES and v.state is NdaState.SIGNED for v in verdicts)
    text = wording.refused(str(refusal.on), refusal.witness, day, rules=rules)
    return Verdict(
        verdict.kind, NdaState.REFUSED, True, text, wording.REMEDIES[NdaState.REFUSED], verdict.held, verdict.signature
    )


def raises_risk(kind: PaperKind | None, state: NdaState, facts: Facts) -> str | None:
    """Return the word for what raises the case's risk, such as `exit_pledge_refused`; None for what does not, as a letter of no such kind."""
    may_still_come = kind is PaperKind.EXIT_PLEDGE and facts.today <= facts.ends_on
    if kind is None or state is NdaState.SIGNED or (may_still_come and state in {NdaState.UNSIGNED, NdaState.MISSING}):
        return None
    return f"{kind}_{state}"
