"""
What the notice window is compared with: the person's own days before it, by weekday, and how far they stray (MAD).

Robust on purpose: the days that are looked for do not move the measure by which they are found.  Only days at work count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from statistics import mean, median

from casework.activity.devices import replacement_in
from casework.activity.presence import days_at_work
from casework.activity.tally import Half, Tally, by_day, whole
from casework.activity.usual import Usual, expected, of_a_weekday, summed
from casework.intake.employment import Employment

_ABOUT = 0.8
"""Of the longest: logs that reach so far back are compared together, by the days that all of them show."""
_ENOUGH = 14
"""Days: a log that is known for less has nothing to be compared with."""
_LATELY = timedelta(days=60)
"""Before the notice: who plans to leave begins then, and what began then is no habit."""
_BY_CHANCE, _FEW = 1e-4, 1_000
"""How likely chance may be, and up to how many it is asked: of more the ratio says enough."""
_OWN_HOUR = 0.02
"""Of all that was done before: the share from which on an hour is one at which the person used to work."""
_LITTLE_WORK, _A_TASK, _KEPT_UP = 3, 1.5, 0.4
"""What is made on a usual day, from which on it can be compared; times as much, and of what is taken, that look like a task."""
_TOO_MUCH = 10
"""Times the usual: from there on no amount of work explains what was taken."""


class Comparison:
    """
    A tally's notice window and the days before it.  *covered*: by source, the first day that was read as a whole.

    A source that was covered for less than two weeks before the notice has no baseline: nothing is expected of it, and
    *missing* names it.  *days*: those before the notice to compare with, which all logs show that tell of what is compared, *window* those since, both only as far as the person was at work;
    *left_out*: how many before it were not.  *among*: these sources alone.  *usual*: what was to be expected of each weekday, all sources together.  *before* and *since*: what
    can be compared; *taken* the takes of each of their days but for what a sync client fetched for a *replacement* of the computer, *made* what
    the person made.  *lately_on*: from when on something is new that was not there before.
    """

    def __init__(
        self, tally: Tally, covered: dict[str, date], employment: Employment | None = None, among: Collection[str] = ()
    ) -> None:
        self.tally, self.rules = tally, tally.rules
        spans = dict.fromkeys(tally.halves, tally.notice_on) | covered
        at_work = days_at_work(tally, min(spans.values(), default=tally.notice_on), employment or Employment())
        usable = {
            source: [day for day in at_work if begins <= day < tally.notice_on] for source, begins in spans.items()
        }
        self.missing = tuple(sorted(source for source, days in usable.items() if len(days) < _ENOUGH))
        known = [source for source in tally.halves if source not in self.missing and (not among or source in among)]
        telling = [source for source in known if any(map(_tells, tally.halves[source]))] or known
        self.days = min((usable[source] for source in telling), key=len, default=[])
        self.window = [day for day in at_work if day >= tally.notice_on]
        self.left_out = min(((tally.notice_on - spans[source]).days for source in telling), default=0) - len(self.days)
        self.before, self.since = (whole(tally.halves[source][half] for source in known) for half in (0, 1))
        self.made = by_day(self.before.work) + by_day(self.since.work)
        self.replacement = replacement_in(whole((self.before, self.since)))
        self.taken = self._without_filling(by_day(self.before.hours) + by_day(self.since.hours))
        taking = {
            source: self._without_filling(by_day(tally.halves[source][0].hours))
            for source in known if any(half.hours for half in tally.halves[source])
        }  # fmt: skip
        self.usual = tuple(
            summed(of_a_weekday(weekday, usable[source], counts, self.rules.mads) for source, counts in taking.items())
            for weekday in range(7)
        )
        self.lately_on = self._lately_on()
        self._parts = _of_one_reach(known, telling, usable) if not among else []
        self._again = partial(Comparison, tally, covered, employment)

    def parts(self) -> list[Comparison]:
        """Return this for each group of logs that reach about equally far back: a log is compared with its own days alone."""
        return [self._again(part) for part in self._parts] if len(self._parts) > 1 else [self]

    @property
    def known_days(self) -> int:
        """How many days before the notice there are to compare with."""
        return len(self.days)

    @property
    def is_long(self) -> bool:
        """Whether as many days are known as the window has: else what is rare may have had no time to happen."""
        return self.known_days >= self.window_days

    @property
    def window_days(self) -> int:
        """How many days the notice window has, whether the person was at work or not."""
        return (self.tally.ends_on - self.tally.notice_on).days + 1

    @property
    def older_days(self) -> int:
        """How many of the days to compare with are older than what is new."""
        return sum(day < self.lately_on for day in self.days)

    def _lately_on(self) -> date:
        edge = self.tally.notice_on - _LATELY
        return edge if sum(day < edge for day in self.days) >= _ENOUGH else self.tally.notice_on

    def _filled(self) -> Mapping[date, int]:
        return self.replacement.days if self.replacement is not None else {}

    def _without_filling(self, counts: Counter[date]) -> Counter[date]:
        filled = self._filled()
        return Counter({day: max(number - filled.get(day, 0), 0) for day, number in counts.items()})

    @property
    def taken_since(self) -> dict[date, int]:
        """The takes of each day since the notice."""
        return {day: number for day, number in self.taken.items() if day >= self.tally.notice_on}

    @property
    def taken_before(self) -> dict[date, int]:
        """The takes of each day before the notice, those among them with which nothing is compared."""
        return {day: number for day, number in self.taken.items() if day < self.tally.notice_on}

    def hours_of(self, half: Half) -> Counter[datetime]:
        """Return the takes by hour, without the days on which a replaced computer was filled."""
        filled = self._filled()
        return Counter({hour: number for hour, number in half.hours.items() if hour.date() not in filled})

    def is_off(self, hour: datetime) -> bool:
        """Whether *hour* lies at a weekend or outside policy's hours, and is not one at which the person used to work."""
        begins, ends = self.rules.work_hours
        outside = hour.weekday() >= 5 or not begins <= hour.hour < ends
        return outside and (hour.weekday() >= 5, hour.hour) not in self._own_hours

    @cached_property
    def _own_hours(self) -> frozenset[tuple[bool, int]]:
        clock = Counter[tuple[bool, int]]()
        for hour, number in (self.hours_of(self.before) + self.before.work).items():
            clock[hour.weekday() >= 5, hour.hour] += number
        return frozenset(hour for hour, number in clock.items() if number >= _OWN_HOUR * clock.total())

    def off_share(self, hours: Mapping[datetime, int]) -> float:
        """Return which share of *hours* is off."""
        return sum(number for hour, number in hours.items() if self.is_off(hour)) / max(sum(hours.values()), 1)

    def of(self, day: date) -> Usual:
        """Return what was to be expected of *day*."""
        return self.usual[day.weekday()]

    def in_baseline(self, counts: Mapping[date, int]) -> dict[date, int]:
        """Return those of *counts* that are of days to compare with."""
        return {day: counts[day] for day in self.days if day in counts}

    def rises(self, since: int, before: Mapping[date, int]) -> bool:
        """
        Whether a count in the notice window is more than *ratio* times what the days *before* it would give, more than chance gives
        (Poisson, with one more than was seen), and more than any stretch as long as the window that ended two months before it.  Where
        less is known than such a stretch, nobody can say.
        """
        usual = self.in_baseline(before)
        number = sum(usual.values())
        grown = since > self.rules.ratio * self.as_before(number)
        return self.is_long and grown and self.is_more(since, self.as_before(number + 1)) and since > self.most(usual)

    def is_more(self, number: int, rate: float, *, times: float = 1.0) -> bool:
        """Whether *number* is more than *times* the *rate*, and more than chance would give at it (Poisson)."""
        return number > times * rate and _tail(number, rate) < _BY_CHANCE

    def most(self, counts: Mapping[date, int]) -> int:
        """Return the most that *counts* came to in any stretch as long as the notice window, the last two months left out if there are others."""
        older = [day for day in self.days if day < self.lately_on]
        days = older if len(older) >= self.window_days else self.days
        span = timedelta(days=self.window_days)
        inside, most, ends = 0, 0, 0
        for day in days:
            while ends < len(days) and days[ends] < day + span:
                inside += counts.get(days[ends], 0)
                ends += 1
            most, inside = max(most, inside), inside - counts.get(day, 0)
        return most

    def unusual_days(self, days: Mapping[date, int]) -> dict[date, int]:
        """Return those of *days* above their weekday's limit, above any usual working day's, and above policy's floor."""
        active = [number for number in self.taken_before.values() if number]
        floor = max(float(self.rules.day_floor), expected(active, mads=self.rules.mads).limit if active else 0.0)
        return {day: number for day, number in days.items() if number > max(floor, self.of(day).limit)}

    def is_new(self, number: int, before: int) -> bool:
        """Whether *number* since `lately_on` is more than *before* it lets expect; where there was none, one is."""
        if before == 0:
            return number > 0 and self.known_days > 0
        lately = len(self.window) + self.known_days - self.older_days
        rate = lately / self.older_days
        return number > self.rules.ratio * before * rate and self.is_more(number, (before + 1) * rate)

    def as_before(self, before: float) -> float:
        """Return what the notice window would show of something that went on as in the days *before*."""
        return before * max(len(self.window), 1) / max(self.known_days, 1)

    def work_of(self, days: Iterable[date], usual: Iterable[date] | None = None) -> float | None:
        """
        Return how many times as much the person made on the working days of *days* as on the *usual* ones before; None where the logs
        tell too little of it.
        """
        weekdays = [self.made[day] for day in (self.days if usual is None else usual) if day.weekday() < 5]
        now = [self.made[day] for day in days]
        middle = float(median(weekdays)) if weekdays else 0.0
        return mean(now) / middle if now and middle >= _LITTLE_WORK else None

    def is_explained(self, times: float, work: float | None) -> bool:
        """Whether *times* the usual were taken while so many *times* more was made that it may be a task: it was half as much again, and kept up."""
        return work is not None and times < _TOO_MUCH and work >= max(_A_TASK, times * _KEPT_UP)


def _of_one_reach(
    known: Sequence[str], telling: Sequence[str], usable: Mapping[str, Sequence[date]]
) -> list[list[str]]:
    """Return the sources in groups, the longest first; those that tell nothing that is compared are of each."""
    groups: list[list[str]] = []
    for source in sorted(telling, key=lambda one: -len(usable[one])):
        if not groups or len(usable[source]) < _ABOUT * len(usable[groups[-1][0]]):
            groups.append([one for one in known if one not in telling])
            groups[-1].insert(0, source)
        else:
            groups[-1].append(source)
    return groups


def _tells(half: Half) -> bool:
    """Whether a log told anything that is compared with what it told before."""
    return bool(half.hours or half.work or half.views or half.exits or half.own or half.unclear)


def _tail(number: int, rate: float) -> float:
    """Return how likely *number* or more is where *rate* is usual, by Poisson; of many nothing needs to be reckoned."""
    if number > _FEW or rate <= 0:
        return 0.0
    return 1.0 - sum(math.exp(-rate + k * math.log(rate) - math.lgamma(k + 1)) for k in range(number))
