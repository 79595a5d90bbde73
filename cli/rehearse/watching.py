"""The cases, watched while others work on them: read from the database, a line a change or a live table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rich.live import Live

from cli.contexts import in_context
from cli.tables import cells, table
from cli.terminal import say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from casework.context import Context

Sight = tuple[str, str, int, int, int, int]
"""State, the run's state, settled rows, all rows, findings, questions."""

_EVERY = 0.5
_BAR = 16


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
    from casework import showing
    from casework.questions import open_questions
    from casework.truth.findings import open_findings

    seen: dict[str, Sight] = {}
    for case_id in cases:
        case = context.case(case_id)
        with context.store.read() as session:
            findings, questions = len(open_findings(session, case_id)), len(open_questions(session, case_id))
        seen[case_id] = (str(case.state), case.run_state, *showing.progress(context, case_id), findings, questions)
    return seen


def at_rest(sight: Sight) -> bool:
    """Whether nobody works on the case: it is closed, or a run has ended with findings or waits for an answer."""
    state, run_state, _, _, findings, questions = sight
    return state == "closed" or (run_state in {"ended", "paused"} and bool(findings or questions))


def page(cases: Mapping[str, str], seen: Mapping[str, Sight]) -> Table:
    """Draw what is seen."""
    made = table(
        "employee",
        "case",
        "state",
        say("run", "実行"),
        say("settled", "確認済み"),
        say("findings", "指摘"),
        say("questions", "質問"),
    )
    for case_id, employee_no in cases.items():
        state, run_state, settled, of_all, findings, questions = seen[case_id]
        filled = _BAR * settled // of_all if of_all else 0
        bar = f"{'█' * filled}{'░' * (_BAR - filled)} {settled}/{of_all}"
        made.add_row(*cells(employee_no, case_id, state, run_state, bar, findings, questions))
    return made
