"""
The log's own record of its keys: which were added, retired or compromised, and when.

During a rotation both keys sign at least one anchor, so that a reader who knows only one of them can still verify it.
After a theft, heads that an authority stamped *before* the theft stay valid: the thief cannot get an old stamp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.events import EventType
from audit.leaf import LOG_CASE, Event, stamp
from audit.note import Verifier

ADDED = EventType.LOG_KEY_ADDED
RETIRED = EventType.LOG_KEY_RETIRED
COMPROMISED = EventType.LOG_KEY_COMPROMISED


def added(key: Verifier, actor: str) -> Event:
    return Event(ADDED, LOG_CASE, actor, {"vkey": key.vkey})


def retired(key: Verifier, actor: str) -> Event:
    """Return the event that retires *key*: its signature does not count under a head that contains this event."""
    return Event(RETIRED, LOG_CASE, actor, {"vkey": key.vkey})


def compromised(key: Verifier, since: datetime, actor: str) -> Event:
    """Return the event that says: a signature of *key* counts only under a head stamped before *since*."""
    return Event(COMPROMISED, LOG_CASE, actor, {"vkey": key.vkey, "since_at": stamp(since)})


@dataclass
class Keyring:
    """
    Reads a log's leaves in their order (`see`), then decides which signatures count (`objection`).

    It only removes trust, and never restores it.  It ignores `log.key_added`, since a thief of a key could append that too.
    """

    retired: dict[str, int] = field(default_factory=dict)
    compromised: dict[str, datetime] = field(default_factory=dict)

    def see(self, idx: int, said: Mapping[str, Any]) -> None:
        """Read leaf *idx*, parsed by `audit.leaf.read`.  Of several times of a theft, the earliest counts."""
        match said["type"]:
            case EventType.LOG_KEY_RETIRED:
                self.retired.setdefault(said["vkey"], idx)
            case EventType.LOG_KEY_COMPROMISED:
                since = datetime.fromisoformat(said["since_at"])
                self.compromised[said["vkey"]] = min(since, self.compromised.get(said["vkey"], since))
            case _:
                pass

    def objection(self, key: Verifier, size: int, stamped_at: datetime | None) -> str | None:
        """
        Return why *key*'s signature under a head of *size* entries does not count, None if it counts.

        *stamped_at*: the time of a verified stamp over that head, None without a stamp.
        """
        since = self.compromised.get(key.vkey)
        if since is not None and (stamped_at is None or stamped_at >= since):
            return f"its key was compromised since {stamp(since)}, and no earlier time stamp covers it"
        gone = self.retired.get(key.vkey)
        if gone is not None and size > gone:
            return f"its key was retired by entry {gone}"
        return None

    def objection_to_all(self, keys: Iterable[Verifier], size: int, stamped_at: datetime | None) -> str | None:
        """Return None if the signature of at least one of *keys* counts, else the last objection."""
        reason: str | None = "no known key has signed it"
        for key in keys:
            reason = self.objection(key, size, stamped_at)
            if reason is None:
                return None
        return reason
