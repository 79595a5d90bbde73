"""
The two tables of the trail, for SQLite and PostgreSQL, and the settings that a connection needs for them.

They belong to this package: migrations call `create` and `drop`; only `audit.trail` writes to them.  No foreign key leads out of
them, so deleting another row never deletes a leaf.

The tree seals idx, case_ref, case_seq, leaf and nodes.  dedup_key and appended_at are conveniences and no evidence.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from audit import append_only_triggers, lock

metadata = MetaData()
_INDEX = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's own row number: no second index


class _wall_clock(FunctionElement[Any]):  # noqa: N801  # named like the SQL function
    """The time of the statement, not of the beginning of its transaction."""

    inherit_cache = True


@compiles(_wall_clock, "postgresql")
def _on_postgresql(_element: _wall_clock, _compiler: SQLCompiler, **_: object) -> str:
    return "clock_timestamp()"


@compiles(_wall_clock, "sqlite")
def _on_sqlite(_element: _wall_clock, _compiler: SQLCompiler, **_: object) -> str:
    return "CURRENT_TIMESTAMP"


audit_entry = Table(
    "audit_entry",
    metadata,
    Column("idx", _INDEX, primary_key=True, autoincrement=False),
    # The database itself forbids gaps: each row except the first refers to the row before it.
    Column("prev_idx", _INDEX, Computed("NULLIF(idx, 0) - 1", persisted=True), ForeignKey("audit_entry.idx")),
    Column("case_ref", Text, nullable=False),
    Column("case_seq", Integer, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    # 32 bytes each: the leaf's hash, then every subtree root that this leaf completes.
    Column("nodes", LargeBinary, nullable=False),
    Column("dedup_key", Text, unique=True),
    Column("appended_at", DateTime(timezone=True), nullable=False, server_default=_wall_clock()),
    UniqueConstraint("case_ref", "case_seq"),
    CheckConstraint("idx >= 0", name="audit_entry_idx_not_negative"),
    CheckConstraint("length(nodes) > 0 AND length(nodes) % 32 = 0", name="audit_entry_nodes_whole"),
)

audit_payload = Table(
    "audit_payload",
    metadata,
    Column("idx", _INDEX, ForeignKey("audit_entry.idx"), primary_key=True, autoincrement=False),
    Column("salt", LargeBinary),
    Column("payload", LargeBinary),
    Column("erased_at", DateTime(timezone=True)),
    CheckConstraint(
        "(salt IS NULL) = (payload IS NULL) AND (salt IS NULL) = (erased_at IS NOT NULL)",
        name="audit_payload_there_or_erased",
    ),
)


def create(connection: Connection) -> None:
    """Create tables and triggers in the caller's transaction.  Raises if they exist."""
    metadata.create_all(connection, checkfirst=False)
    lock.create(connection)
    for statement in append_only_triggers.statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def drop(connection: Connection) -> None:
    """Drop the whole trail with its triggers.  Only for a migration's downgrade on an empty database."""
    metadata.drop_all(connection, checkfirst=False)
    lock.drop(connection)
    for statement in append_only_triggers.removals(connection.dialect.name):
        connection.exec_driver_sql(statement)


def prepare(engine: Engine) -> Engine:
    """
    Prepare *engine* for the trail, and return it.  PostgreSQL needs no preparation.

    On SQLite every new connection gets `prepare_sqlite`, and every transaction begins IMMEDIATE, so that it sees the
    log's tail and holds the lock from its first statement.  A connection that only reads may ask for a shared lock with
    `execution_options(sqlite_begin="DEFERRED")`.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _record: prepare_sqlite(connection))
        event.listen(engine, "begin", _begin)
    return engine


def prepare_sqlite(dbapi_connection: Any) -> None:
    """
    Set the pragmas that the trail needs on a new SQLite connection: each is per connection, and off by default.

    The driver's own BEGIN is switched off: it comes too late (at the first write) and is not IMMEDIATE.
    """
    dbapi_connection.isolation_level = None
    for pragma in PRAGMAS:
        dbapi_connection.execute(f"PRAGMA {pragma}").close()


PRAGMAS = (
    "busy_timeout = 30000",  # first: even journal_mode may have to wait
    "journal_mode = WAL",
    "synchronous = FULL",  # else a power cut could lose a committed intent
    "foreign_keys = ON",
    "recursive_triggers = ON",  # otherwise REPLACE deletes rows without firing the delete trigger
    "secure_delete = ON",  # an erased row's old bytes stay in no free page
)


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    if mode not in {"IMMEDIATE", "DEFERRED"}:
        raise ValueError("sqlite_begin is IMMEDIATE or DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")
