"""The cases, watched while others work on them: read from the database, a line a change or a live table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from rich.live import Live

from cli.contexts import in_context
from cli.tables import table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from casework.context import Context

_EVERY = 0.5
_BAR = 16


class Sight(NamedTuple):
    """What one case is now: of its rows, how many are settled."""

    state: str
    run_state: str
    settled: int
    rows: int
    findings: int
    questions: int


def watch(
    console: Console, cases: Mapping[str, str], until: Callable[[Mapping[str, Sight]], bool], patience: float
) -> bool:
    """
    Show the *cases* (employee number by id) until *until* holds for what is seen; return whether it came to that.

    *patience* in seconds.
    """
    deadline = time.monotonic() + patience
    seen = in_context(lambda context: look(context, cases))
    with Live(page(cases, seen), console=console, refresh_per_second=4, transient=False) as live:
        while not until(seen):
            if time.monotonic() > deadline:
                return False
            time.sleep(_EVERY)
            seen = in_context(lambda context: look(context, cases))
            live.update(page(cases, seen))
    return True


def look(context: Context, cases: Mapping[str, str]) -> dict[str, Sight]:
    """Return what each case is now."""
    from casework.view.opaque import opaque
    from casework.view.reading.case import case_view

    seen: dict[str, Sight] = {}
    for case_id in cases:
        view, run_state = case_view(context, case_id), context.case(case_id).run_state
        known = opaque(view)
        seen[case_id] = Sight(view.state, run_state, known.settled, known.rows, len(view.findings), len(view.questions))
    return seen


def at_rest(sight: Sight) -> bool:
    """Whether nobody works on the case: it is closed, or a run has ended with findings or waits for an answer."""
    waits = sight.run_state in {"ended", "paused"} and bool(sight.findings or sight.questions)
    return sight.state == "closed" or waits


def page(cases: Mapping[str, str], seen: Mapping[str, Sight]) -> Table:
    """Draw what is seen."""
    rows = ((employee_no, case_id, *_cells(seen[case_id])) for case_id, employee_no in cases.items())
    return table("Employee", "Case", "State", "Run", "Settled", "Findings", "Questions", rows=rows)


def _cells(sight: Sight) -> tuple[object, ...]:
    filled = _BAR * sight.settled // sight.rows if sight.rows else 0
    bar = f"{'█' * filled}{'░' * (_BAR - filled)} {sight.settled}/{sight.rows}"
    return sight.state, sight.run_state, bar, sight.findings, sight.questions
