"""
Judge papers for one leaver.  Pure functions: the registers' data and the examined bytes go in, verdicts come out.

A paper that cannot be shown to be the leaver's counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from casework.messages import Message, message
from casework.nda.facts import CheckFacts, PaperVerdict, remarks, unknown_kind
from casework.nda.papers import titles
from casework.nda.signers import (
    HeldPaper,
    certified_for_others,
    day_in_japan,
    own_signatures,
    proof,
    sealed_by_no_provider,
    signed_on,
    there_on,
)
from casework.policy import NdaPolicy
from connectors.nda.contract import Paper
from models.tables import CasePaper
from models.vocabulary import Leaver, MatchReason, NdaState, PaperKind

_SLACK = timedelta(days=1)  # a signing day is written in an unknown zone
_A_YEAR = timedelta(days=366)
_SEVERITY = (
    NdaState.ALTERED, NdaState.UNREADABLE, NdaState.MISSING, NdaState.UNSIGNED, NdaState.EXPIRED, NdaState.REFUSED,
    NdaState.SIGNED,
)  # fmt: skip
_STRENGTH = (
    NdaState.SIGNED, NdaState.REFUSED, NdaState.ALTERED, NdaState.UNREADABLE, NdaState.EXPIRED, NdaState.UNSIGNED,
    NdaState.MISSING,
)  # fmt: skip
_REPLACED_BY_A_REFUSAL = frozenset({NdaState.MISSING, NdaState.UNSIGNED, NdaState.REFUSED, NdaState.UNREADABLE})


def judge(papers: Iterable[HeldPaper], facts: CheckFacts, policy: NdaPolicy) -> tuple[PaperVerdict, ...]:
    """Return a verdict for each paper, and one for each expected kind without an accepted paper."""
    judged = [_judged(held, facts, policy) for held in papers]
    kinds = {verdict.kind for verdict in judged if verdict.accepted}
    lacking = [kind for kind in PaperKind if kind in policy.expected and kind not in kinds]
    absent = [_absent(kind, judged, facts, policy) for kind in lacking]
    every = [*judged, *absent]
    return tuple(_refused_instead(verdict, every, facts) for verdict in every)


def overall(verdicts: Sequence[PaperVerdict], policy: NdaPolicy) -> NdaState:
    """
    Return the worst state among the expected kinds, each counted by its strongest paper.

    An altered paper counts even beside a sound one of its kind: somebody changed it.
    """
    counted = [v for v in verdicts if v.accepted]
    by_kind = [
        min((v.state for v in counted if v.kind is kind), key=_STRENGTH.index, default=NdaState.MISSING)
        for kind in policy.expected
    ]
    tampered = [v.state for v in counted if v.state is NdaState.ALTERED]
    return min([*by_kind, *tampered], key=_SEVERITY.index, default=NdaState.SIGNED)


def kind_of(paper: Paper, leaver: Leaver | None, policy: NdaPolicy) -> PaperKind | None:
    """
    Return the kind by the register, else by the wording, else by the whole title, else by the title with the wording's name.
    A doubtful title gives None, also with a known wording: a filled-in example has the same wording.
    """
    if paper.kind is not None:
        return paper.kind
    names = _beside(paper, leaver, policy)
    by_title = titles.kind_of(paper.title, policy.titles, names)
    if by_title is None and titles.mentioned(paper.title, policy.titles) and not _is_undated(paper, leaver, policy):
        return None
    by_wording = (kind for kind, digests in policy.templates.items() if paper.template_sha256 in digests)
    return (
        next(by_wording, None)
        or by_title
        or titles.kind_of(f"{paper.title} {paper.template or ''}", policy.titles, names)
    )


def may_be_a_pledge(paper: Paper, leaver: Leaver | None, policy: NdaPolicy) -> bool:
    """Whether the paper's kind is known, or will be once its day of signing is known."""
    return kind_of(paper, leaver, policy) is not None or _is_undated(paper, leaver, policy)


def is_doubtful(title: str, kind: PaperKind, policy: NdaPolicy) -> bool:
    """Whether a paper of unknown kind may be of *kind* by its *title*: then a person decides first, so that nobody signs twice."""
    return not titles.mentioned(title, policy.titles).isdisjoint({kind, None})


def _is_undated(paper: Paper, leaver: Leaver | None, policy: NdaPolicy) -> bool:
    return titles.is_undated(paper.title, policy.titles, _beside(paper, leaver, policy))


def _beside(paper: Paper, leaver: Leaver | None, policy: NdaPolicy) -> list[str]:
    """Return the names that may be in a title and do not show the paper's kind."""
    known = (leaver.name, leaver.kana, leaver.romaji, leaver.former_name, leaver.employee_no) if leaver else ()
    return [name for name in (*known, paper.signer_name, policy.company) if name]


def _kind_by_day(held: HeldPaper, facts: CheckFacts, policy: NdaPolicy) -> PaperKind | None:
    """
    Return whether a pledge with an open title is one of entry or of exit, by the end of the employment that is nearer to its day of
    signing; None if the day is near neither end, or equally near both.
    """
    day = signed_on(held, facts.leaver)
    if day is None or not _is_undated(held.match.paper, facts.leaver, policy):
        return None
    if facts.joined_on is None:  # a person who came three months ago signed both within half a year
        return None
    to_exit, from_entry = abs(facts.ends_on - day), abs(day - facts.joined_on)
    if to_exit <= timedelta(days=policy.signing_days) and (from_entry > _A_YEAR or to_exit < from_entry):
        return PaperKind.EXIT_PLEDGE
    return PaperKind.ENTRY_PLEDGE if from_entry <= _A_YEAR and from_entry < to_exit else None


def _judged(held: HeldPaper, facts: CheckFacts, policy: NdaPolicy) -> PaperVerdict:
    """Judge one paper; an exception makes it unreadable, and stops no other paper's verdict."""
    try:
        return _judge_one(held, facts, policy)
    except Exception as exc:  # noqa: BLE001  # a stranger's file may break its reader anywhere
        why = message("paper_unreadable", why=f"it cannot be judged: {type(exc).__name__}")
        return PaperVerdict(held.match.paper.kind, NdaState.UNREADABLE, not_theirs(held, policy) is None, (why,), held)


def _judge_one(held: HeldPaper, facts: CheckFacts, policy: NdaPolicy) -> PaperVerdict:
    kind = kind_of(held.match.paper, facts.leaver, policy) or _kind_by_day(held, facts, policy)
    stranger, day = not_theirs(held, policy), signed_on(held, facts.leaver)
    if stranger is not None:
        return PaperVerdict(kind, NdaState.MISSING, False, (stranger,), held, signed_on=day)
    shown = proof(held, facts.leaver)
    state, reason = _state(held, kind, facts, policy)
    said = [reason] if reason is not None else []
    if kind is PaperKind.WORK_RULES and state is NdaState.SIGNED:
        said.append(message("work_rules_in_force"))
    elif shown and state not in {NdaState.UNSIGNED, NdaState.REFUSED}:
        said.append(message(f"proof_{shown}"))
        if shown == "unnamed" and held.ruling is None:
            said.append(message("paper_signer_not_shown"))
    said += remarks(held, kind, facts, policy)
    once = tuple(one for n, one in enumerate(said) if one not in said[:n])
    return PaperVerdict(kind, state, True, once, held, shown, day)


def not_theirs(held: HeldPaper, policy: NdaPolicy) -> Message | None:
    """Return why the paper does not count as the leaver's, None if it does.  A person's ruling outweighs the match."""
    match = held.match
    if held.ruling is not None:
        return None if held.ruling.theirs else message("paper_rejected", why=held.ruling.reason)
    if match.reason is MatchReason.DIFFERENT_PERSON:
        return message("paper_of_namesake", why=match.text)
    if match.confidence < policy.threshold:
        return message("paper_doubtful", why=match.text, confidence=match.confidence)
    return None


def _state(
    held: HeldPaper, kind: PaperKind | None, facts: CheckFacts, policy: NdaPolicy
) -> tuple[NdaState, Message | None]:
    """Return the gravest state that speaks against the paper, with its reason; else `signed`."""
    paper, examined, day = held.match.paper, held.examined, signed_on(held, facts.leaver)
    other_bytes = examined is not None and paper.sha256 is not None and examined.sha256 != paper.sha256.lower()
    unread = held.problem if examined is None or examined.readable else examined.text
    unclear = paper.details.get("problem")
    without_bytes = paper.media_type is None and kind is not PaperKind.WORK_RULES
    ahead = day is not None and day > facts.today + _SLACK
    expired = paper.expires_on is not None and facts.is_over(paper.expires_on)
    others, seals = certified_for_others(held, facts.leaver), sealed_by_no_provider(held, facts.leaver)
    filled = any(one.filled_after for one in own_signatures(held, facts.leaver))
    another = _of_another_departure(kind, day, day or there_on(held, facts.leaver), facts, policy)
    against = (
        (examined is not None and examined.altered, NdaState.ALTERED, message("proof_broken")),
        (other_bytes, NdaState.ALTERED, message("paper_other_bytes")),
        (filled, NdaState.ALTERED, message("paper_filled_in_after")),
        (paper.declined_at is not None, NdaState.REFUSED, message("paper_declined")),
        (paper.void, NdaState.UNSIGNED, message("paper_voided")),
        (not paper.completed, NdaState.UNSIGNED, message("paper_not_completed")),
        (unread is not None, NdaState.UNREADABLE, message("paper_unreadable", why=unread)),
        (unclear, NdaState.UNREADABLE, message("paper_unclear", problem=unclear)),
        (without_bytes, NdaState.UNREADABLE, message("paper_without_bytes")),
        (_is_our_blank(held, facts), NdaState.UNSIGNED, message("paper_is_our_blank")),
        (kind is None, NdaState.UNREADABLE, unknown_kind(paper, policy)),
        (others, NdaState.UNSIGNED, message("paper_certified_for_another", names=tuple(others))),
        (seals, NdaState.UNSIGNED, message("paper_sealed_alone", names=tuple(seals))),
        (ahead, NdaState.UNSIGNED, message("paper_dated_ahead")),
        (expired, NdaState.EXPIRED, message("paper_expired", on=paper.expires_on)),
        (another, NdaState.EXPIRED, message("paper_of_another_departure")),
    )
    return next(((state, why) for speaks, state, why in against if speaks), (NdaState.SIGNED, None))


def _is_our_blank(held: HeldPaper, facts: CheckFacts) -> bool:
    """Whether the bytes are a page that we printed to be signed: nobody has signed it, except in a service that delivers."""
    return held.examined is not None and not held.delivered and held.examined.sha256 in facts.printed


def _of_another_departure(
    kind: PaperKind | None, day: date | None, latest: date | None, facts: CheckFacts, policy: NdaPolicy
) -> bool:
    """Whether a pledge of *day*, or not later than *latest*, is of an earlier employment, or of a later one after a return."""
    about = timedelta(days=policy.signing_days)
    if kind is PaperKind.ENTRY_PLEDGE:
        return day is not None and day > facts.ends_on
    if kind is not PaperKind.EXIT_PLEDGE or latest is None:
        return False
    early = latest < max(facts.ends_on - about, facts.joined_on or date.min)
    return early or (day is not None and day > facts.ends_on + about)


def _absent(kind: PaperKind, judged: Sequence[PaperVerdict], facts: CheckFacts, policy: NdaPolicy) -> PaperVerdict:
    """Return the verdict that no paper of *kind* is on file, or that this is not known."""
    if facts.blind:
        said = message("papers_not_known", problems="; ".join(facts.blind))
        return PaperVerdict(kind, NdaState.UNREADABLE, True, (said,))
    strangers = [v for v in judged if not v.accepted and v.kind in {kind, None}]
    doubtful = sum(bool(v.remedy.en) for v in strangers)
    others = len(strangers) - doubtful
    unnamed = [v.held.match.paper.title for v in judged if v.accepted and v.kind is None and v.held is not None]
    doubtful += sum(is_doubtful(title, kind, policy) for title in unnamed)
    lines = [message("paper_missing", kind=message(kind))]
    lines += [message("papers_of_others", count=others)] if others else []
    lines += [message("papers_doubtful", count=doubtful)] if doubtful else []
    if kind is PaperKind.EXIT_PLEDGE:
        early = "pledge_not_asked_for" if facts.today <= facts.ends_on else "pledge_too_late"
        lines.append(message("pledge_asked_for" if facts.asked_for else early))
    asked = kind is PaperKind.EXIT_PLEDGE and facts.asked_for
    return PaperVerdict(kind, NdaState.UNSIGNED if asked else NdaState.MISSING, True, tuple(lines))


def _refused_instead(verdict: PaperVerdict, every: Sequence[PaperVerdict], facts: CheckFacts) -> PaperVerdict:
    """Return *verdict*, or `refused` for an unsigned paper that the leaver declined, with the papers that still bind."""
    if not verdict.accepted or verdict.state not in _REPLACED_BY_A_REFUSAL:
        return verdict
    if verdict.kind is PaperKind.EXIT_PLEDGE and facts.refusal is not None:
        declined = message("pledge_declined_before", on=facts.refusal.refused_on, witness=facts.refusal.witness)
    elif verdict.state is NdaState.REFUSED and verdict.held is not None:
        at = verdict.held.match.paper.declined_at
        declined = message("pledge_declined", on=day_in_japan(at) if at is not None else facts.today)
    else:
        return verdict
    return replace(verdict, state=NdaState.REFUSED, said=(declined, _binds_on(every)))


def _binds_on(every: Sequence[PaperVerdict]) -> Message:
    signed = {v.kind: v for v in reversed(every) if v.state is NdaState.SIGNED}
    papers = []
    if (entry := signed.get(PaperKind.ENTRY_PLEDGE)) is not None:
        papers.append(message("paper_of_day", kind=message(PaperKind.ENTRY_PLEDGE), on=entry.signed_on or "-"))
    if PaperKind.WORK_RULES in signed:
        papers.append(message(PaperKind.WORK_RULES))
    return message("papers_bind_on", papers=tuple(papers)) if papers else message("no_paper_binds_on")


def risks(papers: Iterable[CasePaper], *, leaves: bool) -> list[str]:
    """
    Return the codes of what raises the case's risk, such as `exit_pledge_refused`; *leaves*: the leaver is still employed, and may sign.

    If a kind has a signed paper, its declined, voided or unsigned papers raise nothing.  An altered paper does, and a kind whose
    signed papers all have signatures without a name in their certificates (`exit_pledge_unnamed`).
    """
    every = list(papers)
    counted = [(p.kind, p.state) for p in every if p.accepted and p.kind is not None]
    signed = {kind for kind, state in counted if state is NdaState.SIGNED}
    may_still_come = {(PaperKind.EXIT_PLEDGE, NdaState.UNSIGNED), (PaperKind.EXIT_PLEDGE, NdaState.MISSING)}
    raised = {(kind, state) for kind, state in counted if state is NdaState.ALTERED or kind not in signed}
    words = {f"{kind}_{state}" for kind, state in (raised - may_still_come if leaves else raised)}
    return sorted(words | {f"{kind}_unnamed" for kind in signed - _shown(every)})


def _shown(papers: Iterable[CasePaper]) -> set[PaperKind | None]:
    """Return the kinds with a signed paper that is not `unnamed`, or that needs no remedy, as after a person's ruling."""
    signed = [one for one in papers if one.accepted and one.state is NdaState.SIGNED]
    return {one.kind for one in signed if one.signature != "unnamed" or one.remedy is None}
