"""Several writers, and writers that are killed: no gap, no fork, nothing committed is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from audit.trail import Trail
from tests.audit.conftest import opened
from tests.audit.samples import ORIGIN, seen

ROOT = Path(__file__).parent.parent.parent


def write(url: str, tag: str, count: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.audit.writer", url, tag, count]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


class TestThreads:
    def test_many(self, engine: Engine) -> None:
        """Eight threads, each rolling back every fifth append: the rest stands without a gap."""
        trail = Trail(ORIGIN)

        def append(n: int) -> None:
            with engine.connect() as connection:
                transaction = connection.begin()
                trail.append(connection, seen(n, case=f"case-{n % 4}"), {"n": n}, dedup_key=str(n))
                if n % 5 == 0:
                    transaction.rollback()
                else:
                    transaction.commit()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(append, range(200)))
        with engine.begin() as connection:
            report = trail.check(connection)
            told = {entry.record["count"] for entry in trail.entries(connection)}
        assert (str(report.broken), report.size) == ("None", 160)
        assert told == {n for n in range(200) if n % 5}

    def test_same_key(self, engine: Engine) -> None:
        """Eight retries of one event at once are one entry."""
        trail = Trail(ORIGIN)

        def append(_: int) -> int:
            with engine.begin() as connection:
                return trail.append(connection, seen(), {"n": 1}, dedup_key="once").idx

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(append, range(24))) == {0}
        with engine.begin() as connection:
            assert trail.size(connection) == 1


class TestStaleReader:
    def test_sqlite(self, sqlite: Engine) -> None:
        """A transaction that looked before another's append may not append: it is told to begin again."""
        trail = Trail(ORIGIN)
        late = sqlite.execution_options(sqlite_begin="DEFERRED")
        with late.connect() as stale, stale.begin():
            assert trail.size(stale) == 0
            with sqlite.begin() as fresh:
                trail.append(fresh, seen())
            with pytest.raises(OperationalError, match="locked"):
                trail.append(stale, seen())

    def test_sqlite_late_lock(self, sqlite: Engine) -> None:
        """A transaction that did not begin IMMEDIATE holds the lock from its append on."""
        trail = Trail(ORIGIN)
        late = sqlite.execution_options(sqlite_begin="DEFERRED")
        with late.begin() as first, sqlite.connect() as second:
            trail.append(first, seen())
            second.connection.execute("PRAGMA busy_timeout = 0")
            with pytest.raises(OperationalError, match="locked"):
                second.begin()

    def test_postgresql(self, postgres_url: str) -> None:
        """A snapshot from before another's append cannot fork the log: the database refuses the second row."""
        trail = Trail(ORIGIN)
        for engine in opened(postgres_url):
            early = engine.execution_options(isolation_level="REPEATABLE READ")
            with early.connect() as stale, stale.begin():
                assert stale.execute(text("SELECT count(*) FROM audit_entry")).scalar_one() == 0
                with engine.begin() as fresh:
                    trail.append(fresh, seen())
                with pytest.raises(DBAPIError):
                    trail.append(stale, seen())
            with engine.begin() as connection:
                assert trail.check(connection).size == 1


class TestProcesses:
    def test_two(self, url: str, engine: Engine) -> None:
        """Two processes at once give one log with everything of both."""
        writers = [write(url, tag, "60") for tag in ("a", "b")]
        committed = [key for writer in writers for key in writer.communicate(timeout=60)[0].split()]
        assert [writer.returncode for writer in writers] == [0, 0]
        assert_whole(engine, committed, 120)

    def test_killed(self, url: str, engine: Engine) -> None:
        """Two writers killed in the middle, twice: what they had committed is there, and the next one goes on."""
        for n in range(2):
            kill_two(url, engine, n)

    @pytest.mark.chaos
    @pytest.mark.timeout(600)
    def test_killed_often(self, url: str, engine: Engine) -> None:
        """The same, ten times on one log."""
        for n in range(10):
            kill_two(url, engine, n)


def kill_two(url: str, engine: Engine, n: int) -> None:
    writers = [write(url, f"{tag}{n}") for tag in ("a", "b")]
    heads = []
    for writer in writers:
        assert writer.stdout is not None
        heads.append(writer.stdout.readline())
    time.sleep(0.02 * (n % 7))
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
    # by the same reader as the first line: `communicate` would pass over what that one has read ahead
    rest = [writer.stdout.read() for writer in writers if writer.stdout is not None]
    for writer in writers:
        writer.communicate(timeout=30)
    committed = [
        line.strip() for out in (*heads, *rest) for line in out.splitlines(keepends=True) if line.endswith("\n")
    ]
    assert committed
    assert_whole(engine, committed)
    with engine.begin() as connection:
        Trail(ORIGIN).append(connection, seen(case=f"after-{n}"))


def assert_whole(engine: Engine, committed: list[str], size: int | None = None) -> None:
    """The log recomputes, and holds every key that a writer had seen committed."""
    trail = Trail(ORIGIN)
    with engine.begin() as connection:
        report = trail.check(connection)
        keys = {entry.dedup_key for entry in trail.entries(connection)}
    assert report.broken is None
    assert set(committed) <= keys
    assert size is None or report.size == size
