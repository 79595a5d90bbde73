"""
Ten kinds of planted leaks, each from plain to hard by its *stealth* (0 to 1), and what is true of each.

Who wants to plant others writes a function that adds acts to `Person.extra` and returns what is true of them, and adds it to `LEAKS`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

from models.vocabulary import TAKES, ActivityKind
from models.vocabulary import ActivityKind as K
from tests.planted.people import ACCOUNT, FILES, MAIL, Person

_NUMBERS = count()


@dataclass(slots=True)
class Plant:
    """What was planted: *acts* by kind and day, takes by day and *hours*, how many *marked* ones, and the bytes of the *largest*."""

    name: str
    acts: Counter[tuple[ActivityKind, date]] = field(default_factory=Counter)
    hours: Counter[tuple[date, int]] = field(default_factory=Counter)
    marked: int = 0
    largest: int = 0

    def taken(self, first: date = date.min, last: date = date.max) -> int:
        """How many takes were planted from *first* to *last*."""
        return sum(n for (kind, day), n in self.acts.items() if kind in TAKES and first <= day <= last)

    def of(self, kinds: Iterable[ActivityKind]) -> dict[date, int]:
        """Acts of *kinds* by day."""
        counts = Counter[date]()
        for (kind, day), number in self.acts.items():
            if kind in kinds:
                counts[day] += number
        return dict(counts)


def _plant(p: Person, plant: Plant, log: str, kind: K, day: date, hour: int | None = None, **more: Any) -> None:
    told = {"object_id": f"s{next(_NUMBERS)}", "title": "設計書.pdf"} | more
    act = p.act(kind, day, hour, **told)
    local = act.at + timedelta(hours=9)
    plant.acts[kind, local.date()] += 1
    if kind in TAKES:
        plant.hours[local.date(), local.hour] += 1
        plant.largest = max(plant.largest, act.size or 0)
    plant.marked += "極秘" in str(told["title"])
    p.extra.append((log, act))


def _between(stealth: float, plain: float, hard: float) -> int:
    """Return a number from *plain* to *hard*, evenly on a logarithmic scale."""
    return round(plain * math.pow(hard / plain, stealth))


def _days(p: Person, first: date, last: date, most: int) -> list[date]:
    days = [day for day in p.worked() if first <= day <= last]
    return sorted(p.chance.sample(days, min(most, len(days))))


def night_bulk(p: Person, stealth: float) -> Plant:
    """Thousands of files on some nights of the window."""
    plant, days = Plant("night_bulk"), _days(p, p.notice_on, p.ends_on, p.chance.randint(1, 12))
    for n in range(_between(stealth, 30_000, 900)):
        title = "【極秘】設計書.pdf" if p.chance.random() < 0.01 else "設計書.pdf"
        _plant(
            p,
            plant,
            FILES,
            K.DOWNLOAD,
            days[n % len(days)],
            p.chance.choice((21, 22, 23)),
            title=title,
            folder=f"archive/{n % 300}",
        )
    return plant


def slow(p: Person, stealth: float) -> Plant:
    """Some dozens a day more, in working hours, over months, rising."""
    plant, usual = Plant("slow"), p.role.takes * p.level
    first = p.ends_on - timedelta(days=p.chance.randint(60, 130))
    days = [day for day in p.worked() if day >= first]
    most = max(20, usual * (5 - 4 * stealth))
    for n, day in enumerate(days):
        for _ in range(round(p.chance.gauss(most, 0.2 * most) * min(1, 0.4 + n / 20))):
            _plant(p, plant, FILES, K.DOWNLOAD, day, folder=f"archive/{p.chance.randrange(40)}")
    return plant


def before_notice(p: Person, stealth: float) -> Plant:
    """A hoard on a few days, weeks before the notice is given."""
    plant = Plant("before_notice")
    days = _days(p, p.notice_on - timedelta(days=100), p.notice_on - timedelta(days=10), p.chance.randint(1, 6))
    for n in range(_between(stealth, 15_000, 1_300)):
        _plant(p, plant, FILES, K.DOWNLOAD, days[n % len(days)], folder=f"archive/{n % 200}")
    return plant


def few_marked(p: Person, stealth: float) -> Plant:
    """A few files that count, by day, over days."""
    plant, days = Plant("few_marked"), _days(p, p.notice_on, p.ends_on, 8)
    for n in range(_between(stealth, 80, 9)):
        _plant(p, plant, FILES, K.DOWNLOAD, days[n % len(days)], title=f"【極秘】製造条件{n}.pdf")
    return plant


def one_archive(p: Person, stealth: float) -> Plant:
    """One file that holds everything."""
    plant, [day] = Plant("one_archive"), _days(p, p.notice_on, p.ends_on, 1)
    _plant(p, plant, FILES, K.DOWNLOAD, day, title="backup.zip", size=_between(stealth, 60_000, 1_400) * 10**6)
    return plant


def views_only(p: Person, stealth: float) -> Plant:
    """Reads on the screen, page after page, and downloads nothing."""
    plant, days = Plant("views_only"), _days(p, p.notice_on, p.ends_on, p.chance.randint(5, 15))
    for n in range(_between(stealth, 12_000, 1_500)):
        _plant(p, plant, FILES, K.VIEW, days[n % len(days)])
    return plant


def own_share(p: Person, stealth: float) -> Plant:
    """Shares folders to a private address, which HR knows, or which bears the name."""
    plant, theirs = Plant("own_share"), (p.leaver.other_emails[0], f"hoshi.sorako.{p.number}@gmail.com")
    for day in _days(p, p.notice_on, p.ends_on, _between(stealth, 10, 1)):
        _plant(p, plant, FILES, K.EXTERNAL_SHARE, day, target=theirs[stealth > 0.5], title="設計フォルダー")
    return plant


def forwarding(p: Person, stealth: float) -> Plant:
    """A rule that sends mail on: in the window, or weeks before it."""
    plant = Plant("forwarding")
    first = p.notice_on - timedelta(days=round(55 * stealth))
    [day] = _days(p, first, first + timedelta(days=12), 1)
    _plant(p, plant, MAIL, K.FORWARD, day, target=f"box{p.number}@elsewhere.test")
    return plant


def export(p: Person, stealth: float) -> Plant:
    """A whole export of the account, or a program that fetches file after file."""
    plant, days = Plant("export"), _days(p, p.notice_on, p.ends_on, 3)
    if p.chance.random() < 0.5:
        _plant(p, plant, ACCOUNT, K.TAKEOUT, days[0])
        return plant
    for n in range(_between(stealth, 20_000, 700)):
        _plant(p, plant, FILES, K.DOWNLOAD, days[n % len(days)], p.chance.randrange(24), by_program=True)
    return plant


def new_device(p: Person, stealth: float) -> Plant:
    """A private computer that is filled by a sync client while the company's stays in use."""
    plant, days = Plant("new_device"), _days(p, p.notice_on, p.ends_on, p.chance.randint(1, 4))
    for n in range(_between(stealth, 20_000, 800)):
        _plant(
            p,
            plant,
            FILES,
            K.SYNC,
            days[n % len(days)],
            p.chance.randrange(24),
            device="DESKTOP-7",
            folder=f"all/{n % 90}",
        )
    return plant


LEAKS: tuple[Callable[[Person, float], Plant], ...] = (
    night_bulk, slow, before_notice, few_marked, one_archive, views_only, own_share, forwarding, export, new_device,
)  # fmt: skip
