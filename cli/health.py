"""`lastday health`: is the cut guaranteed now?"""

from __future__ import annotations

from casework import health as alarms
from casework.health import Health, health_soon
from casework.messages import message
from casework.settings import read_settings
from cli.contexts import in_context
from cli.errors import BAD_INPUT, DONE, REMAINS
from cli.examining import Row, examined, row
from cli.tables import table
from cli.terminal import Terminal, say

_CODES = {"ok": DONE, "amber": REMAINS, "red": BAD_INPUT}


def health(terminal: Terminal) -> int:
    """
    Tell overdue cuts, processes that are silent or fail, what lies behind, questions near their instant.  Answers within a second, from our
    database alone.

    Exits with 2 if a cut is late or not guaranteed, with 1 if anything else is wrong.
    """
    found = _look()
    rows = (one.values() for one in _rows(found))
    terminal.answer(found.payload, table("Check", "State", "Problem", "Remedy", rows=rows))
    return _CODES[found.state]


def examine_health() -> list[Row]:
    """Return the doctor's row of each alarm; a database that cannot be opened has its own row beside it."""
    return examined("health", lambda: _rows(_look()))


def _look() -> Health:
    settings = read_settings()
    return in_context(lambda context: health_soon(lambda: alarms.health(context, settings)))


def _rows(found: Health) -> list[Row]:
    told = [(alarm.state, message(alarm.code, **alarm.facts)) for alarm in found.alarms]
    return [row("health", state, say(*one.said), say(*one.remedy)) for state, one in told] or [row("health")]
