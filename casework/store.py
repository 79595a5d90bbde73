"""The database: the truth about every case, and the trail, changed together or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlmodel import Session

from audit import tables as audit_tables
from audit.trail import Trail
from casework.errors import Misconfigured
from casework.schema import current, newest

_LOCK = 0x6C617374  # "last": the advisory lock that orders the writers on PostgreSQL


@dataclass(frozen=True, slots=True)
class Store:
    """
    One engine and its trail.

    `write` is the only way to change anything: one short transaction, under one lock, that may seal into the trail.
    It is never held across a call to a vendor.
    """

    engine: Engine
    trail: Trail

    @contextmanager
    def write(self) -> Iterator[Session]:
        """
        Begin a transaction with the writers' lock; commit at the end, roll back on any exception.

        Reads inside it see the last committed state, so a decision and its record cannot be torn apart.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            connection = session.connection()
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield session
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Begin a reading transaction; nothing is written at its end."""
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options={"sqlite_begin": "DEFERRED"})
            yield session


def open_engine(database_url: str) -> Engine:
    """
    Open the database; raises `Misconfigured` for a URL that is none.

    SQLite is prepared by the trail: its pragmas on each connection, and BEGIN IMMEDIATE for writers, so that two of
    them queue instead of failing at their end.
    """
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise Misconfigured(
            "LASTDAY_DATABASE_URL: cannot be parsed",
            "Write sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME.",
        ) from None
    if url.get_backend_name() == "postgresql":
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if url.get_backend_name() != "sqlite":
        raise Misconfigured(
            f"LASTDAY_DATABASE_URL: {url.get_backend_name()} is not supported",
            "Use SQLite (one machine) or PostgreSQL.",
        )
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    return audit_tables.prepare(create_engine(url))


def require_schema(engine: Engine) -> None:
    """Raise `Misconfigured` unless the database answers and holds the newest schema; changes nothing."""
    try:
        here = current(engine)
    except OperationalError as exc:
        raise Misconfigured(
            "database: cannot connect", "Check LASTDAY_DATABASE_URL and that the server runs and lets us in."
        ) from exc
    if here != newest():
        raise Misconfigured(
            f"database: its schema is {here or 'empty'}, this version needs {newest()}", "Run `lastday migrate`."
        )
