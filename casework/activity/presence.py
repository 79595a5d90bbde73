"""
The days on which a person was at work: by HR's dates and, beyond them, by the logs.

A gap in all logs together, longer than any holidays, is an absence, not a habit of taking nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casework.activity.tally import Tally
    from casework.intake.employment import Employment

_HOLE = 10
"""Working days in a row: the New Year, Golden Week and Obon are shorter."""


def days_at_work(tally: Tally, first: date, hr: Employment) -> list[date]:
    """Return the days from *first* to the end on which the person was at work, by HR's dates and by what all the logs show."""
    days = [day for day in _days(first, tally.ends_on) if hr.is_at_work(day)]
    active = {day for halves in tally.halves.values() for half in halves for day in half.active}
    holes = frozenset(_holes([day for day in days if day.weekday() < 5], active))
    return [day for day in days if day not in holes]


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _holes(weekdays: list[date], active: Collection[date]) -> Iterator[date]:
    """
    Yield the days of each hole: `_HOLE` or more working days in a row without anything done by hand in any log.

    Only for a person who was active on at least half of the other working days: one who seldom uses the logged services has no holes.
    """
    used = sum(day in active for day in weekdays)
    for is_active, days in groupby(weekdays, key=lambda day: day in active):
        run = list(days)
        if not is_active and len(run) >= _HOLE and 2 * used >= len(weekdays) - len(run):
            yield from _days(run[0], run[-1])
