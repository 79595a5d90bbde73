"""`lastday health`: is the cut guaranteed now?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from casework.messages import message
from cli.contexts import in_context
from cli.errors import BAD_INPUT, DONE, REMAINS
from cli.rows import Row, row
from cli.tables import table
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from casework.health import Health

CODES = {"ok": DONE, "amber": REMAINS, "red": BAD_INPUT}


def health(terminal: Terminal) -> int:
    """
    Tell overdue cuts, processes that are silent or fail, what lies behind, questions near their instant.  Answers within a second, from our
    database alone.

    Exits with 2 if a cut is late or not guaranteed, with 1 if anything else is wrong.
    """
    found = look()
    shown = table("Check", "State", "Problem", "Remedy", rows=(one.values() for one in rows(found)))
    terminal.answer(found.payload, shown)
    return CODES[found.state]


def look() -> Health:
    """Return how this house stands.  Raises what opening the database raises."""
    from casework.health import health as all_alarms
    from casework.health import health_soon
    from casework.settings import read_settings

    settings = read_settings()
    return in_context(lambda context: health_soon(lambda: all_alarms(context, settings), lambda: datetime.now(UTC)))


def rows(found: Health) -> list[Row]:
    """Return a row an alarm, or one that says that there is none."""
    told = [(alarm.state, message(alarm.code, **alarm.facts)) for alarm in found.alarms]
    return [row("health", state, say(*one.said), say(*one.remedy)) for state, one in told] or [row("health")]
