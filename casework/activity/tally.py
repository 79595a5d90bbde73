"""
What is counted while the records stream by.  Memory is bounded by days, hours and the caps below, not by events.

Counts are exact; the sets behind "how many different" are capped and say when they were full.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from casework.activity.marks import is_marked
from casework.policy import Activity as Rules
from connectors.activity import Activity
from models.vocabulary import TAKES, ActivityKind

_FOLDERS = 20_000
_FOLDERS_A_DAY = 2_000
_ORIGINS = 2_000
_MOST_EXITS = 500

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


@dataclass(frozen=True, slots=True, order=True)
class Exit:
    """One way out made by the leaver.  *target* is personal, and may be confidential."""

    at: datetime
    kind: ActivityKind
    connection: str
    target: str = ""


@dataclass(slots=True)
class Half:
    """
    The same counts before the notice and since then.

    *hours*: takes in each; *folders* by day, by their hashes; *applications* with the log that tells of each.
    """

    kinds: Counter[ActivityKind] = field(default_factory=Counter)
    off_hours: int = 0
    marked: int = 0
    hours: Counter[datetime] = field(default_factory=Counter)
    folders: dict[date, set[int]] = field(default_factory=lambda: defaultdict(set))
    addresses: Counter[str] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    applications: set[tuple[str, str]] = field(default_factory=set)

    def of(self, kinds: Iterable[ActivityKind]) -> int:
        return sum(self.kinds[kind] for kind in kinds)


@dataclass(slots=True)
class Tally:
    """
    All of one leaver's activity.  *zone* is the person's, *notice_on* the first day of the notice window there, *ends_on* its last.

    *days*: takes per source and local day.  *programs*: takes through an API client, not counting sync clients;
    *program_size*: bytes that applications fetched with a token.
    """

    zone: ZoneInfo
    notice_on: date
    ends_on: date
    rules: Rules
    days: dict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    folders: Counter[str] = field(default_factory=Counter)
    before: Half = field(default_factory=Half)
    since: Half = field(default_factory=Half)
    programs: int = 0
    program_size: int = 0
    exits: list[Exit] = field(default_factory=list)
    full: set[str] = field(default_factory=set)

    def add(self, source: str, connection: str, activities: Iterable[Activity]) -> None:
        """Count what one record of *source* tells."""
        for activity in activities:
            local = activity.at.astimezone(self.zone)
            half = self.since if local.date() >= self.notice_on else self.before
            half.kinds[activity.kind] += 1
            for seen, name in ((half.addresses, activity.ip), (half.devices, activity.device)):
                self._count(seen, name, _ORIGINS, "addresses and devices", weight=activity.kind in TAKES)
            if activity.kind in TAKES:
                self._taken(source, local, half, activity)
            if activity.kind in EXITS and half is self.since:
                made = Exit(activity.at, activity.kind, connection, activity.target or activity.title or "")
                heapq.heappush(self.exits, made)
                if len(self.exits) > _MOST_EXITS:
                    heapq.heappop(self.exits)  # those nearest the end are kept
            self._program(source, half, activity)

    def _taken(self, source: str, local: datetime, half: Half, activity: Activity) -> None:
        day, (begins, ends) = local.date(), self.rules.work_hours
        self.days[source][day] += 1
        half.hours[local.replace(minute=0, second=0, microsecond=0)] += 1
        half.off_hours += local.weekday() >= 5 or not begins <= local.hour < ends
        half.marked += is_marked((activity.label, activity.title), self.rules.marks)
        if activity.folder is not None and len(half.folders[day]) < _FOLDERS_A_DAY:
            half.folders[day].add(hash(activity.folder))
        if half is self.since:
            self._count(self.folders, activity.folder, _FOLDERS, "folders")

    def _count(self, seen: Counter[str], name: str | None, most: int, what: str, *, weight: int = 1) -> None:
        if name is None:
            return
        if name in seen or len(seen) < most:
            seen[name] += weight
        else:
            self.full.add(what)

    def _program(self, source: str, half: Half, activity: Activity) -> None:
        if activity.kind is ActivityKind.TOKEN_USE:
            self.program_size += activity.size or 0
            if activity.target is not None and len(half.applications) < _ORIGINS:
                half.applications.add((source, activity.target))
        elif activity.by_program and activity.kind in TAKES and activity.kind is not ActivityKind.SYNC:
            self.programs += 1
