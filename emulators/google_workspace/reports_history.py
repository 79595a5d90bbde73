"""The tenant's record of activity: filled by the run itself, by tests, and by activity profiles."""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from emulators.activity_profiles import TOKYO, ActivityProfile, ordinary
from emulators.company import DOMAIN
from emulators.google_workspace.errors import over_quota
from emulators.google_workspace.reports_logs import AuditEvent, HabitLines, LogOptions, RecordedLines
from emulators.google_workspace.state import User


class ReportsHistory:
    """
    Part of the tenant.  *silent* accounts have no habit.

    *shift*: moves the tenant's clock; late lines show once it was moved far enough.
    """

    def __init__(self, logs: LogOptions, people: Mapping[str, User], silent: frozenset[str]) -> None:
        self.events: list[AuditEvent] = []
        self.shift = timedelta(0)
        self.tokens_from = 0.0
        self._logs = logs
        self._people = people
        self._silent = silent
        self._habits: dict[str, ActivityProfile] = {}
        self._queries: deque[float] = deque()
        self._streams: dict[tuple[str, str], HabitLines] = {}

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def behave(self, account_id: str, habit: ActivityProfile) -> None:
        """Give the account the activity of *habit*.  Before this call it has an office worker's light half year."""
        self._habits[account_id] = habit
        self._streams = {key: stream for key, stream in self._streams.items() if key[1] != account_id}

    def record_activity(  # noqa: PLR0913  # a line of the log has these parts
        self,
        account_id: str,
        name: str,
        *,
        application: str = "drive",
        kind: str = "access",
        at: datetime | None = None,
        ip: str = "203.0.113.25",
        more: tuple[tuple[str, str, Mapping[str, Any]], ...] = (),
        **parameters: Any,
    ) -> None:
        """
        Write a line into a log.  *account_id*: "" for an actor whom Google does not name.

        *parameters*: each goes into the field of its type (text, whole number, boolean, list).
        """
        email = self._people[account_id].email if account_id else ""
        number, at = len(self.events) + 1, at if at is not None else self.now()
        self.events.append(AuditEvent(at, application, kind, name, account_id, email, parameters, number, ip, more))

    def expire_page_tokens(self) -> None:
        """Refuse every page token of the Reports API that was given until now."""
        self.tokens_from = time.time()

    def streams(self, application: str, actor: User | None) -> list[RecordedLines | HabitLines]:
        """Return the streams of a log: everybody's, or only *actor*'s."""
        if application in self._logs.unlogged:
            return []
        lines = [e for e in list(self.events) if e.application == application]
        recorded = RecordedLines(e for e in lines if actor is None or e.actor_id == actor.id)
        people = list(self._people.values()) if actor is None else [actor]
        habitual = [self._habitual(application, user) for user in people if self._is_logged(application, user)]
        return [recorded, *habitual]

    def _is_logged(self, application: str, user: User) -> bool:
        guest = not user.email.endswith(f"@{DOMAIN}") or user.id in self._silent
        return not guest and not (application == "drive" and user.id in self._logs.unlicensed)

    def _habitual(self, application: str, user: User) -> HabitLines:
        key = (application, user.id)
        if key not in self._streams:
            habit = self._habits.get(user.id) or _usual(int(user.id) % 4, datetime.now(TOKYO).date())
            self._streams[key] = HabitLines(application, user, list(self._people).index(user.id), habit)
        return self._streams[key]

    def count_query(self) -> None:
        """Count a filtered query; raises `VendorRefusal` over the minute's quota."""
        most, now = self._logs.quota, time.monotonic()
        while self._queries and self._queries[0] < now - 60:
            self._queries.popleft()
        if most is not None and len(self._queries) >= most:
            raise over_quota()
        self._queries.append(now)


@functools.lru_cache(8)
def _usual(variant: int, until: date) -> ActivityProfile:
    """An office worker's light half year, in a few variants, for all people without their own habit."""
    return ordinary(f"context {variant}", until, scale=0.04)
