"""The database: the tables of cases and the trail, changed together or not at all."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import PriorityQueue
from typing import Any, ParamSpec, TypeAlias, TypeVar

from psycopg.errors import LockNotAvailable
from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlmodel import Session

from audit import lock
from audit import tables as audit_tables
from audit.trail import EventDraft, Trail
from casework.changes import carrying, changes, note
from casework.clock import DatabaseClock
from casework.errors import Misconfigured
from casework.schema import current, newest

_LIMITS = {"statement_timeout": 5_000, "lock_timeout": 2_000, "idle_in_transaction_session_timeout": 15_000}
"""Milliseconds, on PostgreSQL.  The last one ends the transaction of a process that was frozen inside it, and frees its locks."""
_CONNECT = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 6_000,
}
_DRAFTS = "drafts"
P = ParamSpec("P")
T = TypeVar("T")
_Job: TypeAlias = "tuple[tuple[bool, int], int, Future[Any], Callable[[], Any]]"
_turn = ContextVar("turn", default=(False, 0))
_places, _arrivals = itertools.count(1), itertools.count()
_ATTEMPTS = 9
"""Waits for the writers' lock: together 18 s, longer than the 15 s for which a frozen process may hold it."""


@contextmanager
def in_turn(*, first: bool = False, cut: bool = False) -> Iterator[None]:
    """
    Order the work of this block in the database's thread: work of a case that is *cut* comes after all other work; else the
    case that came earlier goes first.  An emergency (*first*) and work outside such a block go before them.
    """
    token = _turn.set((cut, 0 if first else _turn.get()[1] or next(_places)))
    try:
        yield
    finally:
        _turn.reset(token)


class _Session(Session):
    """A session whose rollback drops its drafts.  Savepoints are not used: drafts of an undone savepoint would be appended."""

    def rollback(self) -> None:
        self.info.clear()
        super().rollback()


event.listen(_Session, "after_flush", note)


@dataclass(frozen=True, slots=True)
class Store:
    """
    One engine and its trail.

    `write` is the only way to change anything: one short transaction, under one lock, that may seal into the trail.
    It is never held across a call to a vendor.  Each one compares *clock* with the database's.
    """

    engine: Engine
    trail: Trail
    clock: DatabaseClock = field(default_factory=DatabaseClock)
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "database"), compare=False)
    waiting: PriorityQueue[_Job] = field(default_factory=PriorityQueue, compare=False)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """
        Do *work*, one or more whole transactions, in the one thread that waits for the database; the event loop never waits.

        First come, first served, except as `in_turn` orders.  *work* is done to its end even if the caller is cancelled.
        """
        done = Future[T]()
        done.set_running_or_notify_cancel()  # from here on it cannot be cancelled
        self.thread.submit(self._serve_next)  # first: if the executor is shut down, nothing is queued
        self.waiting.put((_turn.get(), next(_arrivals), done, partial(work, *args, **kwargs)))
        return await asyncio.shield(asyncio.wrap_future(done))

    def _serve_next(self) -> None:
        *_, done, work = self.waiting.get()
        try:
            done.set_result(work())
        except BaseException as exc:  # noqa: BLE001  # it is raised where it is awaited
            done.set_exception(exc)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """
        Begin a transaction under the writers' lock; commit it with its events at the end, roll back on any exception.

        Reads inside it see the last committed state, so a decision and its record are committed together.
        """
        with _Session(self.engine, expire_on_commit=False) as session:
            self._hold(session)
            yield session
            self.append_told(session)
            session.commit()

    def tell(self, session: Session, draft: EventDraft) -> None:
        """Append *draft* to the trail at the end of the transaction; all drafts are appended at once, in their order."""
        session.info.setdefault(_DRAFTS, []).append(draft)

    def append_told(self, session: Session) -> None:
        """Append the transaction's drafts and changes so far now.  Raises what `Trail.append_many` raises."""
        session.flush()
        if drafts := list(carrying(session.info.pop(_DRAFTS, ()), changes(session))):
            self.trail.append_many(session.connection(), drafts)

    def compare_clocks(self) -> None:
        """Compare our clock with the database's, if it has one, without a lock."""
        if self.engine.dialect.name == "postgresql":
            with self.engine.connect() as connection:
                asked_at = self.clock.machine()
                told = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
                self.clock.compare(asked_at, told, self.clock.machine())

    def _hold(self, session: Session) -> None:
        """Take the writers' lock and compare the clocks.  Raises `OperationalError` if nine waits did not give the lock."""
        for attempt in range(1, _ATTEMPTS + 1):
            asked_at = self.clock.machine()
            try:
                told = lock.take(session.connection())
            except OperationalError as exc:
                if not isinstance(exc.orig, LockNotAvailable) or attempt == _ATTEMPTS:
                    raise
                session.rollback()
            else:
                if told is not None:
                    self.clock.compare(asked_at, told, self.clock.machine())
                return

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Begin a reading transaction: all that is read in it is of one moment, and nothing is written at its end."""
        sqlite = self.engine.dialect.name == "sqlite"
        options = {"sqlite_begin": "DEFERRED"} if sqlite else {"isolation_level": "REPEATABLE READ"}
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options=options)
            yield session


def open_engine(database_url: str, *, may_create: bool = True) -> Engine:
    """
    Open the database.  Raises `Misconfigured` for an invalid URL and, unless *may_create*, for a missing SQLite file.

    On PostgreSQL statements end after 5 s, waits for a lock after 2 s, attempts to connect after 5 s.
    SQLite is prepared by the trail: its pragmas on each connection, and BEGIN IMMEDIATE for writers, so that they
    queue instead of failing when they commit.  Only its owner may read the file.
    """
    url = parse_url(database_url)
    if url.get_backend_name() == "postgresql":
        driver = url.set(drivername="postgresql+psycopg")
        engine = create_engine(
            driver, pool_pre_ping=True, pool_timeout=_CONNECT["connect_timeout"], connect_args=_CONNECT
        )
        event.listen(engine, "connect", _set_limits)
        return engine
    if url.get_backend_name() != "sqlite":
        raise Misconfigured(
            f"LASTDAY_DATABASE_URL: {url.get_backend_name()} is not supported",
            "Use SQLite (one machine) or PostgreSQL.",
        )
    file = _file(url)
    if file is not None and not file.exists():
        if not may_create:
            raise Misconfigured(
                f"LASTDAY_DATABASE_URL: there is no file {file}",
                "Correct the path; for a new database, run `lastday migrate`.",
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        # before SQLite makes it by the umask: -wal and -shm inherit its mode
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return audit_tables.prepare(create_engine(url))


def _set_limits(connection: Any, _record: object) -> None:
    """Limit a new connection's waits by SET: a pooler in between would refuse the same limits as start-up options."""
    for name, milliseconds in _LIMITS.items():
        connection.execute(f"SET {name} = {milliseconds}")
    connection.commit()


def parse_url(database_url: str) -> URL:
    """Return the parsed URL; raises `Misconfigured` without quoting any part of it: the part may be the password."""
    try:
        return make_url(database_url)
    except (ArgumentError, ValueError):
        raise Misconfigured(
            "LASTDAY_DATABASE_URL: cannot be parsed",
            "Write sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME, a password's @ : / as %40 %3A %2F.",
        ) from None


def database_files(database_url: str) -> list[Path]:
    """Return SQLite's files, those beside the database with links followed; none for another database or an invalid URL."""
    try:
        url = parse_url(database_url)
        file = _file(url) if url.get_backend_name() == "sqlite" else None
    except Misconfigured:  # `open_engine` says what is wrong
        return []
    return [] if file is None else [file, *(Path(os.path.realpath(file) + ending) for ending in ("-wal", "-shm"))]


def _file(url: URL) -> Path | None:
    """Return the file of an SQLite database, None for one in memory.  Raises `Misconfigured` for a SQLite `file:` URI."""
    if "uri" in url.query:
        raise Misconfigured("LASTDAY_DATABASE_URL: SQLite's file: URIs are not supported", "Write sqlite:///PATH.")
    return Path(url.database) if url.database and url.database != ":memory:" else None


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
