"""What several verbs read and say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from zoneinfo import ZoneInfo

from cli.errors import Refused
from cli.terminal import say


def parse_day(option: str, text: str) -> date:
    """Return the date that *text* names, in any form that a notice may use; raises `Refused`."""
    from casework.intake import dates

    with _reading(option):
        return dates.parse_day(text)


def parse_instant(option: str, text: str, timezone: str) -> datetime:
    """Return the instant that *text* names; a date alone means its end.  Raises `Refused`."""
    from casework.intake import dates

    with _reading(option):
        return dates.parse_instant(text, ZoneInfo(timezone))


@contextmanager
def _reading(option: str) -> Iterator[None]:
    from casework.intake.refusals import Flaw

    try:
        yield
    except Flaw as flaw:
        raise Refused(f"{option}: {say(*flaw.refusal.reason)}", say(*flaw.refusal.remedy)) from flaw


def second_person(request_id: str) -> str:
    """Say how a second person agrees to what was asked for."""
    return say(
        f"Asked for.  A second person runs: lastday approve {request_id}", f"第二者が実行: lastday approve {request_id}"
    )
