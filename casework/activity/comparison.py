"""
What the notice window is compared with: the person's own days before it, by weekday, and how far they stray (MAD).

Robust on purpose: the days that are looked for do not move the measure by which they are found.  Only days at work count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from statistics import mean, median

from casework.activity.devices import replacements_in
from casework.activity.measure import Count, Measure, Part
from casework.activity.presence import days_at_work
from casework.activity.robust_statistics import Usual, expected, of_a_weekday, summed
from casework.activity.tally import Half, Tally, by_day, whole
from casework.intake.employment import Employment

_ENOUGH = 14
"""Days: a log that is known for less has nothing to be compared with."""
_FIRST = 10
"""Working days of a log from which its level is guessed before them."""
_LATELY = timedelta(days=60)
"""Before the notice: who plans to leave begins then, and what began then is no habit."""
_OWN_HOUR = 0.02
"""Of all that was done before: the share from which on an hour is one at which the person used to work."""
_LITTLE_WORK, _A_TASK, _KEPT_UP = 3, 1.5, 0.4
"""What is made on a usual day, from which on it can be compared; times as much, and of what is taken, that look like a task."""
_TOO_MUCH = 10
"""Times the usual: from there on no amount of work explains what was taken."""


class Comparison:
    """
    A tally's notice window and the days before it.  *covered*: by source, the first day that was read as a whole.

    A source that was covered for less than two weeks before the notice has no baseline: nothing is expected of it, and *missing* names it.
    *parts*: the others that tell anything that is compared, by how far back they reach, the furthest first.  *days*: those of the furthest before the notice, *window* those
    since, both only as far as the person was at work; *left_out*: how many before it were not.  *usual*: what was to be expected of each
    weekday, each source by its own days, all together.  *before* and *since*: what these sources told, without what sync clients fetched for *replacements* of
    computers; *ever*: what any source told before.  *taken*: the takes of each of their days.
    """

    def __init__(self, tally: Tally, covered: dict[str, date], employment: Employment | None = None) -> None:
        self.tally, self.rules = tally, tally.rules
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
        self.parts = list(self._parts({source: usable[source] for source in telling}, halves))
        self.days = self.parts[0].days if self.parts else []
        self.left_out = (
            max((tally.notice_on - spans[source]).days for source in telling) - len(self.days) if telling else 0
        )
        self.taken = by_day(self.before.hours) + by_day(self.since.hours)
        taking = {
            source: by_day(halves[source][0].hours) for source in known if any(half.hours for half in halves[source])
        }
        self.usual = tuple(
            summed(of_a_weekday(weekday, usable[source], counts, self.rules.mads) for source, counts in taking.items())
            for weekday in range(7)
        )

    def _parts(self, usable: Mapping[str, list[date]], halves: Mapping[str, tuple[Half, Half]]) -> Iterator[Part]:
        """Yield the sources together that reach equally far back, the furthest first."""
        edge = self.tally.notice_on - _LATELY
        for begins in sorted({days[0] for days in usable.values()}):
            alike = [source for source, days in usable.items() if days[0] == begins]
            days = usable[alike[0]]
            lately_on = edge if sum(day < edge for day in days) >= _ENOUGH else self.tally.notice_on
            before, since = (whole(halves[source][half] for source in alike) for half in (0, 1))
            yield Part(days, len(self.window), self.window_days, lately_on, before, since)

    def measure(self, of: Count, *, rare: bool = False) -> Measure:
        """
        Return how much there is of what *of* counts, all logs together.  *rare*: in the logs alone that show as many days as the window
        has; of others nobody can say whether it is usual.
        """
        return Measure(self.long if rare else self.parts, of, self.rules.ratio)

    @property
    def long(self) -> list[Part]:
        """The parts that show as many days before the notice as the window has."""
        return [part for part in self.parts if part.is_long]

    @property
    def known_days(self) -> int:
        """How many days before the notice there are to compare with."""
        return len(self.days)

    @property
    def window_days(self) -> int:
        """How many days the notice window has, whether the person was at work or not."""
        return (self.tally.ends_on - self.tally.notice_on).days + 1

    @property
    def taken_since(self) -> dict[date, int]:
        """The takes of each day since the notice."""
        return {day: number for day, number in self.taken.items() if day >= self.tally.notice_on}

    @property
    def taken_before(self) -> dict[date, int]:
        """The takes of each day before the notice, those among them with which nothing is compared."""
        return {day: number for day, number in self.taken.items() if day < self.tally.notice_on}

    @cached_property
    def levels(self) -> dict[date, float]:
        """The takes of each working day; of a log that begins later, before its beginning, what was usual at it."""
        weekdays = _weekdays((*self.days, *self.window))
        levels = dict.fromkeys(weekdays, 0.0)
        for part in self.parts:
            counts = _taken(part)
            first = median([counts[day] for day in _weekdays(part.days)[:_FIRST]] or [0])
            for day in weekdays:
                levels[day] += counts[day] if day >= part.days[0] else first
        return levels

    def is_off(self, hour: datetime) -> bool:
        """Whether *hour* lies at a weekend or outside policy's hours, and is not one at which the person used to work."""
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
        """Return which share of *hours* is off."""
        return sum(number for hour, number in hours.items() if self.is_off(hour)) / max(sum(hours.values()), 1)

    def of(self, day: date) -> Usual:
        """Return what was to be expected of *day*."""
        return self.usual[day.weekday()]

    def unusual_days(self, days: Mapping[date, int]) -> dict[date, int]:
        """Return those of *days* above their weekday's limit, above any usual working day's, and above policy's floor."""
        floor = max(float(self.rules.day_floor), self._limit)
        return {day: number for day, number in days.items() if number > max(floor, self.of(day).limit)}

    @cached_property
    def _limit(self) -> float:
        """What a day with takes hardly ever comes to, each log by its own days."""
        active = ([number for number in by_day(part.before.hours).values() if number] for part in self.parts)
        return sum(expected(numbers, mads=self.rules.mads).limit for numbers in active if numbers)

    def usual_on(self, days: Collection[date]) -> float:
        """Return what was usual on so many working days, each log by its own."""
        weekdays = ([_taken(part)[day] for day in _weekdays(part.days)] for part in self.parts)
        return len(days) * sum(median(numbers) for numbers in weekdays if numbers)

    def as_before(self, counts: Mapping[date, float]) -> float:
        """Return what the window would show of all that days before show together, by the stretch of them that has most: since some log's beginning."""
        since = ((part, sum(n for day, n in counts.items() if day >= part.days[0])) for part in self.parts)
        return max((part.as_before(number) for part, number in since), default=0.0)

    def work_of(self, days: Iterable[date], usual: Collection[date] | None = None) -> float | None:
        """
        Return how many times as much the person made on the working days of *days* as on the *usual* ones before, by the logs that show both;
        None where they tell too little of it.
        """
        now = middle = 0.0
        every = [*days]
        for part in self.parts:
            made = by_day(part.before.work) + by_day(part.since.work)
            before = [made[day] for day in _weekdays(part.days) if usual is None or day in usual]
            shown = [made[day] for day in every if day >= part.days[0]]
            if before and shown:
                now, middle = now + mean(shown), middle + float(median(before))
        return now / middle if middle >= _LITTLE_WORK else None

    def is_explained(self, times: float, work: float | None) -> bool:
        """Whether *times* the usual were taken while so many *times* more was made that it may be a task: it was half as much again, and kept up."""
        return work is not None and times < _TOO_MUCH and work >= max(_A_TASK, times * _KEPT_UP)


def _taken(part: Part) -> Counter[date]:
    return by_day(part.before.hours) + by_day(part.since.hours)


def _weekdays(days: Iterable[date]) -> list[date]:
    return [day for day in days if day.weekday() < 5]


def _tells(half: Half) -> bool:
    """Whether a log told anything that is compared with what it told before."""
    return bool(half.hours or half.work or half.views or half.exits or half.own or half.unclear)
