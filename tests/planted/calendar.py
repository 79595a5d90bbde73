"""When a made-up person works: weekdays, holidays as in Japan, days off, and the hours of a day."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

_HOLIDAYS = (((12, 29), (1, 3)), ((4, 29), (5, 5)), ((8, 12), (8, 16)))
_SINGLE = frozenset(
    {(1, 12), (2, 11), (2, 23), (3, 20), (7, 20), (9, 21), (9, 22), (9, 23), (10, 12), (11, 3), (11, 23)}
)
DAY = tuple(range(9, 18))
EVENING = tuple(range(13, 22))
NIGHT = (22, 23, 0, 1, 2, 3, 4, 5)


def days_between(first: date, last: date) -> list[date]:
    """Return every day from *first* to *last*."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def is_holiday(day: date) -> bool:
    """Whether the company is closed: New Year, Golden Week, Obon, and single days of 2026."""
    for begins, ends in _HOLIDAYS:
        at = (day.month, day.day)
        if (begins <= at <= ends) if begins <= ends else (at >= begins or at <= ends):
            return True
    return (day.month, day.day) in _SINGLE


@dataclass
class Calendar:
    """
    One person's: *off* the spans without work, *hours* the usual ones, *shift* other hours from a day on, *late* days on which work went on into
    the evening, *works_weekends* how likely a day of a weekend is worked.
    """

    off: list[tuple[date, date]] = field(default_factory=list)
    hours: tuple[int, ...] = DAY
    shift: tuple[date, tuple[int, ...]] | None = None
    late: set[date] = field(default_factory=set)
    works_weekends: float = 0.0

    def is_worked(self, day: date, chance: random.Random) -> bool:
        """Whether the person is at work on *day*: sick on two days of a hundred, else by the calendar."""
        lucky = chance.random()
        if any(first <= day <= last for first, last in self.off):
            return False
        if day.weekday() >= 5:
            return lucky < self.works_weekends
        return not is_holiday(day) and lucky > 0.02

    def hours_on(self, day: date) -> tuple[int, ...]:
        """Return the hours at which the person works on *day*."""
        hours = self.shift[1] if self.shift is not None and day >= self.shift[0] else self.hours
        return (*hours, 18, 19, 20, 21) if day in self.late else hours
