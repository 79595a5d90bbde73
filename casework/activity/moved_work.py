"""
Work that moved from one service to another: what it shows in the new log may be no rise.

One log ended while another one grew, and both together stayed level.  Whether the work moved nobody can say from the logs.  A log that is
quiet for some days, or on some days, has not ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casework.activity.comparison import Comparison
    from casework.activity.measure import Count
    from casework.activity.tally import PeriodCounts

_ENDED = 0.2
"""Times its earlier pace: a log that stays below it has ended, and what another one shows more than that is a rise; a choice."""
_QUIET = 10
"""Fewest working days from the rise to the end of what is known: a log that is quiet for fewer may go on; a choice."""
_STRETCH = 14
"""Days, ten of them working days: in no stretch of this length does an ended log go on; a choice."""
_LEVEL = 1.5
"""Times the earlier pace of both, and times their fullest day: with more, the amount has grown and not only moved; a choice."""


class _Log:
    """What *of* counts in one log, by day.  *days*: the days at work that it shows, to the end of the notice window."""

    def __init__(self, w: Comparison, name: str, of: Count) -> None:
        self.name = name
        self._days, before, since = w.logs[name]
        self.counts = Counter(of(before)) + Counter(of(since))

    def pace_until(self, on: date) -> float:
        """Return the count for each working day before *on*."""
        return self._pace([day for day in self._days if day < on])

    def pace_since(self, on: date) -> float:
        """Return the count for each working day from *on* to the end; what was done on other days counts, too."""
        since = sum(number for day, number in self.counts.items() if day >= on)
        return since / max(_working(day for day in self._days if day >= on), 1)

    def has_ended(self, on: date) -> bool:
        """Whether the log stays below a fifth of its earlier pace from *on* to the end, for ten working days or more."""
        days, most = [day for day in self._days if day >= on], _ENDED * self.pace_until(on)
        stretches = (days[n : n + _STRETCH] for n in range(len(days) - _STRETCH + 1))
        is_quiet = self.pace_since(on) < most and all(self._pace(stretch) < most for stretch in stretches)
        return is_quiet and _working(days) >= _QUIET

    def _pace(self, days: Collection[date]) -> float:
        return sum(self.counts[day] for day in days) / max(_working(days), 1)


def moved_from(w: Comparison, of: Count, since: date) -> tuple[str, ...]:
    """
    Return the logs from which what *of* counts moved to those that are compared, on the day *since* or later; empty if none.

    They ended on the first day with a rise in the compared logs, and all together stayed level from then on, by the pace and by the fullest day.
    A log that was not read in full has not ended.
    """
    named = {name for part in w.parts for name in part.logs}
    here = [_Log(w, name, of) for name in w.logs if name in named]
    counts = _sum(here)
    before = sum(log.pace_until(since) for log in here)
    rises = dict[_Log, date]()
    for log in (_Log(w, name, of) for name in w.logs if name not in named and name not in w.unread):
        least = before + _ENDED * log.pace_until(since)
        rise = min((day for day, number in counts.items() if day >= since and number > least), default=None)
        if rise is not None and _Log(w, log.name, _read).has_ended(rise):
            rises[log] = rise
    is_level = bool(rises) and _is_level(here, [*rises], min(rises.values()))
    return tuple(log.name for log in rises) if is_level else ()


def _is_level(here: Sequence[_Log], ended: Sequence[_Log], on: date) -> bool:
    """Whether the logs *here* show hardly more since *on* than they and those that *ended* showed before, by the pace and by the fullest day."""
    pace, before = sum(log.pace_since(on) for log in here), sum(log.pace_until(on) for log in (*here, *ended))
    fullest = [number for day, number in _sum(here).items() if day >= on]
    earlier = [number for day, number in _sum([*here, *ended]).items() if day < on]
    return pace <= _LEVEL * before and max(fullest) <= _LEVEL * max(earlier, default=0)


def _sum(logs: Iterable[_Log]) -> Counter[date]:
    every = Counter[date]()
    for log in logs:
        every.update(log.counts)
    return every


def _read(half: PeriodCounts) -> Counter[date]:
    """Return what was taken or viewed, by day: what a log shows of a person who uses the service."""
    counts = Counter({day: len(seen) for day, seen in half.views.items()})
    for hour, number in half.hours.items():
        counts[hour.date()] += number
    return counts


def _working(days: Iterable[date]) -> int:
    return sum(day.weekday() < 5 for day in days)
