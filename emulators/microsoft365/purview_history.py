"""The tenant's record of activity.  Activity profiles are computed when they are read, and not stored."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeAlias

from emulators.activity_profiles import TOKYO, ActivityProfile, ordinary
from emulators.microsoft365.purview_records import FILES, envelope, number, record

Row: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """
    How the tenant's logs behave.

    *recording*: unified auditing is on.  *limit*: most records of a search.  *daily*, *at_once*: most searches in 24 hours, and most
    unfinished ones.  *polls*: how many reads of a search show it running.  *failing*: how many searches fail.  *lag*: seconds until a record
    is found.  *hidden*: how many lists do not show a new search yet.  *first_short*: a search's first reading lacks its last page.
    *repeated*: a search gives its first page twice; *instead*: in how many readings in place of its last page.  *most*: the largest page size.
    """

    recording: bool = True
    limit: int = 1_000_000
    daily: int = 200
    at_once: int = 50
    polls: int = 0
    failing: int = 0
    lag: float = 0.0
    hidden: int = 0
    first_short: bool = False
    repeated: bool = False
    instead: int = 0
    most: int = 999


@dataclass(frozen=True, slots=True)
class Span:
    """A run of one person's records; each record is made when it is read."""

    size: int
    at: Callable[[int], Row]


class Spans(Sequence[Row]):
    """Several spans as one list."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = [span for span in spans if span.size]
        self._ends = list(accumulate(span.size for span in self._spans))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        n = bisect_right(self._ends, place)
        return self._spans[n].at(place - (self._ends[n] - self._spans[n].size))


class PurviewHistory:
    """
    Part of the tenant.  *users*: the tenant's own mapping, read again each time.

    *shift*: moves the tenant's clock; late records show once it was moved far enough.
    """

    def __init__(self, audit: AuditOptions, users: Mapping[str, Row]) -> None:
        self.audit = audit
        self.shift = timedelta(0)
        self._users = users
        self._habits: dict[str, ActivityProfile] = {}
        self._silent: set[str] = set()
        self._written: list[tuple[str, datetime, Row]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def behave(self, user: str, habit: ActivityProfile | None) -> None:
        """Give *user* the activity of *habit*; None: no activity.  Before this call it is an office worker's light half year."""
        self._silent.discard(user)
        if habit is None:
            self._silent.add(user)
        else:
            self._habits[user] = habit

    def write(
        self,
        user: str,
        operation: str,
        *,
        at: datetime,
        workload: str = "OneDrive",
        ip: str = "203.0.113.10",
        upn: str | None = None,
        **told: Any,
    ) -> str:
        """Write one record, with *upn* instead of the user's present name; return its id."""
        actor = self._users[user] | ({"userPrincipalName": upn} if upn else {})
        record_id = number("written", len(self._written))
        self._written.append((user, at, envelope(actor, record_id, at, operation, workload, FILES, told, ip)))
        return record_id

    def found(self, names: frozenset[str], begin: datetime, end: datetime, as_of: datetime) -> Spans:
        """Return the records of the users with one of *names* (empty: everybody), as a search run at *as_of* finds them."""
        end = min(end, as_of - timedelta(seconds=self.audit.lag))
        if not self.audit.recording or begin >= end:
            return Spans([])
        written = [
            row
            for _, at, row in self._written
            if begin <= at < end and (not names or row["userPrincipalName"].casefold() in names)
        ]
        people = [user for user in self._users.values() if not names or user["userPrincipalName"].casefold() in names]
        return Spans([Span(len(written), written.__getitem__), *(self._habitual(u, begin, end) for u in people)])

    def _habitual(self, user: Row, begin: datetime, end: datetime) -> Span:
        habit = self.habit(user["id"])
        if habit is None:
            return Span(0, lambda _: {})
        first = habit.before(begin)
        return Span(habit.before(end) - first, lambda n: record(user, habit.deed(first + n)))

    def habit(self, user: str) -> ActivityProfile | None:
        """Return *user*'s activity profile, None if there is none."""
        if user in self._silent:
            return None
        return self._habits.get(user, self._usual)

    @cached_property
    def _usual(self) -> ActivityProfile:
        return ordinary("everybody", datetime.now(TOKYO).date(), scale=0.04)
