"""
What the notice window is compared with: the person's own days before it, by weekday, and how far they stray (MAD).

Robust on purpose: the days that are looked for do not move the measure by which they are found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from casework.activity.tally import Tally

_SIGMA = 1.4826
"""Turns a MAD into a standard deviation, were the counts normal."""
_SHARE, _LEAST = 0.1, 5.0
"""The least spread: counts that hardly ever differ are not unusual as soon as they do."""
_DAYS_OF_A_KIND = 4
_ENOUGH = 14


@dataclass(frozen=True, slots=True)
class Usual:
    """What was usual on one weekday: the median of what was taken, and the limit above which a day stands out."""

    median: float
    limit: float


class Comparison:
    """
    A tally's notice window and the days before it.  *covered*: by source, the first day that was read as a whole.

    A source that was covered for less than two weeks before the notice has no baseline: nothing is expected of it, and
    *missing* names it.  *known_days*: how many days there are to compare with; *usual*: what was to be expected of each
    weekday, all sources together.  *since* and *before*: the takes of each day, where they can be compared.
    """

    def __init__(self, tally: Tally, covered: dict[str, date]) -> None:
        self.tally, self.rules = tally, tally.rules
        before = {
            source: [first + timedelta(days=n) for n in range((tally.notice_on - first).days)]
            for source, first in (dict.fromkeys(tally.days, tally.notice_on) | covered).items()
        }
        self.missing = tuple(sorted(source for source, days in before.items() if len(days) < _ENOUGH))
        self._known = {source: before[source] for source in tally.days if source not in self.missing}
        self.known_days = max(map(len, self._known.values()), default=0)
        self.usual = tuple(map(self._usual, range(7)))
        compared = sum((tally.days[source] for source in self._known), Counter[date]())
        self.since = {day: number for day, number in compared.items() if day >= tally.notice_on}
        self.before = {day: number for day, number in compared.items() if day < tally.notice_on}
        self.days_since = max((tally.ends_on - tally.notice_on).days + 1, 1)

    def _usual(self, weekday: int) -> Usual:
        days, mads = self.tally.days, self.rules.mads
        parts = [_of_a_weekday(weekday, before, days[source], mads) for source, before in self._known.items()]
        return Usual(sum(part.median for part in parts), sum(part.limit for part in parts))

    def of(self, day: date) -> Usual:
        """Return what was to be expected of *day*."""
        return self.usual[day.weekday()]

    def rises(self, since: float, before: float) -> bool:
        """Whether a count in the notice window is *ratio* times what the days before it would give."""
        return since > self.rules.ratio * self.as_before(before)

    def as_before(self, before: float) -> float:
        """Return what the notice window would show of something that went on as in the days *before*."""
        return before * self.days_since / max(self.known_days, 1)


def _of_a_weekday(weekday: int, before: list[date], counts: Counter[date], mads: float) -> Usual:
    same = [day for day in before if day.weekday() == weekday]
    if len(same) < _DAYS_OF_A_KIND:
        same = [day for day in before if (day.weekday() >= 5) == (weekday >= 5)]
    return expected([counts[day] for day in same], mads=mads, least=_LEAST)


def expected(values: Collection[int], *, mads: float, least: float = 0.0) -> Usual:
    """Return the median of *values*, and *mads* robust deviations above it: at least *least* each, and a tenth of the median."""
    middle = float(median(values))
    spread = _SIGMA * float(median(abs(value - middle) for value in values))
    return Usual(middle, middle + mads * max(spread, _SHARE * middle, least))
