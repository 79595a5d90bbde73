"""How much was usual: robust measures of the person's own days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from statistics import median

_SIGMA = 1.4826
"""Turns a MAD into a standard deviation, were the counts normal."""
_SHARE, _LEAST = 0.1, 5.0
"""The least spread: counts that hardly ever differ are not unusual as soon as they do."""
_DAYS_OF_A_KIND = 4


@dataclass(frozen=True, slots=True)
class Usual:
    """What was usual on one weekday: the median of what was taken, and the limit above which a day stands out."""

    median: float
    limit: float


def summed(parts: Iterable[Usual]) -> Usual:
    """Return what several logs let expect together."""
    every = list(parts)
    return Usual(sum(part.median for part in every), sum(part.limit for part in every))


def of_a_weekday(weekday: int, before: list[date], counts: Counter[date], mads: float) -> Usual:
    """Return what *counts* of the days *before* let expect of *weekday*; of few such days, what working days or weekends do."""
    same = [day for day in before if day.weekday() == weekday]
    if len(same) < _DAYS_OF_A_KIND:
        same = [day for day in before if (day.weekday() >= 5) == (weekday >= 5)] or before
    return expected([counts[day] for day in same], mads=mads, least=_LEAST)


def expected(values: Collection[int], *, mads: float, least: float = 0.0) -> Usual:
    """Return the median of *values*, and *mads* robust deviations above it: at least *least* each, and a tenth of the median."""
    middle = float(median(values))
    spread = _SIGMA * float(median(abs(value - middle) for value in values))
    return Usual(middle, middle + mads * max(spread, _SHARE * middle, least))
