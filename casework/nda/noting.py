"""What is worth saying of a paper and changes nothing of its state: wording, language, term, dates."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from casework.nda import wording
from casework.nda.facts import Facts, Held, signatures, signed_on
from casework.nda.wording import Said
from casework.policy import Nda
from connectors.nda.contract import Paper
from models.vocabulary import PaperKind

_LONG_BEFORE_ENTRY = timedelta(days=366)
_FARTHEST_EAST = timezone(timedelta(hours=14))


def notes(held: Held, kind: PaperKind | None, facts: Facts, policy: Nda) -> list[Said]:
    """Return what is worth saying and changes nothing."""
    paper = held.match.paper
    said = [wording.RULED] if held.ruled else []
    if paper.kind is None and kind is not None:
        said.append(wording.KIND_BY_TITLE)
    if held.examined is not None:
        if facts.seen.get((paper.register, paper.id), held.examined.sha256) != held.examined.sha256:
            said.append(wording.EXCHANGED)
        signers = sorted({one.signer for one in signatures(held) if one.signer and one.claimed_at is not None})
        said += [wording.certified(", ".join(signers))] if signers else []
    known = policy.templates.get(kind, frozenset()) if kind is not None else frozenset()
    if known and paper.template_sha256 not in known:
        said.append(wording.OTHER_WORDING)
    if policy.languages and paper.language is not None and paper.language not in policy.languages:
        said.append(wording.OTHER_LANGUAGE)
    if kind is not PaperKind.WORK_RULES:
        said += _of_term(paper, facts, policy) + _of_dates(held, kind, facts)
    return said


def _of_term(paper: Paper, facts: Facts, policy: Nda) -> list[Said]:
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


def _of_dates(held: Held, kind: PaperKind | None, facts: Facts) -> list[Said]:
    day = signed_on(held)
    if day is None:
        return [wording.NO_DATE] if held.match.paper.completed else []
    said = []
    if day > facts.ends_on:
        said.append(wording.AFTER_END)
    if kind is PaperKind.ENTRY_PLEDGE and facts.joined_on is not None and day < facts.joined_on - _LONG_BEFORE_ENTRY:
        said.append(wording.LONG_BEFORE_ENTRY)
    stamps = [one.timestamped_at for one in signatures(held) if one.timestamped_at is not None]
    if stamps and not any(_same_day(stamp, day) for stamp in stamps):
        said.append(wording.OTHER_DAY)
    return said


def _same_day(stamp: datetime, day: date) -> bool:
    """Whether *day* was somewhere on earth the day of *stamp*."""
    return (stamp - timedelta(hours=12)).date() <= day <= stamp.astimezone(_FARTHEST_EAST).date()
