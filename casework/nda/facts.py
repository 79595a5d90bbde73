"""What is known before anything is judged: the papers as found, the employment, a refusal; and what is worth saying of a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from casework.messages import Message, Said, message
from casework.policy import Nda
from connectors.nda.contract import Examined, PaperMatch, Signature
from connectors.nda.matching import names_another
from models.tables import PaperRuling, PledgeRefusal
from models.vocabulary import Leaver, NdaState, PaperKind

_TOKYO = ZoneInfo("Asia/Tokyo")
_LONG_BEFORE_ENTRY = timedelta(days=366)
_FARTHEST_EAST = timezone(timedelta(hours=14))


@dataclass(frozen=True, slots=True)
class Held:
    """
    A paper with its match and a person's word on it, and what its bytes showed; *problem*: why they could not be had.
    *content*: the bytes that were examined.
    """

    match: PaperMatch
    ruling: PaperRuling | None = None
    examined: Examined | None = None
    problem: str | None = None
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is known of the employment.  *joined_on* is None where HR's notice does not say.

    *seen*: the digest that each paper (register, id) had when it was opened first.  *blind*: what the registers that could
    not be searched said; *asked_for*: a pledge is out to be signed.
    """

    today: date
    ends_on: date
    joined_on: date | None = None
    refusal: PledgeRefusal | None = None
    seen: Mapping[tuple[str, str], str] = field(default_factory=dict)
    blind: tuple[str, ...] = ()
    asked_for: bool = False
    leaver: Leaver | None = None

    @property
    def matters_on(self) -> date:
        """The day on which a paper must bind: the last one of the employment, later the present one."""
        return max(self.today, self.ends_on)


def signed_on(held: Held) -> date | None:
    """
    Return the day in Japan on which the paper was signed: by the first trusted time of a signature, which a countersignature does not renew, else by the register, else by the
    signer's own word.  What stamps the document alone may come years later.
    """
    given = [one for one in signatures(held) if one.kind != "timestamp"]
    signed = [one for one in given if one.kind == "person"] or given
    stamps = [one.timestamped_at for one in signed if one.timestamped_at is not None]
    if not stamps and held.match.paper.signed_on is not None:
        return held.match.paper.signed_on
    times = stamps or [one.claimed_at for one in signed if one.claimed_at is not None]
    return day_in_japan(min(times) if stamps else max(times)) if times else None


def certified_for_others(held: Held, facts: Facts) -> list[str]:
    """
    Return whom the certificates of its signatures name, where none of them can be the leaver's: names that both sides have in one script.

    The company's own signature stands beside the leaver's; alone it is not theirs.  A person's word on the paper outweighs them.
    """
    named = sorted({one.signer for one in signatures(held) if one.kind == "person" and one.signer and one.trusted})
    leaver = facts.leaver
    if leaver is None or held.ruling is not None or not all(names_another(leaver, name) for name in named):
        return []
    return named


def day_in_japan(at: datetime) -> date:
    """Return the day on which registers have *at*."""
    return at.astimezone(_TOKYO).date()


def signatures(held: Held) -> tuple[Signature, ...]:
    """Return the signatures that its bytes bear, as verified."""
    return held.examined.signatures if held.examined is not None else ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What one paper, or the lack of one, amounts to, and what is said of it.  *held* is None where none was found.

    *accepted* is False for another person's paper, and for a doubtful one: those count for nothing.
    """

    kind: PaperKind | None
    state: NdaState
    accepted: bool
    said: tuple[Message, ...]
    held: Held | None = None
    signature: str = ""

    @property
    def remedy(self) -> Said:
        """What to do: by what is said, else by the state; empty where there is nothing to do, as for another person's paper."""
        asked = [*self.said, message(self.state)] if self.accepted else self.said
        return next((one.remedy for one in asked if one.remedy.en), Said("", ""))


def remarks(held: Held, kind: PaperKind | None, facts: Facts, policy: Nda) -> list[Message]:
    """Return what is worth saying and changes nothing.  An article of the work rules has no term and no date of its own."""
    paper, first_seen = held.match.paper, facts.seen.get((held.match.paper.register, held.match.paper.id))
    signers = sorted({one.signer for one in signatures(held) if one.signer and one.claimed_at is not None})
    known = policy.templates.get(kind, frozenset()) if kind is not None else frozenset()
    remarkable = (
        (held.ruling is not None, message("paper_ruled")),
        (kind is None, message("paper_kind_unknown")),
        (paper.kind is None and kind is not None, message("paper_kind_by_title")),
        (first_seen and held.examined and held.examined.sha256 != first_seen, message("paper_exchanged")),
        (signers, message("paper_certified", names=tuple(signers))),
        (known and paper.template_sha256 not in known, message("paper_other_wording")),
        (policy.languages and paper.language not in {*policy.languages, None}, message("paper_other_language")),
    )
    said = [remark for holds, remark in remarkable if holds]
    return said if kind is PaperKind.WORK_RULES else said + _of_term_and_dates(held, kind, facts, policy)


def _of_term_and_dates(held: Held, kind: PaperKind | None, facts: Facts, policy: Nda) -> list[Message]:
    paper, ends, joined = held.match.paper, held.match.paper.expires_on, facts.joined_on
    wanted = _years_after(facts.ends_on, policy.survive_years)
    early = paper.survives is not False and ends is not None and facts.matters_on <= ends < wanted
    day, stamps = signed_on(held), [one.timestamped_at for one in signatures(held) if one.timestamped_at is not None]
    before = kind is PaperKind.ENTRY_PLEDGE and day and joined and day < joined - _LONG_BEFORE_ENTRY
    remarkable = (
        (paper.survives is False, message("paper_not_surviving")),
        (paper.survives is None, message("paper_survival_unknown")),
        (early, message("paper_ends_early", on=ends, years=policy.survive_years)),
        (day is None and paper.completed, message("paper_undated")),
        (day and day > facts.ends_on, message("paper_signed_after_end")),
        (before, message("paper_signed_before_entry")),
        (
            stamps and paper.signed_on and not any(_same_day(one, paper.signed_on) for one in stamps),
            message("paper_stamped_on_another_day"),
        ),
    )
    return [remark for holds, remark in remarkable if holds]


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + years, day=28)


def _same_day(stamp: datetime, day: date) -> bool:
    """Whether *day* was somewhere on earth the day of *stamp*."""
    return (stamp - timedelta(hours=12)).date() <= day <= stamp.astimezone(_FARTHEST_EAST).date()
