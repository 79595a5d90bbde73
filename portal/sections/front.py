"""The front of a case: the person, the verdict, and the banners."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from casework.lifecycle import TAKEN_BACK
from casework.view.case import CaseView
from models.vocabulary import SIGNED, CaseState, DepartureKind, EntitlementState, Standing
from portal.document import Cell, Clock, Document, Section, Tone, cell, state, yes_or_no
from portal.sections import access, case, downloads, papers
from portal.sections.access import minutes
from portal.words import Phrase, joined, said, sentence


def document(view: CaseView, sections: Iterable[Section], *before: Phrase) -> Document:
    """Return a document: the case's front and *sections*.  The banners *before* come first, then the case's own."""
    zone, who = view.departure.timezone, joined(" ", view.departure.employee_no, view.departure.name)
    return Document(
        title=said(_title(view)),
        subject=who if who.en else Phrase("—"),
        case=view.case,
        verdict=state(view.state),
        zone=f"{zone} (UTC{view.read_at.astimezone(ZoneInfo(zone)):%z})",
        made_at=view.read_at,
        written=Clock(zone).text(view.read_at),
        figures=_figures(view, Clock(zone)),
        banners=(*before, *_banners(view, Clock(zone))),
        sections=tuple(sections),
    )


def at_work(view: CaseView) -> Document:
    """
    Return a case for the people who work on it: its present state, the questions, and the commands that answer them.

    Shows the search for accounts and the cut-offs only while something there is open; afterwards they are in the record.
    """
    clock, sections = Clock(view.departure.timezone), []
    asked = Standing.ASKED in {account.standing for account in view.accounts}
    if asked or any(search.problem for search in view.searches):
        sections.append(access.accounts(view, clock))
    if any(account.timing.effective_cutoff_at is None for account in view.taken):
        sections.append(access.cutoffs(view, clock))
    sections.append(access.in_short(view, clock))
    if view.findings:
        sections.append(case.open_findings(view, clock))
    sections += [case.question(one, clock) for one in view.questions]
    return document(view, (*sections, papers.in_short(view, clock), downloads.in_short(view, clock)))


def _title(view: CaseView) -> str:
    if view.state is CaseState.WITHDRAWN or view.departure.kind is DepartureKind.CONTINUED:
        return "Record of a departure that does not take place"
    if view.state in TAKEN_BACK:
        return "Record of an offboarding that was taken back"
    return "Record of a leave of absence" if view.departure.kind is DepartureKind.LEAVE else "Record of an offboarding"


def _banners(view: CaseView, clock: Clock) -> Iterable[Phrase]:
    if not view.for_real:
        yield sentence("plan_only")
    if view.state in TAKEN_BACK:
        yield sentence("withdrawn" if view.state is CaseState.WITHDRAWN else "given_back")
    if view.closed_at is None and any(look.verdict == "reopened" for look in view.looks):
        yield sentence("reopened")
    if view.erased_at is not None:
        yield joined(" ", sentence("erased"), clock.text(view.erased_at))
    if view.held_at is not None:
        yield joined(" ", sentence("held"), clock.text(view.held_at))
    late = view.for_real and view.contained_at is None and view.due_at <= view.read_at
    for one in view.pauses:
        head = sentence("was_paused" if one.resumed_at else "overdue" if late else "paused")
        when = " – ".join(clock.text(moment) for moment in (one.paused_at, one.resumed_at) if moment is not None)
        yield joined(" ", head, f"{one.id} ({one.scope}), {when}, {one.paused_by}: {one.reason}")
    if waiting := [f"{row.verb} {row.id}" for row in view.approvals_waiting]:
        yield joined(" ", sentence("second_person"), ", ".join(waiting))


def _figures(view: CaseView, clock: Clock) -> dict[str, Cell]:
    timings = [account.timing for account in view.taken]
    ends = [t.effective_cutoff_at for t in timings if t.effective_cutoff_at is not None]
    whole = bool(timings) and len(ends) == len(timings)
    still = cell(said("not all closed"), tone=Tone.OPEN) if timings else cell()
    if view.state in TAKEN_BACK:
        return {"Cut due": clock(view.due_at), "Given back": _fates(view)}
    late = (said("after the notice:"), clock.text(view.cut_at)) if view.cut_at != view.due_at else ()
    return {
        "Cut due": cell(clock.text(view.due_at), *late),
        "Last account closed": clock(max(ends), Tone.GOOD) if whole else still,
        "Longest exposure": cell(minutes(view.exposure_minutes)),
        "Within SLA": yes_or_no(_met([t.sla_met for t in timings])),
        "Seen closed · signed for · open": _rows(view),
    }


def _fates(view: CaseView) -> Cell:
    """Count the outcomes of the restored rows: in place of times, which are not measured if nobody leaves."""
    fates = Counter(row.detail.restored for one in view.accounts for row in one.entitlements if row.detail.restored)
    told = (joined(" ", fate, count) for fate, count in sorted(fates.items()))
    return cell(joined(" · ", *told)) if fates else cell(said("nothing had been taken away"))


def _met(verdicts: list[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return True if verdicts and None not in verdicts else None


def _rows(view: CaseView) -> Cell:
    rows = [row for account in view.taken for row in account.entitlements]
    seen = sum(row.state is EntitlementState.OBSERVED_CLOSED for row in rows)
    signed = sum(row.state in SIGNED for row in rows)
    still = len(rows) - seen - signed
    return cell(f"{seen} · {signed} · {still}", tone=Tone.OPEN if still else Tone.GOOD)
