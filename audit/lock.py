"""
One writer at a time, over all processes: the log's order is the order in which this lock was held.

A sequence would not do: numbers drawn by a transaction that rolls back leave gaps, and a larger number may be seen
before a smaller one.  Never hold the lock across a call to a vendor.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

# Changes nothing, and yet is a write: SQLite takes the write lock before it looks for rows, and refuses at once
# (SQLITE_BUSY) if this transaction has already read an older state than the present one.
_CLAIM = text("UPDATE audit_entry SET idx = idx WHERE FALSE")

# A row and no advisory lock: that one anybody who may connect can hold for ever; this one needs UPDATE on the row.
_CREATE = "CREATE TABLE IF NOT EXISTS audit_lock (id smallint PRIMARY KEY CHECK (id = 1))"
_FILL = "INSERT INTO audit_lock VALUES (1) ON CONFLICT DO NOTHING"
_HOLD = text("WITH held AS MATERIALIZED (SELECT id FROM audit_lock FOR UPDATE) SELECT clock_timestamp() FROM held")


class NotInTransaction(RuntimeError):
    """There is no transaction that the lock could last for."""


def create(connection: Connection) -> None:
    """Make what is locked, in the caller's transaction.  Twice is safe; on SQLite, whose file is the lock, nothing is made."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_CREATE)
        connection.exec_driver_sql(_FILL)


def drop(connection: Connection) -> None:
    """Remove it again."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS audit_lock")


def take(connection: Connection) -> datetime | None:
    """
    Hold the log until the caller's transaction ends; return the database's clock where it has one of its own.

    Raises `NotInTransaction` if the caller, or under it the SQLite driver, has not begun: see `audit.tables.prepare`.
    """
    if not connection.in_transaction():
        raise NotInTransaction("trail: cannot append: outside of a transaction")
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(_HOLD).scalar_one()
        return now
    if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]  # sqlite3's own attribute
        raise NotInTransaction("trail: cannot append: the transaction was not begun IMMEDIATE (audit.tables.prepare)")
    if connection.get_execution_options().get("sqlite_begin") == "DEFERRED":  # else the lock is held from the beginning
        connection.execute(_CLAIM)
    return None
