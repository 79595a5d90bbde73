"""
What is counted while the records stream by.  Memory is bounded by days, hours and the caps below, not by events.

Counts are exact; the sets behind "how many different" are capped and say when they were full.
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
from casework.policy import Activity as Rules
from connectors.activity import Activity
from models.vocabulary import TAKES, ActivityKind

_FOLDERS = 20_000
_FOLDERS_A_DAY = _FILES_A_DAY = 2_000
_ORIGINS = 2_000
_DEVICES = 200
_QUARTER = 900
_MOST_EXITS = 500
_NO_FILE = 1 << 50
"""Bytes that no file has: whoever writes so is not counted."""
HUGE = 1_000_000_000
"""Bytes from which on one file is told."""

SHARES = frozenset({ActivityKind.EXTERNAL_SHARE, ActivityKind.PUBLIC_LINK})
EXITS = SHARES | {
    ActivityKind.FORWARD,
    ActivityKind.DELEGATE,
    ActivityKind.GRANT,
    ActivityKind.APP_PASSWORD,
    ActivityKind.DEVICE,
    ActivityKind.TAKEOUT,
}
"""What a leaver may make to come in, or to get at content, after having left."""

_MADE = frozenset({ActivityKind.UPLOAD, ActivityKind.EDIT, ActivityKind.SEND})
"""What a person makes: by it, more work is told from more that is taken."""
_SENDS = frozenset({ActivityKind.SEND, ActivityKind.COPY})
"""What may go to an address without being a way out."""
_TO_SOMEBODY = frozenset({ActivityKind.FORWARD, ActivityKind.DELEGATE})
"""A colleague among them: no way out."""
_NOT_BY_HAND = frozenset(
    {ActivityKind.TOKEN_USE, ActivityKind.SIGN_IN_FAILED, ActivityKind.ENABLED, ActivityKind.OTHER}
)


@dataclass(frozen=True, slots=True, order=True)
class Exit:
    """One way out made by the leaver.  *target* is personal, and may be confidential."""

    at: datetime
    kind: ActivityKind
    connection: str
    target: str = ""


@dataclass(slots=True)
class Takes:
    """
    What was taken: *hours* by the person's own hours; by day *marked* takes by their mark, *size* in bytes, *folders* how many different
    ones, by their hashes.  *marked_files*: the different ones by their mark.  *largest*: the bytes of the largest file, and its day.
    """

    hours: Counter[datetime] = field(default_factory=Counter)
    marked: Counter[tuple[str, date]] = field(default_factory=Counter)
    marked_files: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    size: Counter[date] = field(default_factory=Counter)
    largest: tuple[int, date] = (0, date.min)
    folders: dict[date, set[int]] = field(default_factory=lambda: defaultdict(set))

    def take(self, other: Takes) -> None:
        """Count what was taken besides."""
        self.hours.update(other.hours)
        self.marked.update(other.marked)
        self.size.update(other.size)
        self.largest = max(self.largest, other.largest)
        for mark, files in other.marked_files.items():
            self.marked_files[mark] |= files
        for day, seen in other.folders.items():
            self.folders[day] |= seen


@dataclass(slots=True)
class Half(Takes):
    """
    What one log, or several, told before the notice, or since then.

    *work*: what the person made (uploads, edits, mail), by the person's own hours.  By day: *active* whatever was done by hand, *views* how
    many different ones, by their hashes.  *devices* and *syncs*: takes and syncs by device and day, a day without takes
    among them; *synced*: what sync clients took by device and day, which is not among the other takes before `whole` adds it.
    *exits*: ways out by kind and day, those to colleagues left out; *unclear*: forwards of which the log does not say whereto;
    *own*: what led to the leaver's own addresses, mail among it.
    *programs*: takes through an API client by day, not counting sync clients; *applications* with the log that tells of each.
    """

    kinds: Counter[ActivityKind] = field(default_factory=Counter)
    work: Counter[datetime] = field(default_factory=Counter)
    active: set[date] = field(default_factory=set)
    views: dict[date, set[int]] = field(default_factory=lambda: defaultdict(set))
    addresses: Counter[str] = field(default_factory=Counter)
    devices: dict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    syncs: dict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    synced: dict[tuple[str, date], Takes] = field(default_factory=lambda: defaultdict(Takes))
    exits: Counter[tuple[ActivityKind, date]] = field(default_factory=Counter)
    unclear: Counter[date] = field(default_factory=Counter)
    own: Counter[tuple[ActivityKind, date]] = field(default_factory=Counter)
    programs: Counter[date] = field(default_factory=Counter)
    applications: set[tuple[str, str]] = field(default_factory=set)

    def of(self, kinds: Iterable[ActivityKind]) -> int:
        return sum(self.kinds[kind] for kind in kinds)

    def add(self, other: Half, without: Collection[tuple[str, date]] = ()) -> None:
        """Count what *other* logs told as well, but for what sync clients took on the devices and days *without*."""
        self.take(other)
        for place, synced in other.synced.items():
            if place not in without:
                self.take(synced)
        for one, more in (
            (self.kinds, other.kinds), (self.work, other.work), (self.addresses, other.addresses), (self.exits, other.exits),
            (self.unclear, other.unclear), (self.own, other.own), (self.programs, other.programs),
        ):  # fmt: skip
            one.update(more)  # type: ignore[arg-type]  # the same of both
        for day, seen in other.views.items():
            self.views[day] |= seen
        for devices, counts in ((self.devices, other.devices), (self.syncs, other.syncs)):
            for name, by_day in counts.items():
                devices[name].update(by_day)
        self.active |= other.active
        self.applications |= other.applications


def whole(halves: Iterable[Half], without: Collection[tuple[str, date]] = ()) -> Half:
    """Return several logs' counts as one, but for what sync clients took on the devices and days *without*."""
    every = Half()
    for half in halves:
        every.add(half, without)
    return every


@dataclass(slots=True)
class Tally:
    """
    All of one leaver's activity.  *zone* is the person's, *notice_on* the first day of the notice window there, *ends_on* its last.

    *halves*: by source, what it told before the notice and since.  *folders*: takes since the notice.  *program_size*: bytes that
    applications fetched with a token.
    """

    zone: ZoneInfo
    notice_on: date
    ends_on: date
    rules: Rules
    theirs: Addresses = field(default_factory=Addresses)
    halves: dict[str, tuple[Half, Half]] = field(default_factory=lambda: defaultdict(lambda: (Half(), Half())))
    folders: Counter[str] = field(default_factory=Counter)
    program_size: int = 0
    exits: list[Exit] = field(default_factory=list)
    full: set[str] = field(default_factory=set)

    @property
    def before(self) -> Half:
        """What all logs told before the notice."""
        return whole(before for before, _ in self.halves.values())

    @property
    def since(self) -> Half:
        """What all logs told since the notice."""
        return whole(since for _, since in self.halves.values())

    @property
    def days(self) -> dict[str, Counter[date]]:
        """Takes per source and local day."""
        return {source: by_day(whole(halves).hours) for source, halves in self.halves.items()}

    def add(self, source: str, connection: str, activities: Iterable[Activity]) -> None:
        """Count what one record of *source* tells."""
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

    def _taken(self, half: Half, hour: datetime, day: date, activity: Activity) -> None:
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

    def _device(self, half: Half, device: str, day: date, kind: ActivityKind) -> None:
        if device not in half.devices and len(half.devices) >= _DEVICES:
            self.full.add("addresses and devices")
            return
        half.devices[device][day] += kind in TAKES
        if kind is ActivityKind.SYNC:
            half.syncs[device][day] += 1

    def _exit(self, connection: str, half: Half, day: date, activity: Activity, *, is_since: bool) -> None:
        target, kind = activity.target or "", activity.kind
        if kind is ActivityKind.FORWARD and "@" not in target:
            half.unclear[day] += 1
        elif kind not in _TO_SOMEBODY or not self.theirs.is_inside(target):
            half.exits[kind, day] += 1
        if self.theirs.is_own(target):
            half.own[kind, day] += 1
        if is_since:
            heapq.heappush(self.exits, Exit(activity.at, kind, connection, target or activity.title or ""))
            if len(self.exits) > _MOST_EXITS:
                heapq.heappop(self.exits)  # those nearest the end are kept

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

    def _program(self, source: str, half: Half, day: date, activity: Activity) -> None:
        if activity.kind is ActivityKind.TOKEN_USE:
            self.program_size += _size(activity)
            if activity.target is not None and len(half.applications) < _ORIGINS:
                half.applications.add((source, activity.target))
        elif activity.by_program and activity.kind in TAKES and activity.kind is not ActivityKind.SYNC:
            half.programs[day] += 1


def _size(activity: Activity) -> int:
    return activity.size if activity.size is not None and 0 < activity.size < _NO_FILE else 0


def _file(activity: Activity) -> str:
    """Return what tells a file from others: its id, else where it lies and what it is called."""
    return activity.object_id or f"{activity.folder}/{activity.title}"


@lru_cache(maxsize=4096)
def _local(zone: ZoneInfo, quarter: int) -> tuple[datetime, date]:
    """Return the hour and the day, in *zone*, of a quarter of an hour since 1970: no zone's offset cuts one in two."""
    local = datetime.fromtimestamp(quarter * _QUARTER, zone).replace(minute=0)
    return local, local.date()


def by_day(hours: Counter[datetime]) -> Counter[date]:
    """Return counts by hour as counts by day."""
    days = Counter[date]()
    for hour, number in hours.items():
        days[hour.date()] += number
    return days
