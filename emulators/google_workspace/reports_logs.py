"""
The tenant's logs, newest first: lines recorded in this run, and lines computed from people's activity profiles.

Profiles' lines are not stored: a position in a log is a key, and the lines below a key are computed when they are read.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from emulators.activity_profiles import ActivityProfile
from emulators.google_workspace.reports_words import WORDS, as_activity, event, identity
from emulators.google_workspace.times import rfc3339

if TYPE_CHECKING:
    from emulators.google_workspace.state import User

Key: TypeAlias = "tuple[datetime, int, int]"
"""Instant, rank of the stream, number in it: no two lines of a log have the same."""
QUOTA = 250
"""Filtered queries a minute that Google allows."""
STRAGGLERS = 50
"""One line in so many comes late where stragglers are asked for."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """
    How the tenant logs and how its Reports API behaves.

    *unlogged*: applications whose log is empty for everybody, as in an edition without that log; *unlicensed*: ids of users without
    lines in the Drive log, as in tenants of mixed editions.  *lags*: seconds by application until a line shows; *straggling*: further
    seconds for one line in fifty.  *quota*: filtered queries a minute; None: no limit.  *token_life*: seconds for which a page token is
    valid.  *empty_every*, *repeat_every*: every so many pages one is empty with a next page, or repeats the page before it.  *circles*:
    from the third page on, the next page is always the third.  *ends_included*: lines at endTime itself are included (Google does not
    say).
    """

    unlogged: frozenset[str] = frozenset()
    unlicensed: frozenset[str] = frozenset()
    lags: Mapping[str, float] = field(default_factory=dict)
    straggling: float = 0.0
    quota: int | None = None
    token_life: float | None = None
    empty_every: int = 0
    repeat_every: int = 0
    circles: bool = False
    ends_included: bool = False


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """
    One line of a log.  The actor did it; the parameters name the object.

    *more*: further events of the same line, each (type, name, parameters).
    """

    at: datetime
    application: str
    type: str
    name: str
    actor_id: str
    actor_email: str
    parameters: Mapping[str, Any]
    number: int
    ip: str = "203.0.113.25"
    more: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()

    def shown(self) -> dict[str, Any]:
        who = {"email": self.actor_email, "profileId": self.actor_id} if self.actor_id else {}
        told = [(self.type, self.name, self.parameters), *self.more]
        return {
            "kind": "admin#reports#activity",
            "id": identity(self.application, rfc3339(self.at), (self.number * 2654435761) % 2**62 - 2**61),
            "actor": {"callerType": "USER", **who} if who else {"callerType": "KEY", "key": "SYSTEM"},
            "ipAddress": self.ip,
            "events": [event(kind, name, parameters) for kind, name, parameters in told],
        }


class RecordedLines:
    """The lines written into a log in this run."""

    def __init__(self, events: Iterable[AuditEvent]) -> None:
        self._events = sorted(events, key=lambda e: (e.at, e.number))

    def below(self, key: Key) -> Iterator[tuple[Key, dict[str, Any]]]:
        """Go from *key* (excluded) towards the past."""
        for line in reversed(self._events):
            place = (line.at, -1, line.number)
            if place < key:
                yield place, line.shown()


class HabitLines:
    """The lines of one user's habit in one log.  *rank*: unique for each user."""

    def __init__(self, application: str, user: User, rank: int, habit: ActivityProfile) -> None:
        self._application = application
        self._user = user
        self._rank = rank
        self._habit = _part(habit, application)

    def below(self, key: Key) -> Iterator[tuple[Key, dict[str, Any]]]:
        """Go from *key* (excluded) towards the past."""
        habit, rank = self._habit, self._rank
        no = habit.before(key[0])
        while no < habit.count() and (habit.deed(no).at, rank, no) < key:
            no += 1
        for below in range(no - 1, -1, -1):
            deed = habit.deed(below)
            yield (deed.at, rank, below), as_activity(self._application, deed, self._user)


@functools.lru_cache(64)
def _part(habit: ActivityProfile, application: str) -> ActivityProfile:
    return habit.only(*WORDS.get(application, {}))


def newest_first(streams: Iterable[RecordedLines | HabitLines], key: Key) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Merge *streams* from *key* (excluded) towards the past."""
    return heapq.merge(*(stream.below(key) for stream in streams), key=lambda line: line[0], reverse=True)


def is_out(key: Key, now: datetime, lag: float, straggling: float) -> bool:
    """Whether a line shows already: some come later than those that happened after them."""
    late = straggling if straggling and hash(key[1:]) % STRAGGLERS == 0 else 0.0
    return key[0] + timedelta(seconds=lag + late) <= now
