"""Watch the cases while the processes work on them: read from the database, shown as a live table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rich import box
from rich.live import Live
from rich.table import Table
from rich.text import Text

from casework.bootstrap import open_context
from casework.view.prefect_view import opaque
from casework.view.reading.case import case_view

if TYPE_CHECKING:
    from rich.console import Console

    from casework.context import Context

_EVERY = 0.5
_BAR = 16


class LiveState(NamedTuple):
    """The present state of one case.  *settled* of *rows* are settled; *logs_read*: the services' logs are read to their end."""

    state: str
    run_state: str
    settled: int
    rows: int
    findings: int
    questions: int
    logs_read: bool = False


Sights: TypeAlias = Mapping[str, LiveState]
"""Sights by case id."""


async def watch(console: Console, cases: Mapping[str, str], until: Callable[[Sights], bool], patience: float) -> Sights:
    """Show the *cases* (employee number by id) until *until* holds, or *patience* seconds have passed; return the last state."""
    deadline = time.monotonic() + patience
    async with open_context(connected=False) as context:
        seen = {case_id: look(context, case_id) for case_id in cases}
        with Live(_page(cases, seen), console=console, refresh_per_second=4) as live:
            while not until(seen) and time.monotonic() < deadline:
                await asyncio.sleep(_EVERY)
                seen = {case_id: look(context, case_id) for case_id in cases}
                live.update(_page(cases, seen))
    return seen


def look(context: Context, case_id: str) -> LiveState:
    """Return the case's present state."""
    view, case = case_view(context, case_id), context.case(case_id)
    known, taken = opaque(view), view.downloads
    read = taken.verdict is not None and not any(source.reason == "under_way" for source in taken.sources)
    counts = (known.settled, known.rows, len(view.findings), len(view.questions))
    return LiveState(view.state, case.run_state, *counts, read)


def at_rest(sight: LiveState) -> bool:
    """Whether no run works on the case: it is closed, or its run has ended with findings or waits for an answer."""
    waits = sight.run_state in {"ended", "paused"} and bool(sight.findings or sight.questions)
    return sight.state == "closed" or waits


def table(*headings: str, rows: Iterable[Iterable[object]]) -> Table:
    """Return a table of plain texts."""
    made = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made


def _page(cases: Mapping[str, str], seen: Sights) -> Table:
    rows = ((number, case_id, *_cells(seen[case_id])) for case_id, number in cases.items())
    return table("Employee", "Case", "State", "Run", "Settled", "Findings", "Questions", rows=rows)


def _cells(sight: LiveState) -> tuple[object, ...]:
    filled = _BAR * sight.settled // sight.rows if sight.rows else 0
    bar = f"{'█' * filled}{'░' * (_BAR - filled)} {sight.settled}/{sight.rows}"
    return sight.state, sight.run_state, bar, sight.findings, sight.questions
