"""
Epochs: the log's own record of entries that left the house and that it no longer has, after a backup was restored.

The log goes on, because no missing proof may delay a cut.  The first entry of a new epoch, `trail.epoch`, names the lost head.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from audit import reading
from audit.appending import EventDraft
from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.leaf import LOG_CASE, Event

ACTOR = "svc:trail"
OLDER, OTHER = "older", "other"
"""Why the log lacks the head: it is older, with fewer entries, or it has other entries."""


@dataclass(frozen=True, slots=True)
class Gap:
    """
    Entries *from_size* to *size* (excluded) of an earlier state of this log are missing.  The row *row* records it.

    *root*: of the earlier state's *size* entries, in base64.  *lost*: the SHA-256 of the signed note with that root.
    """

    row: int
    from_size: int
    size: int
    root: str
    lost: str

    @classmethod
    def of(cls, row: int, said: dict[str, Any]) -> Gap:
        return cls(row, int(said["from_size"]), int(said["size"]), str(said["root"]), str(said["checkpoint_sha256"]))

    def explains(self, size: int) -> bool:
        """Whether a head of *size* entries may belong to the earlier state.  Else it belongs to another history."""
        return self.from_size < size <= self.size

    def __str__(self) -> str:
        return f"row {self.row}: entries {self.from_size} to {self.size - 1} of the log before a restored backup are missing"


def key(note: bytes) -> str:
    """Return the deduplication key of the epoch that gives up this head: it is recorded once."""
    return f"epoch:{hashlib.sha256(note).hexdigest()}"


def begin(head: Checkpoint, note: bytes, size: int, common: int) -> EventDraft:
    """
    Return the event that gives up *head*, signed in the bytes *note*.  *size*: how many entries the log has.  *common*: how many
    of them are proved to be the earlier state's.
    """
    older = size < head.size
    said: dict[str, Any] = {
        "from_size": size if older else common,
        "size": head.size,
        "root": base64.b64encode(head.root).decode(),
        "checkpoint_sha256": hashlib.sha256(note).hexdigest(),
        "reason": OLDER if older else OTHER,
    }
    return EventDraft(Event(EventType.TRAIL_EPOCH, LOG_CASE, ACTOR, said), dedup_key=key(note))


def name(connection: Connection) -> str:
    """Return the name of the log's present epoch: empty in the first."""
    gaps = told(connection)
    return named(gaps[-1]) if gaps else ""


def named(gap: Gap) -> str:
    """Return the name of the epoch that *gap* begins."""
    return f"epoch-{gap.row:08d}-{gap.lost[:16]}"


def told(connection: Connection) -> list[Gap]:
    """Return the gaps that the log records, oldest first.  Reads the log's own events."""
    return [
        Gap.of(entry.idx, entry.record)
        for entry in reading.entries(connection, LOG_CASE)
        if b'"type":"trail.epoch"' in entry.leaf
    ]
