"""
What was to be expected of a day: the median of the person's own days of that weekday, and how far they stray (MAD).

Robust on purpose: the days that are looked for do not move the measure by which they are found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

_SIGMA = 1.4826
"""Turns a MAD into a standard deviation, were the counts normal."""
_SHARE, _LEAST = 0.1, 5.0
"""The least spread: counts that hardly ever differ are not unusual as soon as they do."""
_DAYS_OF_A_KIND = 4
_ENOUGH = 14


@dataclass(frozen=True, slots=True)
class Expected:
    """One day's median and upper limit."""

    median: float
    limit: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """
    By source: the days of each weekday before the notice.  A source that was covered for less than two weeks before it has
    no baseline: nothing is expected of it, and *missing* names it.
    """

    weekdays: Mapping[str, tuple[Expected, ...]]
    missing: tuple[str, ...]
    days: int

    def of(self, day: date) -> Expected:
        """Return what was to be expected of *day*, all sources together."""
        parts = [weekdays[day.weekday()] for weekdays in self.weekdays.values()]
        return Expected(sum(part.median for part in parts), sum(part.limit for part in parts))


def measure(
    days: Mapping[str, Counter[date]], covered: Mapping[str, date], notice_on: date, *, mads: float
) -> Baseline:
    """Measure the days from *covered* (by source: the first day that was read as a whole) until the notice."""
    known = {source: (notice_on - covered.get(source, notice_on)).days for source in {*days, *covered}}
    missing = sorted(source for source, number in known.items() if number < _ENOUGH)
    weekdays: dict[str, tuple[Expected, ...]] = {}
    for source, counts in days.items():
        if source not in missing:
            before = [covered[source] + timedelta(days=n) for n in range(known[source])]
            weekdays[source] = tuple(_of_a_weekday(weekday, before, counts, mads) for weekday in range(7))
    return Baseline(weekdays, tuple(missing), max((known[source] for source in weekdays), default=0))


def _of_a_weekday(weekday: int, before: list[date], counts: Counter[date], mads: float) -> Expected:
    same = [day for day in before if day.weekday() == weekday]
    if len(same) < _DAYS_OF_A_KIND:
        same = [day for day in before if (day.weekday() >= 5) == (weekday >= 5)]
    return expected([counts[day] for day in same], mads=mads, least=_LEAST)


def expected(values: Collection[int], *, mads: float, least: float = 0.0) -> Expected:
    """Return the median of *values*, and *mads* robust deviations above it: at least *least* each, and a tenth of the median."""
    middle = float(median(values))
    spread = _SIGMA * float(median(abs(value - middle) for value in values))
    return Expected(middle, middle + mads * max(spread, _SHARE * middle, least))
