"""Made-up people: a role, a level, what changes in half a year, and what each day of theirs leaves in the logs."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from casework.activity.addresses import Addresses
from casework.intake.employment import Employment
from connectors.activity import Activity
from models.vocabulary import ActivityKind as K
from models.vocabulary import Leaver
from tests.planted.calendar import Calendar, days_between

DAYS, NOTICE = 200, 30
FILES, SIGN_INS, MAIL, ACCOUNT = "files", "sign_ins", "mail", "account"
LOGS = (FILES, SIGN_INS, MAIL, ACCOUNT)
Told = tuple[str, Activity]
_MARKED = ("社外秘_資料.xlsx", "社外秘_台帳.xlsx", "取扱注意_名簿.xlsx", "極秘_計画.pptx")
_OFFICE = "203.0.113.7"
_OF_FILES = frozenset({K.DOWNLOAD, K.SYNC, K.VIEW, K.EDIT})


@dataclass(frozen=True, slots=True)
class Role:
    """Per working day, about: *takes*, *views*, what is *made*; *marked* share of the takes, *shares* outside a month, *megabytes* of a usual file."""

    takes: float
    views: float
    made: float
    marked: float = 0.01
    shares: float = 0.2
    megabytes: float = 0.3
    weight: float = 1.0


ROLES = {
    "office": Role(8, 10, 9, weight=4),
    "sales": Role(14, 10, 10, shares=8, weight=2),
    "engineer": Role(20, 16, 14, weight=2),
    "designer": Role(12, 8, 8, megabytes=25, shares=2),
    "accountant": Role(10, 8, 10, marked=0.08),
    "legal": Role(10, 14, 9, marked=0.3, weight=0.7),
    "manager": Role(10, 16, 12, marked=0.05, shares=1),
    "operator": Role(4, 6, 3),
}


@dataclass
class Person:
    """
    *notice_on* begins the window that *ends_on* ends.  *level* multiplies all of the role's; *phases* multiply from a day to a day (takes,
    made); *closing* takes on the last working day of each month; *extra* is whatever else happened, as it stands in the logs; *hr* what HR
    said; *is_quiet*: the logs tell of takes, sign-ins and ways out alone, as on a small plan.
    """

    seed: str
    number: int
    chance: random.Random
    role: Role
    ends_on: date
    level: float = 1.0
    calendar: Calendar = field(default_factory=Calendar)
    phases: list[tuple[date, date, float, float]] = field(default_factory=list)
    closing: int = 0
    devices: list[tuple[date, str]] = field(default_factory=list)
    journeys: dict[date, str] = field(default_factory=dict)
    extra: list[Told] = field(default_factory=list)
    hr: Employment = field(default_factory=Employment)
    began_on: date = date.min
    is_quiet: bool = False

    @property
    def first_on(self) -> date:
        """The first day that the logs know."""
        return self.ends_on - timedelta(days=DAYS - 1)

    @property
    def notice_on(self) -> date:
        """The first day of the notice window."""
        return self.ends_on - timedelta(days=NOTICE - 1)

    @property
    def begins_at(self) -> datetime:
        """From when on the logs tell."""
        return _midnight(self.first_on)

    @property
    def ends_at(self) -> datetime:
        """The end of the last day."""
        return _midnight(self.ends_on + timedelta(days=1))

    @property
    def leaver(self) -> Leaver:
        """As HR's notice names the person."""
        return Leaver(
            f"E{self.number}", "星 空子", f"sorako.hoshi{self.number}@example.test", (f"hoshi{self.number}@private.test",), romaji="Hoshi Sorako",
        )  # fmt: skip

    @property
    def addresses(self) -> Addresses:
        """Whose an address is."""
        return Addresses.of(self.leaver)

    def worked(self) -> list[date]:
        """Return the days on which the person works; the same at each call."""
        chance = random.Random(f"{self.seed}/{self.number}/days")
        days = days_between(max(self.first_on, self.began_on), self.ends_on)
        return [day for day in days if self.calendar.is_worked(day, chance)]

    def device_on(self, day: date) -> str:
        """Return the computer in use."""
        return max(((since, name) for since, name in self.devices if since <= day), default=(day, "pc-1"))[1]

    def done(self) -> Iterator[Told]:
        """Yield all that the logs tell, in no order."""
        days = self.worked()
        last_of_month = {
            max(d for d in days if (d.year, d.month) == month) for month in {(d.year, d.month) for d in days}
        }
        for day in days:
            yield from self._day(day, self.closing if day in last_of_month else 0)
        yield from self.extra

    def _day(self, day: date, closing: int) -> Iterator[Told]:
        takes = made = self.level * (1.15 - 0.06 * day.weekday()) * self.weeks[(day - self.first_on).days // 7]
        takes *= self.chance.lognormvariate(0, 0.3)
        for first, last, of_takes, of_made in self.phases:
            if first <= day <= last:
                takes, made = takes * of_takes, made * of_made
        if self.chance.random() < 0.01:  # a pitch, an audit, a lost disk
            takes *= self.chance.uniform(2, 8)
        role, about = self.role, self._about
        numbers: tuple[tuple[str, K, int], ...] = (
            (FILES, K.DOWNLOAD, about(role.takes * 0.8 * takes) + closing), (FILES, K.SYNC, about(role.takes * 0.2 * takes)),
            (FILES, K.VIEW, about(role.views * made)), (FILES, K.EDIT, about(role.made * 0.6 * made)),
            (MAIL, K.SEND, about(role.made * 0.4 * made)), (SIGN_INS, K.SIGN_IN, 1 + self.chance.randrange(2)),
        )  # fmt: skip
        yield from self._usual(day, (numbers[0], numbers[1], numbers[5]) if self.is_quiet else numbers)
        if self.chance.random() < role.shares / 21:
            yield FILES, self.act(K.EXTERNAL_SHARE, day, target=f"customer{self.chance.randrange(20)}@partner.test")

    def _usual(self, day: date, numbers: tuple[tuple[str, K, int], ...]) -> Iterator[Told]:
        """Yield so many acts of each kind, of usual files at usual hours: what most of a company's logs is, so that it must be quick."""
        began, hours, lucky = _midnight(day), self.calendar.hours_on(day), self.chance.random
        ip, device, files = self.journeys.get(day, _OFFICE), self.device_on(day), self.files
        for log, kind, number in numbers:
            name, by_program, of_file = str(kind), kind is K.SYNC, log == FILES
            for _ in range(number):
                at = began + timedelta(seconds=3600 * hours[int(lucky() * len(hours))] + int(lucky() * 3600))
                thing = files[int(lucky() * len(files))] if of_file else {}
                yield log, Activity(kind, at, name, by_program=by_program, ip=ip, device=device, **thing)

    def _about(self, mean: float) -> int:
        return max(0, round(self.chance.gauss(mean, 0.35 * mean + 0.5)))

    @cached_property
    def weeks(self) -> list[float]:
        """How much there is to do in each week, which follows from the one before."""
        levels = [self.chance.gauss(0, 0.25)]
        while len(levels) < DAYS // 7 + 1:
            levels.append(0.7 * levels[-1] + self.chance.gauss(0, 0.18))
        return [math.exp(level) for level in levels]

    @cached_property
    def files(self) -> list[dict[str, Any]]:
        """The files with which the person works."""
        return [self._file(number) for number in range(800)]

    def _file(self, number: int) -> dict[str, Any]:
        chance = self.chance
        return {
            "object_id": f"f{number}", "folder": f"team/{chance.randrange(12)}",
            "title": chance.choice(_MARKED) if chance.random() < self.role.marked else "議事録.docx",
            "size": int(chance.lognormvariate(0, 1.2) * 1e6 * self.role.megabytes),
        }  # fmt: skip

    def act(self, kind: K, day: date, hour: int | None = None, **more: Any) -> Activity:
        """Return one act on *day*, at a usual hour if none is given, of a usual file if none is named."""
        at_hour = self.chance.choice(self.calendar.hours_on(day)) if hour is None else hour
        at = _midnight(day) + timedelta(seconds=3600 * at_hour + self.chance.randrange(3600))
        told: dict[str, Any] = {
            "by_program": kind is K.SYNC, "ip": self.journeys.get(day, _OFFICE), "device": self.device_on(day)
        }  # fmt: skip
        if kind in _OF_FILES:
            told |= self.chance.choice(self.files)
        return Activity(kind, at, str(kind), **(told | more))


def _midnight(day: date) -> datetime:
    """Return the instant at which *day* begins in Tokyo."""
    return datetime.combine(day, time(), UTC) - timedelta(hours=9)
