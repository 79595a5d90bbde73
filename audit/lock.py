"""
The writers' lock: one writer at a time, over all processes.  The log's order is the order in which they held the lock.

A database sequence is not enough: a transaction that rolls back leaves a gap, and a larger number may become visible before a
smaller one.  Never hold the lock during a call to a vendor.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

# A write that changes no row: SQLite takes the write lock before it looks for rows, and refuses at once
# (SQLITE_BUSY) if this transaction has already read an older state than the present one.
_CLAIM = text("UPDATE audit_entry SET idx = idx WHERE FALSE")

# A row, not an advisory lock: any role that may connect can hold an advisory lock for ever; this one needs UPDATE on the row.
_CREATE = "CREATE TABLE IF NOT EXISTS audit_lock (id smallint PRIMARY KEY CHECK (id = 1))"
_FILL = "INSERT INTO audit_lock VALUES (1) ON CONFLICT DO NOTHING"
_HOLD = text("WITH held AS MATERIALIZED (SELECT id FROM audit_lock FOR UPDATE) SELECT clock_timestamp() FROM held")


class NotInTransaction(RuntimeError):
    """The caller has not begun the transaction that the lock needs."""


def create(connection: Connection) -> None:
    """Create the row to lock, in the caller's transaction.  Safe to repeat.  SQLite needs none: its file is the lock."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_CREATE)
        connection.exec_driver_sql(_FILL)


def drop(connection: Connection) -> None:
    """Drop the table of that row."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS audit_lock")


def take(connection: Connection) -> datetime | None:
    """
    Lock the log until the caller's transaction ends; return the database server's time, None for SQLite.

    Raises `NotInTransaction` if the caller, or SQLite's driver, has not begun a transaction: see `audit.tables.prepare`.
    """
    if not connection.in_transaction():
        raise NotInTransaction("trail: cannot append: outside of a transaction")
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(_HOLD).scalar_one()
        return now
    if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]  # sqlite3's own attribute
        raise NotInTransaction("trail: cannot append: the transaction was not begun IMMEDIATE (audit.tables.prepare)")
    if connection.get_execution_options().get("sqlite_begin") == "DEFERRED":  # else BEGIN IMMEDIATE has taken the lock
        connection.execute(_CLAIM)
    return None
