"""
What the notice window is compared with: the person's own days before it, by weekday, and their spread (MAD).

The statistics are robust: unusual days do not move the measure that finds them.  Only days at work count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import combinations
from statistics import mean, median

from casework.activity.devices import replacements_in
from casework.activity.measure import Count, Measure, ReachGroup
from casework.activity.presence import days_at_work
from casework.activity.robust_statistics import WeekdayNorm, expected, of_a_weekday, summed
from casework.activity.tally import PeriodCounts, Tally, by_day, whole
from casework.intake.employment import Employment

_ENOUGH = 14
"""Days at work: a log with fewer of them has no baseline."""
_LATELY = timedelta(days=60)
"""Before the notice: a person who plans to leave begins then, so what began then is no habit."""
_OWN_HOUR = 0.02
"""Least share of all earlier activity that makes an hour one at which the person used to work."""
_LITTLE_WORK, _A_TASK, _KEPT_UP = 3, 1.5, 0.4
"""Things made on a usual day, at least, to compare with; a task's least growth of the work, and that growth over the growth of the takes."""
_TOO_MUCH = 10
"""Times the usual takes: from there on no amount of work explains them."""
_MOST_REACHES = 4
"""Most reaches for all their groups to be compared; with more, only all together and each alone are."""


class Comparison:
    """
    A tally's notice window and the days before it.  *covered*: by source, the first day that was read as a whole; *unread*: the sources that
    were not read in full: nobody knows whether they ended.

    A source that was covered for less than two weeks before the notice has no baseline: nothing is expected of it, and *missing* names it.
    *parts*: the other sources with anything to compare, grouped by how far back they reach, the furthest first; *others*: the groups that
    `each` leaves out; *named*: the sources in *parts*, if others show what happened before as well.  *days*: the first part's days at work
    before the notice; *window*: the days at work since; *left_out*: how many days before the notice were not at work.  *usual*: what is
    expected of each weekday, each source by its own days, all added.  *before* and *since*: what these sources recorded, without what sync
    clients fetched for *replacements* of computers; *ever*: what any source recorded before; *made*: what the person made since.  *taken*:
    these sources' takes by day.  *logs*: each source of all parts and others by itself: its days at work, what it recorded before and since.
    *largest_before*: the bytes of the largest file before.
    """

    def __init__(
        self, tally: Tally, covered: dict[str, date], employment: Employment | None = None, unread: Collection[str] = ()
    ) -> None:
        self.tally, self.rules, self.unread = tally, tally.rules, unread
        spans = dict.fromkeys(tally.halves, tally.notice_on) | covered
        at_work = days_at_work(tally, min(spans.values(), default=tally.notice_on), employment or Employment())
        usable = {
            source: [day for day in at_work if begins <= day < tally.notice_on] for source, begins in spans.items()
        }
        self.missing = tuple(sorted(source for source, days in usable.items() if len(days) < _ENOUGH))
        self.window = [day for day in at_work if day >= tally.notice_on]
        self.replacements = replacements_in(whole(half for halves in tally.halves.values() for half in halves))
        filled = {(one.name, day) for one in self.replacements for day in one.days}
        halves = {
            source: (whole([before], filled), whole([since], filled))
            for source, (before, since) in tally.halves.items()
        }
        known = [source for source in halves if source not in self.missing]
        self.before, self.since = (whole(halves[source][half] for source in known) for half in (0, 1))
        self.ever = whole(before for before, _ in halves.values())
        telling = [source for source in known if any(map(_tells, halves[source]))] or known
        self.parts = list(self._parts({source: usable[source] for source in telling}, spans, halves))
        self.others, self.made = list[ReachGroup](), self.since.work
        self.logs = {source: ([*usable[source], *self.window], *halves[source]) for source in telling}
        are_all = not any(_tells(halves[source][0]) for source in self.missing if source in halves)
        self.named = () if are_all else tuple(sorted(telling))
        self.largest_before = tally.before.largest[0]  # what a computer was filled with is known, too
        self.days = self.parts[0].days if self.parts else []
        self.left_out = self.parts[0].left_out if self.parts else 0
        self.taken = by_day(self.before.hours) + by_day(self.since.hours)
        self.usual = tuple(summed(part.usual[weekday] for part in self.parts) for weekday in range(7))

    def each(self) -> Iterator[Comparison]:
        """
        Yield this comparison of all logs together and, if they do not reach equally far back, one of each part alone and of each group of
        parts: no log's habit hides what is new in others.  What the person makes, own hours, and known computers and addresses stay those of
        all logs.
        """
        yield self
        for size in range(1, len(self.parts) if len(self.parts) <= _MOST_REACHES else 2):
            yield from (self._of(parts) for parts in combinations(self.parts, size))

    def _of(self, parts: Sequence[ReachGroup]) -> Comparison:
        some = copy(self)
        some.parts, some.others = [*parts], [part for part in self.parts if not any(part is one for one in parts)]
        some.named = tuple(sorted(log for part in parts for log in part.logs))
        some.days, some.left_out = parts[0].days, parts[0].left_out
        some.usual = tuple(summed(part.usual[weekday] for part in parts) for weekday in range(7))
        some.before, some.since = whole(part.before for part in parts), whole(part.since for part in parts)
        some.taken = by_day(some.before.hours) + by_day(some.since.hours)
        some.largest_before = max(part.largest_before for part in parts)
        return some

    def _parts(
        self,
        usable: Mapping[str, list[date]],
        spans: Mapping[str, date],
        halves: Mapping[str, tuple[PeriodCounts, PeriodCounts]],
    ) -> Iterator[ReachGroup]:
        """Yield the sources grouped by how far back they reach, the furthest first."""
        edge = self.tally.notice_on - _LATELY
        for begins in sorted({days[0] for days in usable.values()}):
            alike = [source for source, days in usable.items() if days[0] == begins]
            days = usable[alike[0]]
            lately_on = edge if sum(day < edge for day in days) >= _ENOUGH else self.tally.notice_on
            before, since = (whole(halves[source][half] for source in alike) for half in (0, 1))
            taking = [by_day(halves[source][0].hours) for source in alike if any(half.hours for half in halves[source])]
            usual = tuple(
                summed(of_a_weekday(weekday, days, counts, self.rules.mads) for counts in taking)
                for weekday in range(7)
            )
            largest = whole(self.tally.halves[source][0] for source in alike).largest[0]
            left_out = max((self.tally.notice_on - spans[source]).days for source in alike) - len(days)
            yield ReachGroup(
                tuple(alike), days, left_out, len(self.window), self.window_days, lately_on, before, since, usual, largest
            )  # fmt: skip

    def measure(self, of: Count) -> Measure:
        """Return how much there is of what *of* counts, all logs together."""
        return Measure(self.parts, of, self.rules.ratio)

    @property
    def lately_from(self) -> date:
        """The day from which on days are too near to the notice to be a habit by themselves."""
        return self.tally.notice_on - _LATELY

    @property
    def long(self) -> list[ReachGroup]:
        """The parts that show as many days before the notice as the window has."""
        return [part for part in self.parts if part.is_long]

    @property
    def is_long(self) -> bool:
        """Whether each log shows as many days as the window has: in a shorter one nobody can say whether a rare thing is usual."""
        return len(self.long) == len(self.parts)

    @property
    def known_days(self) -> int:
        """The number of days before the notice to compare with."""
        return len(self.days)

    @property
    def window_days(self) -> int:
        """The length of the notice window in days, at work or not."""
        return (self.tally.ends_on - self.tally.notice_on).days + 1

    @property
    def taken_since(self) -> dict[date, int]:
        """The takes of each day since the notice."""
        return {day: number for day, number in self.taken.items() if day >= self.tally.notice_on}

    @property
    def taken_before(self) -> dict[date, int]:
        """The takes of each day before the notice, also of days that are left out of the comparison."""
        return {day: number for day, number in self.taken.items() if day < self.tally.notice_on}

    @property
    def levels(self) -> dict[date, int]:
        """The takes of each working day to which every log reaches that shows takes; before a log begins nobody knows its level."""
        begins = max((part.days[0] for part in self.parts if _taken(part)), default=self.tally.notice_on)
        return {day: self.taken[day] for day in _weekdays((*self.days, *self.window)) if day >= begins}

    def is_off(self, hour: datetime) -> bool:
        """Whether *hour* is at a weekend or outside policy's hours, and the person did not use to work at it."""
        begins, ends = self.rules.work_hours
        outside = hour.weekday() >= 5 or not begins <= hour.hour < ends
        return outside and (hour.weekday() >= 5, hour.hour) not in self._own_hours

    @cached_property
    def _own_hours(self) -> frozenset[tuple[bool, int]]:
        clock = Counter[tuple[bool, int]]()
        for hour, number in (self.ever.hours + self.ever.work).items():
            clock[hour.weekday() >= 5, hour.hour] += number
        return frozenset(hour for hour, number in clock.items() if number >= _OWN_HOUR * clock.total())

    def off_share(self, hours: Mapping[datetime, int]) -> float:
        """Return the share of the counts in *hours* for which `is_off` is true."""
        return sum(number for hour, number in hours.items() if self.is_off(hour)) / max(sum(hours.values()), 1)

    def of(self, day: date) -> WeekdayNorm:
        """Return what is expected of *day*'s weekday."""
        return self.usual[day.weekday()]

    def unusual_days(self, days: Mapping[date, int]) -> dict[date, int]:
        """Return those of *days* above their weekday's limit, above any usual working day's, and above policy's floor."""
        floor = max(float(self.rules.day_floor), self._limit)
        return {day: number for day, number in days.items() if number > max(floor, self.of(day).limit)}

    @property
    def _limit(self) -> float:
        """The takes that a day hardly ever exceeds, among days with takes; each log by its own days, all added."""
        active = ([number for number in by_day(part.before.hours).values() if number] for part in self.parts)
        return sum(expected(numbers, mads=self.rules.mads).limit for numbers in active if numbers)

    def usual_on(self, days: Collection[date]) -> float:
        """Return the usual takes of as many working days as *days*, each log by its own days, all added."""
        weekdays = ([_taken(part)[day] for day in _weekdays(part.days)] for part in self.parts)
        return len(days) * sum(median(numbers) for numbers in weekdays if numbers)

    def showing(self, days: Iterable[date]) -> list[ReachGroup]:
        """Return the parts that show their fair share, or more, of the takes of one of *days*: at least one part if anything was taken."""
        every = [day for day in days if self.taken[day]]
        shown = ((part, _taken(part)) for part in self.parts)
        return [part for part, taken in shown if any(len(self.parts) * taken[day] >= self.taken[day] for day in every)]

    def as_before(self, counts: Mapping[date, float]) -> float:
        """Return the window's share of *counts* of earlier days if they went on, by the part that shows these days and gives the most."""
        since = ((part, sum(n for day, n in counts.items() if day >= part.days[0])) for part in self.showing(counts))
        return max((part.as_before(number) for part, number in since), default=0.0)

    def work_of(self, days: Iterable[date], usual: Collection[date] | None = None) -> float | None:
        """
        Return how many times as much the person made on *days* as on the *usual* working days before (None: all of them), by the logs that
        show both; None where the logs show too little work.
        """
        now = middle = 0.0
        every = [*days]
        for part in (*self.parts, *self.others):
            made = by_day(part.before.work) + by_day(part.since.work)
            before = [made[day] for day in _weekdays(part.days) if usual is None or day in usual]
            shown = [made[day] for day in every if day >= part.days[0]]
            if before and shown:
                now, middle = now + mean(shown), middle + float(median(before))
        return now / middle if middle >= _LITTLE_WORK else None

    def is_explained(self, times: float, work: float | None) -> bool:
        """Whether a new task may explain *times* the usual takes: *work* grew by half and kept up, and the takes stay below ten times."""
        return work is not None and times < _TOO_MUCH and work >= max(_A_TASK, times * _KEPT_UP)


def _taken(part: ReachGroup) -> Counter[date]:
    return by_day(part.before.hours) + by_day(part.since.hours)


def _weekdays(days: Iterable[date]) -> list[date]:
    return [day for day in days if day.weekday() < 5]


def _tells(half: PeriodCounts) -> bool:
    """Whether a log recorded anything that is compared with what it recorded before."""
    return bool(half.hours or half.work or half.views or half.exits or half.own or half.unclear)
