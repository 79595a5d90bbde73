"""The facts for judging papers: the employment, a refusal, earlier digests; the verdict's form; and remarks on a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from casework.messages import BilingualText, Message, message
from casework.nda.papers import titles
from casework.nda.signers import HeldPaper, digests, own_stamps, signatures, signed_on
from casework.policy import NdaPolicy
from connectors.nda.contract import Paper
from models.tables import PledgeRefusal
from models.vocabulary import Leaver, NdaState, PaperKind

_LONG_BEFORE_ENTRY = timedelta(days=366)
_FARTHEST_EAST = timezone(timedelta(hours=14))


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """
    The facts of the employment and of earlier checks.  *joined_on* is None if HR's notice does not say.

    *seen*: the digests of each paper (register, id) when it was first opened, with and without the last seals.  *blind*: the
    errors of registers that could not be searched; *asked_for*: a pledge is out to be signed; *printed*: the digests of the pages
    that were printed for this case; *outdated*: the papers (register, id) with a page that would differ now.
    """

    today: date
    ends_on: date
    joined_on: date | None = None
    refusal: PledgeRefusal | None = None
    seen: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    blind: tuple[str, ...] = ()
    asked_for: bool = False
    printed: frozenset[str] = frozenset()
    outdated: frozenset[tuple[str, str]] = frozenset()
    leaver: Leaver | None = None

    def is_over(self, ends: date) -> bool:
        """Whether a paper that binds until *ends* is over; one that ends with the last day of employment is, too."""
        return ends <= self.ends_on or ends < self.today


@dataclass(frozen=True, slots=True)
class PaperVerdict:
    """
    The verdict on one paper, or on a lacking one, with its sentences (*said*).  *held* is None if no paper was found.

    *accepted* is False for another person's paper and for a doubtful one: those count for nothing.
    """

    kind: PaperKind | None
    state: NdaState
    accepted: bool
    said: tuple[Message, ...]
    held: HeldPaper | None = None
    signature: str = ""
    signed_on: date | None = None

    @property
    def remedy(self) -> BilingualText:
        """What to do, by the sentences, else by the state; empty if nothing is to be done, as for another person's paper."""
        asked = [*self.said, message(self.state)] if self.accepted else self.said
        return next((one.remedy for one in asked if one.remedy.en), BilingualText("", ""))


def unknown_kind(paper: Paper, policy: NdaPolicy) -> Message:
    """Return the sentence that a paper's kind is unknown, or that its title is doubtful: it may be one that is looked for."""
    return message("paper_title_doubtful" if titles.mentioned(paper.title, policy.titles) else "paper_kind_unknown")


def remarks(held: HeldPaper, kind: PaperKind | None, facts: CheckFacts, policy: NdaPolicy) -> list[Message]:
    """Return remarks that change no verdict.  An article of the work rules has no term and no date of its own."""
    paper, first_seen = held.match.paper, facts.seen.get((held.match.paper.register, held.match.paper.id))
    signers = sorted({one.signer for one in signatures(held) if one.signer and one.claimed_at is not None})
    known = policy.templates.get(kind, frozenset()) if kind is not None else frozenset()
    remarkable = (
        (held.ruling is not None, message("paper_ruled")),
        (kind is None, unknown_kind(paper, policy)),
        (paper.kind is None and kind is not None, message("paper_kind_by_title")),
        (first_seen and held.examined and first_seen.isdisjoint(digests(held.examined)), message("paper_exchanged")),
        (paper.completed and (paper.register, paper.id) in facts.outdated, message("paper_of_another_page")),
        (signers, message("paper_certified", names=tuple(signers))),
        (known and paper.template_sha256 not in known, message("paper_other_wording")),
        (policy.languages and paper.language not in {*policy.languages, None}, message("paper_other_language")),
    )
    said = [remark for holds, remark in remarkable if holds]
    return said if kind is PaperKind.WORK_RULES else said + _of_term_and_dates(held, kind, facts, policy)


def _of_term_and_dates(held: HeldPaper, kind: PaperKind | None, facts: CheckFacts, policy: NdaPolicy) -> list[Message]:
    paper, ends, joined = held.match.paper, held.match.paper.expires_on, facts.joined_on
    wanted = _years_after(facts.ends_on, policy.survive_years)
    early = paper.survives is not False and ends is not None and not facts.is_over(ends) and ends < wanted
    day, stamps = signed_on(held, facts.leaver), own_stamps(held, facts.leaver)
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
    """Whether *day* was the day of *stamp* in some time zone."""
    return (stamp - timedelta(hours=12)).date() <= day <= stamp.astimezone(_FARTHEST_EAST).date()
