"""
One writer at a time, over all processes: the log's order is the order in which this lock was held.

A sequence would not do: numbers drawn by a transaction that rolls back leave gaps, and a larger number may be seen
before a smaller one.  Never hold the lock across a call to a vendor.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

KEY = 0x6C61_7374_6461_7931
"""PostgreSQL's advisory lock is a number: "lastday1"."""

# Changes nothing, and yet is a write: SQLite takes the write lock before it looks for rows, and refuses at once
# (SQLITE_BUSY) if this transaction has already read an older state than the present one.
_CLAIM = text("UPDATE audit_entry SET idx = idx WHERE FALSE")
_ADVISORY = text("SELECT clock_timestamp() FROM (SELECT pg_advisory_xact_lock(:key)) AS held").bindparams(key=KEY)


class NotInTransaction(RuntimeError):
    """There is no transaction that the lock could last for."""


def take(connection: Connection) -> datetime | None:
    """
    Hold the log until the caller's transaction ends; return the database's clock where it has one of its own.

    Raises `NotInTransaction` if the caller, or under it the SQLite driver, has not begun: see `audit.tables.prepare`.
    """
    if not connection.in_transaction():
        raise NotInTransaction("trail: cannot append: outside of a transaction")
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(_ADVISORY).scalar_one()
        return now
    if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]  # sqlite3's own attribute
        raise NotInTransaction("trail: cannot append: the transaction was not begun IMMEDIATE (audit.tables.prepare)")
    connection.execute(_CLAIM)
    return None
