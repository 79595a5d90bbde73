"""A log's name, plain events and a clock, for tests and for the writers that they start."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from audit.events import EventType
from audit.leaf import Event

ORIGIN = "lastday.hoshizora.example/audit/2026"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def seen(n: int = 0, case: str = "case-1") -> Event:
    """Return a plain event, told apart by *n*."""
    return Event(EventType.OBSERVE_SEEN, case, "svc:test", {"state": "found", "count": n})


def reference() -> str:
    return secrets.token_hex(16)
