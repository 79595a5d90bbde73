"""`lastday reschedule` and `lastday withdraw`: the last day has moved, or the person stays (退職撤回)."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from cli.contexts import in_context
from cli.errors import Refused
from cli.options import CaseId, day
from cli.tables import local
from cli.terminal import Terminal, advice, say, sentence

if TYPE_CHECKING:
    from casework.context import Context
    from models.tables import Case


def reschedule(
    terminal: Terminal,
    case: CaseId,
    ends_on: Annotated[date | None, day("The new last day of employment, inclusive.")] = None,
    last_working_at: Annotated[
        str | None, typer.Option(metavar="DATE [TIME]", help="The new last working day.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Cut at this instant, whatever the dates.")] = False,
) -> None:
    """Move a case that has not been cut to another last day, or to now: then it is an emergency, which no notice undoes."""
    from casework.intake import moving
    from cli.orchestration import ask_for_runs

    if ends_on is None and not now:
        raise Refused(*advice("needs_day"))

    def move(context: Context) -> Case:
        old = context.case(case)
        last = _parse_instant(last_working_at, old.timezone) if last_working_at else None
        day = ends_on or old.employment_ends_on
        return moving.reschedule(context, case, ends_on=day, last_working_at=last, by=terminal.who, now=now)

    _answer(terminal, in_context(move), "rescheduled")
    ask_for_runs(terminal)


def withdraw(
    terminal: Terminal,
    case: CaseId,
    reason: Annotated[str, typer.Option(help="Why the departure does not take place.")],
) -> None:
    """End a case from which nothing was taken yet.  What was taken is given back by `lastday restore`."""
    from casework.intake import moving

    _answer(terminal, in_context(moving.withdraw, case, by=terminal.who, reason=reason), "withdrawn")


def _parse_instant(text: str, zone: str) -> datetime:
    """Return the instant that *text* names; a date alone means its end."""
    from casework.intake import dates
    from casework.intake.refusals import Flaw

    try:
        return dates.parse_instant(text, ZoneInfo(zone))
    except Flaw as flaw:
        raise Refused(f"--last-working-at: {say(*flaw.refusal.reason)}", say(*flaw.refusal.remedy)) from flaw


def _answer(terminal: Terminal, case: Case, outcome: str) -> None:
    """Tell what became of a case."""
    from casework.intake.instants import cut_at

    payload = {"case": case.id, "state": case.state, "due_at": case.due_at, "outcome": outcome}
    at = local(cut_at(case), case.timezone)
    terminal.answer(payload, sentence("moved", **payload, at=at))
