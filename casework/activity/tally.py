"""
Count activities while the records stream by.  Memory is bounded by days, hours and the caps below, not by events.

Counts are exact; the sets that count different things are capped, and *full* names those that reached the cap.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from casework.activity.addresses import Addresses
from casework.activity.confidential_marks import mark_of
from casework.policy import ActivityPolicy as Rules
from connectors.activity import Activity
from models.vocabulary import TAKES, ActivityKind

_FOLDERS = 20_000
_FOLDERS_A_DAY = _FILES_A_DAY = 2_000
_ORIGINS = 2_000
_DEVICES = 200
_QUARTER = 900
_MOST_EXITS = 500
_NO_FILE = 1 << 50
"""More bytes than any file has: such a size is a log's error and not counted."""
HUGE = 1_000_000_000
"""Bytes from which one file is a reason."""

SHARES = frozenset({ActivityKind.EXTERNAL_SHARE, ActivityKind.PUBLIC_LINK})
EXITS = SHARES | {
    ActivityKind.FORWARD,
    ActivityKind.DELEGATE,
    ActivityKind.GRANT,
    ActivityKind.APP_PASSWORD,
    ActivityKind.DEVICE,
    ActivityKind.TAKEOUT,
}
"""Ways out: what a leaver may make to come in again, or to reach content, after having left."""

_MADE = frozenset({ActivityKind.UPLOAD, ActivityKind.EDIT, ActivityKind.SEND})
"""What a person makes: it shows whether more takes come with more work."""
_SENDS = frozenset({ActivityKind.SEND, ActivityKind.COPY})
"""What may go to an address without being a way out."""
_TO_SOMEBODY = frozenset({ActivityKind.FORWARD, ActivityKind.DELEGATE})
"""Ways out only if the target is not a colleague."""
_NOT_BY_HAND = frozenset(
    {ActivityKind.TOKEN_USE, ActivityKind.SIGN_IN_FAILED, ActivityKind.ENABLED, ActivityKind.OTHER}
)


@dataclass(frozen=True, slots=True, order=True)
class ExitChannel:
    """One way out that the leaver made.  *target* is personal data, and may be confidential."""

    at: datetime
    kind: ActivityKind
    connection: str
    target: str = ""


@dataclass(slots=True)
class TakeCounts:
    """
    What was taken.  *hours*: takes by hour, in the person's time zone.  By day: *marked* takes by their mark, *size* in bytes, and the hashes
    of different *folders*.  *marked_files*: the hashes of different files by mark.  *largest*: the bytes of the largest file, and its day.
    """

    hours: Counter[datetime] = field(default_factory=Counter)
    marked: Counter[tuple[str, date]] = field(default_factory=Counter)
    marked_files: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    size: Counter[date] = field(default_factory=Counter)
    largest: tuple[int, date] = (0, date.min)
    folders: dict[date, set[int]] = field(default_factory=lambda: defaultdict(set))

    def take(self, other: TakeCounts) -> None:
        """Add *other* to these counts."""
        self.hours.update(other.hours)
        self.marked.update(other.marked)
        self.size.update(other.size)
        self.largest = max(self.largest, other.largest)
        for mark, files in other.marked_files.items():
            self.marked_files[mark] |= files
        for day, seen in other.folders.items():
            self.folders[day] |= seen


@dataclass(slots=True)
class PeriodCounts(TakeCounts):
    """
    What one log, or several, recorded before the notice, or since then.

    *work*: what the person made (uploads, edits, mail), by hour in the person's time zone.  *active*: days with anything done by hand.
    *views*: the hashes of different files viewed, by day.  *devices* and *syncs*: takes and syncs by device and day, also days in use without
    takes.  *synced*: what sync clients took, by device and day; `whole` adds it to the other takes.  *exits*: ways out by kind and day,
    without those to colleagues.  *unclear*: forwards without a target in the log.  *own*: what went to the leaver's own addresses, also mail.
    *programs*: takes through API clients by day, without sync clients.  *applications*: each with the log that names it.
    """

    kinds: Counter[ActivityKind] = field(default_factory=Counter)
    work: Counter[datetime] = field(default_factory=Counter)
    active: set[date] = field(default_factory=set)
    views: dict[date, set[int]] = field(default_factory=lambda: defaultdict(set))
    addresses: Counter[str] = field(default_factory=Counter)
    devices: dict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    syncs: dict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    synced: dict[tuple[str, date], TakeCounts] = field(default_factory=lambda: defaultdict(TakeCounts))
    exits: Counter[tuple[ActivityKind, date]] = field(default_factory=Counter)
    unclear: Counter[date] = field(default_factory=Counter)
    own: Counter[tuple[ActivityKind, date]] = field(default_factory=Counter)
    programs: Counter[date] = field(default_factory=Counter)
    applications: set[tuple[str, str]] = field(default_factory=set)

    def of(self, kinds: Iterable[ActivityKind]) -> int:
        return sum(self.kinds[kind] for kind in kinds)

    def add(self, other: PeriodCounts, without: Collection[tuple[str, date]] = ()) -> None:
        """Add *other* to these counts, except what sync clients took on the devices and days *without*."""
        self.take(other)
        for place, synced in other.synced.items():
            if place not in without:
                self.take(synced)
        for one, more in (
            (self.kinds, other.kinds), (self.work, other.work), (self.addresses, other.addresses), (self.exits, other.exits),
            (self.unclear, other.unclear), (self.own, other.own), (self.programs, other.programs),
        ):  # fmt: skip
            one.update(more)  # type: ignore[arg-type]  # both have the same type
        for day, seen in other.views.items():
            self.views[day] |= seen
        for devices, counts in ((self.devices, other.devices), (self.syncs, other.syncs)):
            for name, by_day in counts.items():
                devices[name].update(by_day)
        self.active |= other.active
        self.applications |= other.applications


def whole(halves: Iterable[PeriodCounts], without: Collection[tuple[str, date]] = ()) -> PeriodCounts:
    """Return the sum of several logs' counts, except what sync clients took on the devices and days *without*."""
    every = PeriodCounts()
    for half in halves:
        every.add(half, without)
    return every


@dataclass(slots=True)
class Tally:
    """
    All of one leaver's activity.  *zone* is the person's, *notice_on* the first day of the notice window there, *ends_on* its last.

    *theirs*: the company's and the leaver's addresses.  *halves*: by source, the counts before the notice and since.  *folders*: takes by folder
    since the notice.  *program_size*: bytes that applications fetched with a token.
    """

    zone: ZoneInfo
    notice_on: date
    ends_on: date
    rules: Rules
    theirs: Addresses = field(default_factory=Addresses)
    halves: dict[str, tuple[PeriodCounts, PeriodCounts]] = field(
        default_factory=lambda: defaultdict(lambda: (PeriodCounts(), PeriodCounts()))
    )
    folders: Counter[str] = field(default_factory=Counter)
    program_size: int = 0
    exits: list[ExitChannel] = field(default_factory=list)
    full: set[str] = field(default_factory=set)

    @property
    def before(self) -> PeriodCounts:
        """All logs' counts before the notice."""
        return whole(before for before, _ in self.halves.values())

    @property
    def since(self) -> PeriodCounts:
        """All logs' counts since the notice."""
        return whole(since for _, since in self.halves.values())

    @property
    def days(self) -> dict[str, Counter[date]]:
        """Takes by source and local day."""
        return {source: by_day(whole(halves).hours) for source, halves in self.halves.items()}

    def add(self, source: str, connection: str, activities: Iterable[Activity]) -> None:
        """Count the activities of one record of *source*."""
        for activity in activities:
            hour, day = _local(self.zone, int(activity.at.timestamp()) // _QUARTER)
            is_since = day >= self.notice_on
            half = self.halves[source][is_since]
            half.kinds[activity.kind] += 1
            if activity.by_program is not True and activity.kind not in _NOT_BY_HAND:
                half.active.add(day)
            taken = activity.kind in TAKES
            self._count(half.addresses, activity.ip, _ORIGINS, "addresses and devices", weight=taken)
            if activity.device is not None:
                self._device(half, activity.device, day, activity.kind)
            if taken:
                self._taken(half, hour, day, activity)
                if is_since:
                    self._count(self.folders, activity.folder, _FOLDERS, "folders")
            elif activity.kind in _MADE:
                half.work[hour] += 1
            elif activity.kind is ActivityKind.VIEW:
                self._seen(half.views[day], _file(activity), _FILES_A_DAY, "views")
            if activity.kind in EXITS:
                self._exit(connection, half, day, activity, is_since=is_since)
            elif activity.kind in _SENDS and self.theirs.is_own(activity.target):
                half.own[activity.kind, day] += 1
            self._program(source, half, day, activity)

    def _taken(self, half: PeriodCounts, hour: datetime, day: date, activity: Activity) -> None:
        is_synced = activity.kind is ActivityKind.SYNC and activity.device in half.syncs
        takes = half.synced[str(activity.device), day] if is_synced else half
        takes.hours[hour] += 1
        if mark := mark_of((activity.label, activity.title), self.rules.marks):
            takes.marked[mark, day] += 1
            self._seen(takes.marked_files[mark], _file(activity), _FILES_A_DAY, "marked files")
        if activity.folder is not None:
            self._seen(takes.folders[day], activity.folder, _FOLDERS_A_DAY)
        if size := _size(activity):
            takes.size[day] += size
            takes.largest = max(takes.largest, (size, day))

    def _device(self, half: PeriodCounts, device: str, day: date, kind: ActivityKind) -> None:
        if device not in half.devices and len(half.devices) >= _DEVICES:
            self.full.add("addresses and devices")
            return
        half.devices[device][day] += kind in TAKES
        if kind is ActivityKind.SYNC:
            half.syncs[device][day] += 1

    def _exit(self, connection: str, half: PeriodCounts, day: date, activity: Activity, *, is_since: bool) -> None:
        target, kind = activity.target or "", activity.kind
        if kind is ActivityKind.FORWARD and "@" not in target:
            half.unclear[day] += 1
        elif kind not in _TO_SOMEBODY or not self.theirs.is_inside(target):
            half.exits[kind, day] += 1
        if self.theirs.is_own(target):
            half.own[kind, day] += 1
        if is_since:
            heapq.heappush(self.exits, ExitChannel(activity.at, kind, connection, target or activity.title or ""))
            if len(self.exits) > _MOST_EXITS:
                heapq.heappop(self.exits)  # the latest are kept

    def _seen(self, seen: set[int], name: str | None, most: int, what: str = "") -> None:
        if name is not None and len(seen) < most:
            seen.add(hash(name))
        elif name is not None and what:
            self.full.add(what)

    def _count(self, seen: Counter[str], name: str | None, most: int, what: str, *, weight: int = 1) -> None:
        if name is None:
            return
        if name in seen or len(seen) < most:
            seen[name] += weight
        else:
            self.full.add(what)

    def _program(self, source: str, half: PeriodCounts, day: date, activity: Activity) -> None:
        if activity.kind is ActivityKind.TOKEN_USE:
            self.program_size += _size(activity)
            if activity.target is not None and len(half.applications) < _ORIGINS:
                half.applications.add((source, activity.target))
        elif activity.by_program and activity.kind in TAKES and activity.kind is not ActivityKind.SYNC:
            half.programs[day] += 1


def _size(activity: Activity) -> int:
    return activity.size if activity.size is not None and 0 < activity.size < _NO_FILE else 0


def _file(activity: Activity) -> str:
    """Return what identifies a file: its id, else its folder and title."""
    return activity.object_id or f"{activity.folder}/{activity.title}"


@lru_cache(maxsize=4096)
def _local(zone: ZoneInfo, quarter: int) -> tuple[datetime, date]:
    """Return the hour and the day, in *zone*, of a number of quarter hours since 1970; every zone's offset is a multiple of a quarter."""
    local = datetime.fromtimestamp(quarter * _QUARTER, zone).replace(minute=0)
    return local, local.date()


def by_day(hours: Counter[datetime]) -> Counter[date]:
    """Return counts by hour as counts by day."""
    days = Counter[date]()
    for hour, number in hours.items():
        days[hour.date()] += number
    return days
