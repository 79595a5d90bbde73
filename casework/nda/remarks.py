"""What is worth saying of a paper and changes nothing of its state: wording, language, term, dates."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from casework.messages import Message, message
from casework.nda.facts import Facts, Held, signatures, signed_on
from casework.policy import Nda
from connectors.nda.contract import Paper
from models.vocabulary import PaperKind

_LONG_BEFORE_ENTRY = timedelta(days=366)
_FARTHEST_EAST = timezone(timedelta(hours=14))


def remarks(held: Held, kind: PaperKind | None, facts: Facts, policy: Nda) -> list[Message]:
    """Return what is worth saying and changes nothing."""
    paper = held.match.paper
    said = [message("paper_ruled")] if held.ruling is not None else []
    if kind is None:
        said.append(message("paper_kind_unknown"))
    if paper.kind is None and kind is not None:
        said.append(message("paper_kind_by_title"))
    if held.examined is not None:
        if facts.seen.get((paper.register, paper.id), held.examined.sha256) != held.examined.sha256:
            said.append(message("paper_exchanged"))
        signers = sorted({one.signer for one in signatures(held) if one.signer and one.claimed_at is not None})
        said += [message("paper_certified", names=tuple(signers))] if signers else []
    known = policy.templates.get(kind, frozenset()) if kind is not None else frozenset()
    if known and paper.template_sha256 not in known:
        said.append(message("paper_other_wording"))
    if policy.languages and paper.language is not None and paper.language not in policy.languages:
        said.append(message("paper_other_language"))
    if kind is not PaperKind.WORK_RULES:
        said += _of_term(paper, facts, policy) + _of_dates(held, kind, facts)
    return said


def _of_term(paper: Paper, facts: Facts, policy: Nda) -> list[Message]:
    if paper.survives is False:
        return [message("paper_not_surviving")]
    said = [message("paper_survival_unknown")] if paper.survives is None else []
    if paper.expires_on is not None and facts.matters_on <= paper.expires_on < _years_after(
        facts.ends_on, policy.survive_years
    ):
        said.append(message("paper_ends_early", on=paper.expires_on, years=policy.survive_years))
    return said


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + years, day=28)


def _of_dates(held: Held, kind: PaperKind | None, facts: Facts) -> list[Message]:
    day = signed_on(held)
    if day is None:
        return [message("paper_undated")] if held.match.paper.completed else []
    said = []
    if day > facts.ends_on:
        said.append(message("paper_signed_after_end"))
    if kind is PaperKind.ENTRY_PLEDGE and facts.joined_on is not None and day < facts.joined_on - _LONG_BEFORE_ENTRY:
        said.append(message("paper_signed_before_entry"))
    stamps = [one.timestamped_at for one in signatures(held) if one.timestamped_at is not None]
    if stamps and not any(_same_day(stamp, day) for stamp in stamps):
        said.append(message("paper_stamped_on_another_day"))
    return said


def _same_day(stamp: datetime, day: date) -> bool:
    """Whether *day* was somewhere on earth the day of *stamp*."""
    return (stamp - timedelta(hours=12)).date() <= day <= stamp.astimezone(_FARTHEST_EAST).date()
