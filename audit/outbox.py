"""
The log as an outbox: each reader that passes events on (to a SIEM, say) has its own cursor in the log.

Delivery is at least once: a cursor moves after its events were passed on, and never back.  An event is named by epoch and index,
because a log restored from a backup uses indexes again.  The entry that begins an epoch, `trail.epoch`, is passed on too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, insert, select, update

from audit import epochs, reading

metadata = MetaData()

audit_reader = Table(
    "audit_reader",
    metadata,
    Column("name", Text, primary_key=True),
    Column("epoch", Text, nullable=False),
    Column("idx", BigInteger, nullable=False),
)
"""Each reader's cursor: epoch and index of the last event that it passed on."""


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """One event to pass on: its epoch and index, and its leaf's fields, which name nobody."""

    epoch: str
    index: int
    event: dict[str, Any]


def create(connection: Connection) -> None:
    """Create the table in the caller's transaction.  Raises if it exists."""
    metadata.create_all(connection, checkfirst=False)


def drop(connection: Connection) -> None:
    """Drop the table, for a migration's downgrade."""
    metadata.drop_all(connection, checkfirst=False)


def after(connection: Connection, reader: str, most: int) -> list[OutboxEvent]:
    """
    Return the next events for *reader*, at most *most*; a new reader begins with the log's first event.

    If a later epoch has used indexes again, a cursor from before it goes back to the row where that epoch begins.
    """
    begun, done, start = _epochs(connection), _done(connection, reader), 0
    if done is not None and done[0] in begun:
        later = list(begun.values())[list(begun).index(done[0]) + 1 :]
        start = min([done[1] + 1, *later])
    entries = reading.entries(connection, start=start, end=start + most)
    return [OutboxEvent([name for name, row in begun.items() if row <= e.idx][-1], e.idx, e.record) for e in entries]


def move(connection: Connection, reader: str, last: OutboxEvent) -> None:
    """Move *reader*'s cursor to *last*.  Safe to repeat; it never moves back.  The caller holds the writers' lock."""
    order, done = list(_epochs(connection)), _done(connection, reader)
    if done is None:
        connection.execute(insert(audit_reader).values(name=reader, epoch=last.epoch, idx=last.index))
    elif done[0] not in order or (order.index(last.epoch), last.index) > (order.index(done[0]), done[1]):
        mine = update(audit_reader).where(audit_reader.c.name == reader)
        connection.execute(mine.values(epoch=last.epoch, idx=last.index))


def _done(connection: Connection, reader: str) -> tuple[str, int] | None:
    """Return epoch and index of the last event that *reader* passed on, None before the first."""
    row = connection.execute(
        select(audit_reader.c.epoch, audit_reader.c.idx).where(audit_reader.c.name == reader)
    ).one_or_none()
    return None if row is None else (row.epoch, row.idx)


def _epochs(connection: Connection) -> dict[str, int]:
    """Return the log's epochs, oldest first, and the row with which each begins."""
    return {"": 0} | {epochs.named(gap): gap.row for gap in epochs.told(connection)}
