"""
What a paper amounts to for this leaver.  Pure: what the registers said and the bytes showed goes in, verdicts come out.

A paper that cannot be shown to be the leaver's counts for nothing, whatever it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType

from casework.nda import wording
from casework.nda.wording import Said
from casework.policy import Nda
from connectors.nda.contract import Examined, Paper, PaperMatch, Signature
from models.vocabulary import MatchReason, NdaState, PaperKind

_LONG_BEFORE_ENTRY = timedelta(days=366)
_SLACK = timedelta(days=1)  # a day of signing is written in somebody's zone
_FARTHEST_EAST = timezone(timedelta(hours=14))
_TITLES = (
    ("退職", PaperKind.EXIT_PLEDGE), ("exit pledge", PaperKind.EXIT_PLEDGE),
    ("入社", PaperKind.ENTRY_PLEDGE), ("entry pledge", PaperKind.ENTRY_PLEDGE),
    ("就業規則", PaperKind.WORK_RULES), ("work rules", PaperKind.WORK_RULES),
)  # fmt: skip
_SEVERITY = (
    NdaState.ALTERED, NdaState.UNREADABLE, NdaState.MISSING, NdaState.UNSIGNED, NdaState.EXPIRED, NdaState.REFUSED,
    NdaState.SIGNED,
)  # fmt: skip
_STRENGTH = (
    NdaState.SIGNED, NdaState.REFUSED, NdaState.ALTERED, NdaState.UNREADABLE, NdaState.EXPIRED, NdaState.UNSIGNED,
    NdaState.MISSING,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A paper with its match, and what its bytes showed; *problem*: why they could not be had.  *ruled*: a person's word."""

    match: PaperMatch
    examined: Examined | None = None
    problem: str | None = None
    ruled: bool | None = None
    ruled_why: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The leaver declined: when, and before whom."""

    on: date
    witness: str


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is known of the employment.  *joined_on* is None where HR's notice does not say.

    *blind*: what the registers that could not be searched said; *asked_for*: a pledge is out to be signed.
    """

    today: date
    ends_on: date
    joined_on: date | None = None
    refusals: Mapping[PaperKind, Refusal] = field(default_factory=lambda: MappingProxyType({}))
    blind: tuple[str, ...] = ()
    asked_for: bool = False

    @property
    def matters_on(self) -> date:
        """The day on which a paper must bind: the last one of the employment, later the present one."""
        return max(self.today, self.ends_on)


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What one paper, or the lack of one, amounts to.  *held* is None where none was found.

    *accepted* is False for another person's paper, and for a doubtful one: those count for nothing.
    """

    kind: PaperKind | None
    state: NdaState
    accepted: bool
    text: Said
    remedy: Said | None = None
    held: Held | None = None
    signature: str = ""


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
    title = f"{paper.title} {paper.template or ''}".casefold()
    by_title = [kind for words, kind in _TITLES if words in title]
    return next(iter(by_wording + by_title), None)


def _judge_one(held: Held, facts: Facts, policy: Nda) -> Verdict:
    match, paper = held.match, held.match.paper
    kind = kind_of(paper, policy)
    stranger = _not_theirs(held, policy)
    if stranger is not None:
        doubtful = match.reason is not MatchReason.DIFFERENT_PERSON and held.ruled is None
        return Verdict(kind, NdaState.MISSING, False, stranger, wording.RULE if doubtful else None, held)
    proof = _proof(held)
    state, reason = _state(held, kind, proof, facts, policy)
    notes = [reason] if reason is not None else []
    if kind is PaperKind.WORK_RULES and state is NdaState.SIGNED:
        notes.append(wording.PROOFS[""])
    elif proof and state not in {NdaState.UNSIGNED, NdaState.REFUSED} and wording.PROOFS[proof] not in notes:
        notes.append(wording.PROOFS[proof])
    notes += _notes(held, kind, facts, policy)
    return Verdict(kind, state, True, wording.join(notes), wording.REMEDIES.get(state), held, proof)


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
    paper, signed_on = held.match.paper, _signed_on(held)
    if signed_on is not None and signed_on > facts.today + _SLACK:
        return NdaState.UNSIGNED, wording.IN_FUTURE
    if paper.expires_on is not None and paper.expires_on < facts.matters_on:
        return NdaState.EXPIRED, wording.expired(str(paper.expires_on))
    if kind is PaperKind.EXIT_PLEDGE and signed_on is not None and _of_another_departure(signed_on, facts, policy):
        return NdaState.EXPIRED, wording.FORMER_EMPLOYMENT
    return NdaState.SIGNED, None


def _of_another_departure(signed_on: date, facts: Facts, policy: Nda) -> bool:
    too_early = signed_on < facts.ends_on - timedelta(days=policy.signing_days)
    return too_early or (facts.joined_on is not None and signed_on < facts.joined_on)


def _signed_on(held: Held) -> date | None:
    """Return the day by the register, else by the last signature's own time."""
    if held.match.paper.signed_on is not None:
        return held.match.paper.signed_on
    times = [moment for one in _signatures(held) if (moment := one.timestamped_at or one.claimed_at) is not None]
    return max(times).date() if times else None


def signed_on(held: Held) -> date | None:
    """Return the day on which the paper was signed, by the register, else by the signature's own time."""
    return _signed_on(held)


def _signatures(held: Held) -> tuple[Signature, ...]:
    return held.examined.signatures if held.examined is not None else ()


def _notes(held: Held, kind: PaperKind | None, facts: Facts, policy: Nda) -> list[Said]:
    """Return what is worth saying and changes nothing."""
    paper = held.match.paper
    said = [wording.RULED] if held.ruled else []
    if paper.kind is None and kind is not None:
        said.append(wording.KIND_BY_TITLE)
    known = policy.templates.get(kind, frozenset()) if kind is not None else frozenset()
    if known and paper.template_sha256 not in known:
        said.append(wording.OTHER_WORDING)
    if policy.languages and paper.language is not None and paper.language not in policy.languages:
        said.append(wording.OTHER_LANGUAGE)
    if kind is not PaperKind.WORK_RULES:
        said += _notes_of_term(paper, facts, policy) + _notes_of_dates(held, kind, facts)
    return said


def _notes_of_term(paper: Paper, facts: Facts, policy: Nda) -> list[Said]:
    if paper.survives is False:
        return [wording.NOT_SURVIVING]
    said = [wording.SURVIVAL_UNKNOWN] if paper.survives is None else []
    if paper.expires_on is not None and facts.matters_on <= paper.expires_on < _years_after(
        facts.ends_on, policy.survive_years
    ):
        said.append(wording.ends_early(str(paper.expires_on), policy.survive_years))
    return said


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + years, day=28)


def _notes_of_dates(held: Held, kind: PaperKind | None, facts: Facts) -> list[Said]:
    day = _signed_on(held)
    if day is None:
        return [wording.NO_DATE] if held.match.paper.completed else []
    said = []
    if day > facts.ends_on:
        said.append(wording.AFTER_END)
    if kind is PaperKind.ENTRY_PLEDGE and facts.joined_on is not None and day < facts.joined_on - _LONG_BEFORE_ENTRY:
        said.append(wording.LONG_BEFORE_ENTRY)
    stamps = [one.timestamped_at for one in _signatures(held) if one.timestamped_at is not None]
    if stamps and not any(_same_day(stamp, day) for stamp in stamps):
        said.append(wording.OTHER_DAY)
    return said


def _same_day(stamp: datetime, day: date) -> bool:
    """Whether *day* was somewhere on earth the day of *stamp*."""
    return (stamp - timedelta(hours=12)).date() <= day <= stamp.astimezone(_FARTHEST_EAST).date()


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
    """Return the word for what raises the case's risk, such as `exit_pledge_refused`; None for what does not."""
    may_still_come = kind is PaperKind.EXIT_PLEDGE and facts.today <= facts.ends_on
    if state is NdaState.SIGNED or (may_still_come and state in {NdaState.UNSIGNED, NdaState.MISSING}):
        return None
    return f"{kind or 'paper'}_{state}"
