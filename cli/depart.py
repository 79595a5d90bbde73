"""HR's commands: a departure (`lastday depart`), a leave of absence (`leave`, 休職), another day (`reschedule`), no departure (`withdraw`, 退職撤回)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, TypeAlias, TypedDict, Unpack
from zoneinfo import ZoneInfo

import typer

from casework.context import Context
from casework.intake import dates, moving
from casework.intake.moving import cut_at
from casework.intake.notice import Flaw
from cli.contexts import ask_for_runs, in_context
from cli.errors import CommandRefused
from cli.intake import submit
from cli.options import CaseId, day
from cli.tables import local
from cli.terminal import Terminal, advice, say
from models.tables import Case

AllOrNothing: TypeAlias = Annotated[
    bool, typer.Option("--all-or-nothing/--each-row", help="One bad row refuses all of them, or only itself.")
]


class AbsenceOptions(TypedDict):
    """A file of notices of leave, or one person's notice with an option for each field."""

    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A CSV file, headers in English or Japanese; - is standard input."),
    ]
    from_json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A notice, a list of them, or {departures: [...]}; - is standard input."),
    ]
    for_real: Annotated[
        bool | None,
        typer.Option(
            "--for-real/--plan-only", help="Record that vendors may be changed, or may not; by default policy decides."
        ),
    ]
    employee_no: str | None
    name: str | None
    kana: str | None
    romaji: str | None
    former_name: str | None
    email: str | None
    other_emails: Annotated[list[str] | None, typer.Option("--other-emails", help="Another address; may be repeated.")]
    last_working_at: str | None
    manager: str | None
    timezone: str | None


class DepartureOptions(AbsenceOptions):
    """A file of notices of departure, or one person's notice with an option for each field."""

    employment_ends_on: str | None
    kind: Annotated[
        str | None,
        typer.Option(
            help="resignation, dismissal, contract_end …; of a file, the kind of all its rows where no column says it."
        ),
    ]


def depart(
    terminal: Terminal,
    all_or_nothing: AllOrNothing = True,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="An emergency: cut this one person now; no later notice undoes it.")
    ] = False,
    **given: Unpack[DepartureOptions],
) -> int:
    """
    Report departures: a file, or one person by options.  The same notice twice is one case.

    Nothing is changed at a vendor unless it was decided (--for-real, or policy).
    """
    if at_once and (given["csv"] is not None or given["from_json"] is not None):
        raise CommandRefused(*advice("at_once_alone"))
    return submit(terminal, given, all_or_nothing=all_or_nothing, at_once=at_once)


def leave(terminal: Terminal, all_or_nothing: AllOrNothing = True, **given: Unpack[AbsenceOptions]) -> int:
    """
    Report leaves of absence: access is disabled after the last working day and given back by `lastday return`.

    Nothing is deleted.
    """
    return submit(terminal, given, leave=True, all_or_nothing=all_or_nothing)


def reschedule(
    terminal: Terminal,
    case: CaseId,
    ends_on: Annotated[date | None, day("The new last day of employment, inclusive.")] = None,
    last_working_at: Annotated[
        str | None, typer.Option(metavar="DATE [TIME]", help="The new last working day.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Cut now, independent of the dates.")] = False,
) -> None:
    """Move a case that is not cut yet to another last day, or to now: then it is an emergency, which no notice undoes."""
    if ends_on is None and not now:
        raise CommandRefused(*advice("needs_day"))

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
    """End a case whose leaver has lost no access yet.  To give access back, use `lastday restore`."""
    _answer(terminal, in_context(moving.withdraw, case, by=terminal.who, reason=reason), "withdrawn")


def _parse_instant(text: str, zone: str) -> datetime:
    """Return the instant of *text*; a date alone means the end of that day."""
    try:
        return dates.parse_instant(text, ZoneInfo(zone))
    except Flaw as flaw:
        raise CommandRefused(f"--last-working-at: {say(*flaw.refusal.said)}", say(*flaw.refusal.remedy)) from flaw


def _answer(terminal: Terminal, case: Case, outcome: str) -> None:
    at = {"at": local(cut_at(case), case.timezone)}
    terminal.report("moved", at, case=case.id, state=case.state, due_at=case.due_at, outcome=outcome)
