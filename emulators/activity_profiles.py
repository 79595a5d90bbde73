"""
Activity profiles: what people do with files all day, for the tenants' logs.  The same in each run, and never held in memory.

A `ActivityProfile` is a long list of `Deed`s in the order of time.  Each deed can be computed alone, so that a million of them
cost nothing until they are read.  The vendors' emulators translate a deed into their own words and add who did it.
"""

from __future__ import annotations

import functools
import math
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")

WEEKDAYS = (1.0, 1.0, 1.0, 1.0, 0.9, 0.0, 0.0)
EVERY_DAY = (1.0,) * 7
WEEKENDS = (0.15, 0.1, 0.1, 0.15, 0.3, 1.0, 1.0)
"""Weights from Monday on."""
OFFICE = (0.0,) * 9 + (0.6, 1.0, 1.0, 0.4, 0.9, 1.0, 1.0, 0.9, 0.7, 0.3, 0.1) + (0.0,) * 4
EVENING = (0.3,) + (0.0,) * 18 + (0.4, 1.0, 1.0, 1.0, 0.6)
ROUND_THE_CLOCK = (1.0,) * 24
"""Weights from midnight on, in the habit's zone."""


class Verb(StrEnum):
    """What is done, in words of no vendor."""

    VIEW = "view"
    EDIT = "edit"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    SYNC = "sync"
    COPY = "copy"
    PRINT = "print"
    PROGRAM_READ = "program_read"
    SHARE_OUTSIDE = "share_outside"
    MAKE_PUBLIC = "make_public"
    TAKEOUT = "takeout"
    GRANT = "grant"
    FORWARD = "forward"
    DELEGATE = "delegate"
    APP_PASSWORD = "app_password"
    NEW_DEVICE = "new_device"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Deed:
    """
    One thing done at *at* (UTC, milliseconds).

    *no*: its index in the habit.  *object_no*, *folder_no*: the file and its folder.  *place*: 0 the office, 1 home, 2 a
    place never seen before.
    """

    no: int
    at: datetime
    verb: Verb
    object_no: int
    folder_no: int
    place: int = 0


@dataclass(frozen=True, slots=True)
class Strand:
    """
    One verb, exactly *total* times from *first_on* to *last_on* (both included), spread by weights of weekday and hour.

    *objects*: on how many files, numbered from *from_object*; *folders*: the number of their folders.
    """

    verb: Verb
    total: int
    first_on: date
    last_on: date
    days: Sequence[float] = WEEKDAYS
    hours: Sequence[float] = OFFICE
    objects: int = 400
    folders: int = 8
    from_object: int = 0
    place: int = 0


class ActivityProfile:
    """Several strands as one list, oldest first.  *seed* makes two people's days differ."""

    def __init__(self, seed: str, strands: Sequence[Strand], zone: ZoneInfo = TOKYO) -> None:
        self.strands = tuple(strands)
        self.zone = zone
        self._seed = zlib.crc32(seed.encode())
        self._ends: list[int] = []
        self._hours: list[tuple[datetime, tuple[int, ...]]] = []
        self._fill()

    def count(self) -> int:
        return self._ends[-1] if self._ends else 0

    def deed(self, no: int) -> Deed:
        """Return the deed at place *no*; raises `IndexError`."""
        if not 0 <= no < self.count():
            raise IndexError(no)
        hour = bisect_right(self._ends, no)
        begins, ends_in_hour = self._hours[hour]
        size = ends_in_hour[-1]
        k = no - (self._ends[hour] - size)
        draw = mixed(self._seed, no)
        # one deed in each equal part of the hour, so that the index decides the order of time
        ms = (3_600_000 * k + 3_600_000 * (draw % 1000) // 1000) // size
        strand = self.strands[bisect_right(ends_in_hour, (k * _step(size) + draw_of(self._seed, hour)) % size)]
        object_no = strand.from_object + (draw >> 10) % strand.objects
        return Deed(
            no, begins + timedelta(milliseconds=ms), strand.verb, object_no, object_no % strand.folders, strand.place
        )

    def before(self, at: datetime) -> int:
        """Return how many deeds are earlier than *at*, which is also the index of the first later one."""
        return bisect_left(range(self.count()), at, key=lambda no: self.deed(no).at)

    def deeds(self) -> Iterator[Deed]:
        """Iterate over all deeds, oldest first."""
        return map(self.deed, range(self.count()))

    def only(self, *verbs: Verb) -> ActivityProfile:
        """
        Return a habit with only these verbs: exactly as many deeds, but not at the same instants.

        For tenants that have a log for each kind of activity.
        """
        return ActivityProfile(f"{self._seed}", [strand for strand in self.strands if strand.verb in verbs], self.zone)

    @cached_property
    def from_at(self) -> datetime:
        """The beginning of the first day, in UTC."""
        return _midnight(min(s.first_on for s in self.strands), self.zone)

    def _fill(self) -> None:
        """Count, hour by hour, how often each strand happens; hours in which nothing happens are left out."""
        tables = [self._table(n, strand) for n, strand in enumerate(self.strands)]
        for day, hour in sorted({cell for table in tables for cell in table}):
            counts = [table.get((day, hour), 0) for table in tables]
            begins = _midnight(date.fromordinal(day), self.zone) + timedelta(hours=hour)
            self._hours.append((begins, tuple(accumulate(counts))))
            self._ends.append(self.count() + sum(counts))

    def _table(self, n: int, strand: Strand) -> dict[tuple[int, int], int]:
        first, last = strand.first_on.toordinal(), strand.last_on.toordinal()
        weights = [
            strand.days[date.fromordinal(d).weekday()] * (0.7 + 0.6 * share(self._seed, n, d))
            for d in range(first, last + 1)
        ]
        table = {}
        for day, many in enumerate(apportioned(strand.total, weights, 0.0), start=first):
            for hour, some in enumerate(apportioned(many, strand.hours, share(self._seed, n, -day))):
                if some:
                    table[day, hour] = some
        return table


def apportioned(total: int, weights: Sequence[float], shift: float) -> list[int]:
    """Divide *total* among *weights* into whole numbers that add up to it; *shift* (0 to 1) moves what is left over."""
    whole = math.fsum(weights)
    marks = [math.floor(total * part / whole + shift) for part in accumulate(weights)]
    marks[-1] = total
    marks = [min(mark, total) for mark in marks]
    return [after - before for before, after in pairwise([0, *marks])]


def mixed(seed: int, number: int) -> int:
    """Return 64 bits that look drawn by lot and are the same each time (the finalizer of splitmix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + number * 0xD1342543DE82EF95 + 0x632BE59BD9B4E019) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return z ^ (z >> 31)


def draw_of(seed: int, hour: int) -> int:
    return mixed(seed, -1 - hour)


def share(seed: int, *numbers: int) -> float:
    """Return a number from 0 to 1 that *numbers* decide."""
    z = seed
    for number in numbers:
        z = mixed(z, number)
    return z / 2**64


def _step(size: int) -> int:
    """Return a step that, repeated, visits each of *size* places once: the strands of an hour are shuffled by it."""
    step = max(1, int(size * 0.6180339887))
    while math.gcd(step, size) != 1:
        step += 1
    return step


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


# -- things


_SUBJECTS = ("顧客名簿", "見積書", "図面", "議事録", "Price list", "契約書", "Roadmap", "在庫一覧", "提案書", "Invoice")
_MARKS = {0: "極秘_", 7: "【社外秘】", 19: "秘_", 31: "Confidential "}


@functools.lru_cache(64)
def title(object_no: int) -> str:
    """Return a file's name; a tenth of the names have a mark of confidentiality."""
    mark = _MARKS.get(object_no % 40, "")
    return (
        f"{mark}{_SUBJECTS[object_no % len(_SUBJECTS)]}_{object_no:05}.{('xlsx', 'pdf', 'docx', 'dwg')[object_no % 4]}"
    )


def folder(folder_no: int) -> str:
    return f"{('営業', '開発', '経理', '企画', '購買')[folder_no % 5]}/{2020 + folder_no % 7}/{folder_no:03}"


def size(object_no: int) -> int:
    """Return a file's size in bytes, 4 KiB to some 16 MiB."""
    return 4096 + mixed(77, object_no) % (1 << (14 + object_no % 11))


# -- people


KEEPS = 180
"""How many days the profiles reach back."""


def _ordinary(until: date, *, scale: float = 1.0) -> list[Strand]:
    """An office worker's half year: some forty views, a dozen edits and four downloads a working day."""
    since = until - timedelta(days=KEEPS - 1)
    return [
        Strand(Verb.SIGN_IN, round(130 * scale), since, until, hours=OFFICE[:10] + (0.0,) * 14),
        Strand(Verb.VIEW, round(5200 * scale), since, until),
        Strand(Verb.EDIT, round(1500 * scale), since, until),
        Strand(Verb.UPLOAD, round(260 * scale), since, until),
        Strand(Verb.DOWNLOAD, round(500 * scale), since, until),
    ]


def ordinary(seed: str, until: date, *, scale: float = 1.0) -> ActivityProfile:
    """An office worker; *scale* below 1 for the many people whose logs only have to exist."""
    return ActivityProfile(seed, _ordinary(until, scale=scale))


def heavy_leaver(seed: str, until: date, *, taken: int = 37_000) -> ActivityProfile:
    """
    Ordinary until 30 days before *until* (the last day, included), then *taken* downloads, in evenings and at weekends.

    The person also prepares ways out in the same weeks: an application is authorised, files are shared outside and made public, mail
    is forwarded, a delegate is named.
    """
    month = until - timedelta(days=29)
    hoard = Strand(
        Verb.DOWNLOAD, taken, month, until, WEEKENDS, EVENING, objects=24_000, folders=180, from_object=1000, place=1
    )
    return ActivityProfile(seed, [*_ordinary(until), hoard, *exits(until)])


def steady(seed: str, until: date) -> ActivityProfile:
    """Many downloads, but the same number every working day: a draughtsman with 300 a day, and no more at the end."""
    since = until - timedelta(days=KEEPS - 1)
    drawings = Strand(Verb.DOWNLOAD, 38_000, since, until, objects=6000, folders=40, from_object=1000)
    return ActivityProfile(seed, [*_ordinary(until), drawings])


def by_program(seed: str, until: date, *, read: int = 9_000) -> ActivityProfile:
    """No more downloads than usual: the leaver's own program reads the files, and the whole account is exported."""
    week = until - timedelta(days=6)
    reading = Strand(
        Verb.PROGRAM_READ, read, week, until, EVERY_DAY, ROUND_THE_CLOCK, objects=8000, folders=90, place=2
    )
    return ActivityProfile(
        seed, [*_ordinary(until), once(Verb.GRANT, week), reading, once(Verb.TAKEOUT, until - timedelta(days=2))]
    )


def returning(seed: str, until: date) -> ActivityProfile:
    """Ordinary until *until*; two days after it a sign-in and a few downloads from a place never seen before."""
    later = until + timedelta(days=2)
    back = [
        Strand(verb, many, later, later, EVERY_DAY, EVENING, objects=40, place=2)
        for verb, many in ((Verb.SIGN_IN, 1), (Verb.DOWNLOAD, 6))
    ]
    return ActivityProfile(seed, [*_ordinary(until), *back])


def many(seed: str, until: date, total: int) -> ActivityProfile:
    """Exactly *total* deeds in half a year, for measuring."""
    since = until - timedelta(days=KEEPS - 1)
    views = total * 6 // 10
    return ActivityProfile(
        seed,
        [
            Strand(Verb.VIEW, views, since, until, EVERY_DAY, objects=50_000, folders=400),
            Strand(Verb.DOWNLOAD, total - views, since, until, EVERY_DAY, objects=50_000, folders=400),
        ],
    )


def exits(until: date) -> list[Strand]:
    """What a leaver prepares in the last month to keep a way in or a way out."""
    return [
        once(Verb.GRANT, until - timedelta(days=25), place=1),
        once(Verb.NEW_DEVICE, until - timedelta(days=24), place=1),
        once(Verb.APP_PASSWORD, until - timedelta(days=20), place=1),
        Strand(Verb.SHARE_OUTSIDE, 12, until - timedelta(days=18), until - timedelta(days=3), hours=EVENING, place=1),
        Strand(Verb.MAKE_PUBLIC, 3, until - timedelta(days=10), until - timedelta(days=4), hours=EVENING, place=1),
        once(Verb.FORWARD, until - timedelta(days=9), place=1),
        once(Verb.DELEGATE, until - timedelta(days=8), place=1),
    ]


def once(verb: Verb, on: date, *, place: int = 0) -> Strand:
    """One deed in the evening of a day."""
    return Strand(verb, 1, on, on, EVERY_DAY, EVENING, objects=1, folders=1, place=place)
