"""`lastday reschedule`: the last day has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.cases import answer_moved
from cli.errors import Refused
from cli.options import As, AsJson, CaseId
from cli.terminal import Terminal

if TYPE_CHECKING:
    from casework.context import Context
    from models.tables import Case


def reschedule(
    case: CaseId,
    ends_on: Annotated[
        str | None, typer.Option(metavar="DATE", help="The new last day of employment, inclusive.")
    ] = None,
    last_working_at: Annotated[
        str | None, typer.Option(metavar="DATE [TIME]", help="The new last working day.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Cut at this instant, whatever the dates.")] = False,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Move a case that has not been cut to another last day, or to now: then it is an emergency, which no notice undoes."""
    from casework.intake import moving
    from cli.cases import parse_day, parse_instant
    from cli.contexts import in_context
    from cli.orchestration import ask_for_runs

    if ends_on is None and not now:
        raise Refused("reschedule: needs --ends-on DATE or --now", "Say to which day the case moves.")
    terminal = Terminal.of(as_json=as_json, actor=actor)

    def move(context: Context) -> Case:
        old = context.case(case)
        day = parse_day("--ends-on", ends_on) if ends_on is not None else old.employment_ends_on
        last = parse_instant("--last-working-at", last_working_at, old.timezone) if last_working_at else None
        return moving.reschedule(context, case, ends_on=day, last_working_at=last, by=terminal.who, now=now)

    answer_moved(terminal, in_context(move), "rescheduled")
    ask_for_runs(terminal)
    return 0
