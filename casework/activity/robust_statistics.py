"""How much was usual: robust statistics of the person's own days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from statistics import median

_SIGMA = 1.4826
"""The factor from a MAD to a standard deviation of normally distributed counts."""
_SHARE, _LEAST = 0.1, 5.0
"""The least spread, as a share of the median and in takes: for counts that hardly vary, a small difference is not unusual."""
_DAYS_OF_A_KIND = 4


@dataclass(frozen=True, slots=True)
class WeekdayNorm:
    """What was usual on one weekday: the median of the takes, and the limit above which a day is unusual."""

    median: float
    limit: float


def summed(parts: Iterable[WeekdayNorm]) -> WeekdayNorm:
    """Return the sum of what several logs let expect."""
    every = list(parts)
    return WeekdayNorm(sum(part.median for part in every), sum(part.limit for part in every))


def of_a_weekday(weekday: int, before: list[date], counts: Counter[date], mads: float) -> WeekdayNorm:
    """Return what *counts* of the days *before* let expect of *weekday*; with few such days, by all working days or all weekend days."""
    same = [day for day in before if day.weekday() == weekday]
    if len(same) < _DAYS_OF_A_KIND:
        same = [day for day in before if (day.weekday() >= 5) == (weekday >= 5)] or before
    return expected([counts[day] for day in same], mads=mads, least=_LEAST)


def expected(values: Collection[int], *, mads: float, least: float = 0.0) -> WeekdayNorm:
    """Return the median of *values*, and as limit *mads* deviations above it; one deviation is at least *least* and a tenth of the median."""
    middle = float(median(values))
    spread = _SIGMA * float(median(abs(value - middle) for value in values))
    return WeekdayNorm(middle, middle + mads * max(spread, _SHARE * middle, least))
