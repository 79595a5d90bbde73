"""
The log as an outbox: whoever passes events on (to a SIEM, say) reads what lies after a cursor of its own.

At least once: a cursor is moved after its events were passed on, and never back.  An event is named by epoch and index: a log that
was restored from a backup gives numbers again, and its first entry then, `trail.epoch`, is an event like any other.
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
"""What each reader has passed on: the last event's epoch and index."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it leaves the house: its name, and what its leaf says, which names nobody."""

    epoch: str
    index: int
    event: dict[str, Any]


def create(connection: Connection) -> None:
    """Create the table in the caller's transaction.  Raises if it exists."""
    metadata.create_all(connection, checkfirst=False)


def drop(connection: Connection) -> None:
    """Remove it.  For a migration's way back."""
    metadata.drop_all(connection, checkfirst=False)


def after(connection: Connection, reader: str, most: int) -> list[Told]:
    """
    Return the next events for *reader*, at most so many; one that is not known yet begins with the first.

    What a later epoch gave a number again is read again: a cursor from before it goes back to where that epoch begins.
    """
    begun, done, start = _epochs(connection), _done(connection, reader), 0
    if done is not None and done[0] in begun:
        later = list(begun.values())[list(begun).index(done[0]) + 1 :]
        start = min([done[1] + 1, *later])
    entries = reading.entries(connection, start=start, end=start + most)
    return [Told([name for name, row in begun.items() if row <= e.idx][-1], e.idx, e.record) for e in entries]


def move(connection: Connection, reader: str, last: Told) -> None:
    """Remember that *reader* has passed on everything up to *last*.  Safe to repeat; never back.  Hold the writers' lock."""
    order, done = list(_epochs(connection)), _done(connection, reader)
    if done is None:
        connection.execute(insert(audit_reader).values(name=reader, epoch=last.epoch, idx=last.index))
    elif done[0] not in order or (order.index(last.epoch), last.index) > (order.index(done[0]), done[1]):
        mine = update(audit_reader).where(audit_reader.c.name == reader)
        connection.execute(mine.values(epoch=last.epoch, idx=last.index))


def _done(connection: Connection, reader: str) -> tuple[str, int] | None:
    """Return what *reader* passed on last."""
    row = connection.execute(
        select(audit_reader.c.epoch, audit_reader.c.idx).where(audit_reader.c.name == reader)
    ).one_or_none()
    return None if row is None else (row.epoch, row.idx)


def _epochs(connection: Connection) -> dict[str, int]:
    """Return the log's epochs, oldest first, and the row with which each begins."""
    return {"": 0} | {epochs.named(gap): gap.row for gap in epochs.told(connection)}
