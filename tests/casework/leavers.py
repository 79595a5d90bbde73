"""Made-up leavers for the weighing: what each did in half a year, from one seed."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from casework.activity.addresses import Addresses
from casework.activity.comparison import Comparison
from casework.activity.reason import Reason
from casework.activity.risk import reasons_of
from casework.activity.tally import Tally
from casework.intake.employment import Employment
from casework.policy import ActivityPolicy as Rules
from models.vocabulary import ActivityKind, Json, Leaver
from tests.casework.ledger import Ledger, event

Raw = dict[str, Json]
TOKYO = ZoneInfo("Asia/Tokyo")
END = date(2026, 11, 30)
DAYS = 180
NOTICE_ON = END - timedelta(days=30)
FIRST = END - timedelta(days=DAYS - 1)
LEAVER = Leaver("E1", "星 空子", "hoshi.sorako@example.test", ("sora@private.test",), romaji="Hoshi Sorako")
_NUMBERS = count()
_LEDGER = Ledger()


def reasons(
    records: Iterable[Raw], *, covered: date | None = None, rules: Rules | None = None, hr: Employment | None = None
) -> dict[str, Reason]:
    """Weigh *records* as a summary does, by each reason's word, in their order."""
    tally = Tally(TOKYO, NOTICE_ON, END, rules or Rules(), Addresses.of(LEAVER))
    for raw in records:
        tally.add("drive", "paper", _LEDGER.describe("drive", raw))
    return {reason.reason: reason for reason in reasons_of(Comparison(tally, {"drive": covered or FIRST}, hr))}


def of_two_logs(
    long: Iterable[Raw],
    short: Iterable[Raw],
    *,
    short_from: date = NOTICE_ON - timedelta(days=25),
    hr: Employment | None = None,
) -> dict[str, Reason]:
    """Weigh what two logs tell, the second of which reaches less far back."""
    return {one.reason: one for one in of_logs({"drive": (long, FIRST), "mail": (short, short_from)}, hr)}


def of_logs(
    logs: Mapping[str, tuple[Iterable[Raw], date]], hr: Employment | None = None, *, notice_on: date = NOTICE_ON,
    unread: Collection[str] = (),
) -> list[Reason]:  # fmt: skip
    """
    Weigh what several logs show, each from its first day on; the last day worked is thirty days after the notice.  *unread*: those that were
    not read in full.
    """
    tally = Tally(TOKYO, notice_on, notice_on + (END - NOTICE_ON), Rules(), Addresses.of(LEAVER))
    for source, (records, _) in logs.items():
        for raw in records:
            tally.add(source, "paper", _LEDGER.describe(source, raw))
    return reasons_of(Comparison(tally, {source: begins for source, (_, begins) in logs.items()}, hr, unread))


def weekdays(first: date = FIRST, last: date = END) -> list[date]:
    """Return the working days from *first* to *last*."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5]


def acts(kind: ActivityKind, days: Iterable[date], a_day: int = 1, *, hour: int = 10, **more: Json) -> Iterator[Raw]:
    """Yield *a_day* acts of *kind* on each of *days*, in the minutes after *hour* in Tokyo, each of another file."""
    for day in days:
        began = datetime.combine(day, time(hour), TOKYO)
        for n in range(a_day):
            number = next(_NUMBERS)
            yield event(
                10_000_000 + number,
                began + timedelta(seconds=3600 * n / a_day),
                kind,
                **{"object_id": f"o{number}"} | more,
            )


def at(day: date, hour: int, chance: random.Random) -> datetime:
    """Return an instant of that hour in Tokyo."""
    local = datetime.combine(day, time(hour), UTC) - timedelta(hours=9)
    return local + timedelta(seconds=chance.randrange(3600))


def steady(a_day: int, *, seed: int = 1, spread: float = 0.2) -> Iterator[Raw]:
    """Somebody who takes about *a_day* files each working day, from a handful of folders, in working hours."""
    chance, numbers = random.Random(seed), count()
    for n in range(DAYS):
        day = END - timedelta(days=n)
        if day.weekday() < 5:
            for _ in range(max(0, round(chance.gauss(a_day, spread * a_day)))):
                yield event(
                    next(numbers), at(day, chance.randrange(9, 18), chance), folder=f"team/{chance.randrange(8)}",
                    title="議事録.docx", ip="203.0.113.7", device="pc-1",
                )  # fmt: skip


def hoarder(taken: int = 37_000, *, seed: int = 2) -> Iterator[Raw]:
    """The same person, who in the last three weeks fetches *taken* files at night and at weekends from all over."""
    yield from steady(40, seed=seed)
    chance = random.Random(seed + 1)
    for number in range(taken):
        day = END - timedelta(days=1 + number % 20)
        yield event(
            1_000_000 + number, at(day, chance.choice((21, 22, 23)), chance),
            folder=f"archive/{number % 900}", title="【極秘】設計書.pdf" if number % 50 == 0 else "設計書.pdf",
            ip="198.51.100.9", device="pc-1",
        )  # fmt: skip


def programmer() -> Iterator[Raw]:
    """Somebody who takes little by hand, and more through an API client."""
    yield from steady(30, seed=3)
    for number in range(12):
        yield event(2_000_000 + number, at(END - timedelta(days=3), 10, random.Random(number)), by_program=True)


def exporter() -> Iterator[Raw]:
    """Somebody who asked for a whole export once."""
    yield from steady(30, seed=4)
    yield event(3_000_000, at(END - timedelta(days=5), 12, random.Random(5)), ActivityKind.TAKEOUT)


BEFORE, WINDOW = weekdays(FIRST, NOTICE_ON - timedelta(days=1)), weekdays(NOTICE_ON)
LATELY = [day for day in BEFORE if day >= NOTICE_ON - timedelta(days=60)]
ALL = [*BEFORE, *WINDOW]


def work(days: Iterable[date] = ALL, a_day: int = 10) -> list[Raw]:
    """Somebody's usual days: twenty takes, and what is made."""
    days = list(days)
    return [*acts(ActivityKind.DOWNLOAD, days, 20), *acts(ActivityKind.EDIT, days, a_day)]
