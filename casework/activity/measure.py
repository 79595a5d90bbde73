"""
How much of one thing the logs show before the notice and since: all logs together, each compared with its own days.

The amount is one sum, over however many logs it is spread; what is usual is each log's own, however far back it reaches.
`Comparison.each` tries the sum first, then each reach alone and each group of reaches.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from casework.activity.robust_statistics import WeekdayNorm
    from casework.activity.tally import PeriodCounts

Count: TypeAlias = "Callable[[PeriodCounts], Mapping[date, int]]"
"""Counts one thing by day."""
_BY_CHANCE, _FEW = 1e-4, 1_000
"""Highest probability (Poisson) of a rise that chance does not explain, and up to how many it is computed: for more the ratio is enough."""


@dataclass(frozen=True, slots=True)
class ReachGroup:
    """
    The *logs* that reach equally far back, and what they recorded *before* the notice and *since*.  *days*: the days before it to compare with;
    *left_out*: how many others there were; *window*: the number of days at work since; *length*: the days of the notice window, at work or not.  *lately_on*: what first appears on
    or after this day is new.  *usual*: what is expected of each weekday.  *largest_before*: the bytes of the largest file before the notice.
    """

    logs: tuple[str, ...]
    days: list[date]
    left_out: int
    window: int
    length: int
    lately_on: date
    before: PeriodCounts
    since: PeriodCounts
    usual: tuple[WeekdayNorm, ...]
    largest_before: int

    @property
    def is_long(self) -> bool:
        """Whether at least as many days are known as the window has: in fewer, a rare thing may have had no time to happen."""
        return len(self.days) >= self.length

    @property
    def older(self) -> list[date]:
        """The days before `lately_on`."""
        return [day for day in self.days if day < self.lately_on]

    def as_before(self, number: float) -> float:
        """Return the count in the notice window of something that happened *number* times in the days before and went on like that."""
        return number * max(self.window, 1) / len(self.days)

    def as_older(self, number: float) -> float:
        """Return the count since `lately_on` of something that happened *number* times in the older days and went on like that."""
        return number * (self.window + len(self.days) - len(self.older)) / len(self.older)

    def most(self, counts: Mapping[date, int]) -> int:
        """Return the highest sum of *counts* in any stretch as long as the notice window; in the older days if they are long enough."""
        older = self.older
        days = older if len(older) >= self.length else self.days
        span = timedelta(days=self.length)
        inside, most, ends = 0, 0, 0
        for day in days:
            while ends < len(days) and days[ends] < day + span:
                inside += counts.get(days[ends], 0)
                ends += 1
            most, inside = max(most, inside), inside - counts.get(day, 0)
        return most


class Measure:
    """
    One thing that *of* counts, in the logs that show any of it.  *days*: the number of days of the log among them that reaches furthest back.
    *before* and *since*: the sum over all logs before and since the notice.  *expected*: the sum in the window if each log went on as before.
    *once*: what one more event before would add to *expected*.
    """

    def __init__(self, parts: Sequence[ReachGroup], of: Count, ratio: float) -> None:
        every = [(part, of(part.before), of(part.since)) for part in parts]
        self._shown = [one for one in every if one[1] or one[2]] or every[:1]
        self._ratio = ratio
        known = [(part, _in(part.days, before)) for part, before, _ in self._shown]
        self.longest = self._shown[0][0] if self._shown else None
        self.days = len(self.longest.days) if self.longest else 0
        self.before = sum(number for _, number in known)
        self.since = sum(sum(since.values()) for _, _, since in self._shown)
        self.expected = sum(part.as_before(number) for part, number in known)
        self.once = self.longest.as_before(1) if self.longest else 0.0

    @cached_property
    def most(self) -> int:
        """The sum over the logs of the most before in any stretch as long as the window."""
        return sum(part.most(before) for part, before, _ in self._shown)

    @property
    def has_risen(self) -> bool:
        """
        Whether there is more since the notice than *ratio* times the expected, more than chance gives (Poisson, with one event more than was
        seen before), and more than in any earlier stretch of that length.
        """
        grown = self.since > self._ratio * self.expected
        return grown and is_more(self.since, self.expected + self.once) and self.since > self.most

    @cached_property
    def lately(self) -> Counter[date]:
        """The count by day since each log's own `lately_on`."""
        late = Counter[date]()
        for part, before, since in self._shown:
            late.update({day: n for half in (before, since) for day, n in half.items() if day >= part.lately_on})
        return late

    @cached_property
    def older(self) -> int:
        """The count on the older days."""
        return sum(_in(part.older, before) for part, before, _ in self._shown)

    @property
    def is_new(self) -> bool:
        """Whether there is more lately than expected from the older days; if they have none, one is enough."""
        number = self.lately.total()
        if self.longest is None or self.older == 0:
            return number > 0
        expected = sum(part.as_older(_in(part.older, before)) for part, before, _ in self._shown)
        return number > self._ratio * expected and is_more(number, expected + self.longest.as_older(1))


def is_more(number: int, rate: float, *, times: float = 1.0) -> bool:
    """Whether *number* is more than *times* the *rate*, and more than chance gives at that rate (Poisson)."""
    return number > times * rate and _tail(number, rate) < _BY_CHANCE


def _in(days: Sequence[date], counts: Mapping[date, int]) -> int:
    return sum(counts.get(day, 0) for day in days)


def _tail(number: int, rate: float) -> float:
    """Return the Poisson probability of *number* or more at *rate*; 0 above `_FEW`, or without a rate."""
    if number > _FEW or rate <= 0:
        return 0.0
    return 1.0 - sum(math.exp(-rate + k * math.log(rate) - math.lgamma(k + 1)) for k in range(number))
