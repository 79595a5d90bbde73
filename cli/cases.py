"""What several verbs do with one case: its dates read, its new state told."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli.errors import Refused
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from casework.intake.refusals import Flaw
    from models.tables import Case


def parse_day(option: str, text: str) -> date:
    """Return the date that *text* names, in any form that a notice may use; raises `Refused`."""
    from casework.intake import dates, refusals

    try:
        return dates.parse_day(text)
    except refusals.Flaw as flaw:
        raise _refused(option, flaw) from flaw


def parse_instant(option: str, text: str, timezone: str) -> datetime:
    """Return the instant that *text* names; a date alone means its end.  Raises `Refused`."""
    from casework.intake import dates, refusals

    try:
        return dates.parse_instant(text, ZoneInfo(timezone))
    except refusals.Flaw as flaw:
        raise _refused(option, flaw) from flaw


def _refused(option: str, flaw: Flaw) -> Refused:
    return Refused(f"{option}: {say(*flaw.refusal.reason)}", say(*flaw.refusal.remedy))


def answer_moved(terminal: Terminal, case: Case, outcome: str) -> None:
    """Tell what became of a case."""
    from casework.intake.instants import cut_at
    from cli.tables import local

    due = case.due_at.isoformat()
    payload = {"case": case.id, "state": str(case.state), "due_at": due, "outcome": outcome}
    terminal.answer(
        payload,
        f"{case.id}: {outcome}, {case.state}, "
        + say("cut at", "停止予定")
        + f" {local(cut_at(case).isoformat(), case.timezone)}",
    )
