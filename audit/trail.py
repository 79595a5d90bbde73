"""
The only way to append to the log, and shortcuts to read it.

An event is appended within the caller's transaction, so that a change of a case and the leaf that records it are committed
together or not at all.  The intent of a write is committed *before* the vendor is called; without an intent there is no call.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from audit import checkpoint, lock, merkle, reading
from audit.appending import EventDraft, LogTail, TrailError
from audit.check import CheckReport, check
from audit.checkpoint import Checkpoint
from audit.fields import Json
from audit.leaf import Event, stamp
from audit.note import Signer, check_name
from audit.reading import Entry, Intent

__all__ = ["Entry", "Event", "EventDraft", "Intent", "Trail", "TrailError"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Trail:
    """
    The log named *origin* (no spaces, no scheme: `lastday.example.co.jp/audit/2026`).

    *clock* returns aware times; *entropy* returns that many unguessable bytes.  *skew*: how far the database's clock may be from
    ours before an append is refused; None does not compare.  *guard* is called before each append; if entries were lost, it
    returns the event to append first (`audit.rollback_check.RollbackCheck`).
    """

    origin: str
    clock: Callable[[], datetime] = _now
    entropy: Callable[[int], bytes] = secrets.token_bytes
    skew: timedelta | None = timedelta(seconds=5)
    guard: Callable[[Connection], EventDraft | None] | None = None

    def __post_init__(self) -> None:
        check_name(self.origin)

    def append(
        self, connection: Connection, event: Event, payload: Json = None, *, dedup_key: str | None = None
    ) -> Entry:
        """
        Append *event*, with a commitment to *payload* if there is one, and return the entry.

        Safe to repeat with the same *dedup_key*: returns the existing entry.  Raises `TrailError` if that entry has another
        content, if the database has a log of another name, or if the clocks differ by more than *skew*.
        """
        return self.append_many(connection, [EventDraft(event, payload, dedup_key)])[0]

    def append_many(self, connection: Connection, drafts: Sequence[EventDraft]) -> list[Entry]:
        """Append in order, under one lock and in few statements; otherwise like `append`."""
        database_clock = lock.take(connection)
        first = self.guard(connection) if self.guard is not None else None
        tail = LogTail(connection, self.origin, self._moment(database_clock), self.entropy)
        if first is not None:
            tail.place([first])
        return tail.place(drafts)

    def _moment(self, database_clock: datetime | None) -> str:
        now = self.clock()
        if database_clock is not None and self.skew is not None and abs(database_clock - now) > self.skew:
            raise TrailError(f"trail: cannot append: our clock and the database's differ by more than {self.skew}")
        return stamp(now)

    def find(self, connection: Connection, dedup_key: str) -> Entry | None:
        return reading.find(connection, dedup_key)

    def entries(self, connection: Connection, case: str | None = None, start: int = 0) -> Iterator[Entry]:
        return reading.entries(connection, case, start)

    def size(self, connection: Connection) -> int:
        return reading.size(connection)

    def root(self, connection: Connection, size: int | None = None) -> bytes:
        """Return the root of the first *size* leaves (None: of all), from about log2(size) rows."""
        return merkle.root(self.size(connection) if size is None else size, reading.node_reader(connection))

    def checkpoint(self, connection: Connection, signer: Signer) -> bytes:
        """Return the signed head of the whole log.  Trusts the stored hashes; `check` recomputes them."""
        size = self.size(connection)
        return checkpoint.sign(Checkpoint(self.origin, size, self.root(connection, size)), [signer])

    def inclusion(self, connection: Connection, idx: int, size: int | None = None) -> list[bytes]:
        """Prove that entry *idx* is in the tree of *size* (None: of all)."""
        whole = self.size(connection) if size is None else size
        return merkle.inclusion(idx, whole, reading.node_reader(connection))

    def consistency(self, connection: Connection, old: int, new: int) -> list[bytes]:
        """Prove that the log of *new* entries continues that of *old*."""
        return merkle.consistency(old, new, reading.node_reader(connection))

    def open_intents(self, connection: Connection, case: str | None = None) -> list[Intent]:
        return reading.open_intents(connection, case)

    def check(self, connection: Connection, held: Sequence[Checkpoint] = ()) -> CheckReport:
        """Recompute the whole log; *held*: heads that were kept elsewhere.  See `audit.check`."""
        return check(connection, origin=self.origin, held=held)
