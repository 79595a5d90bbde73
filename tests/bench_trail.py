"""How fast the trail grows and is read: `python -m tests.bench_trail`.  Figures for this machine, for comparing."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url

from audit import tables
from audit.trail import EventDraft, Trail
from tests.audit.conftest import postgres_server
from tests.audit.samples import ORIGIN, seen

SINGLE, BATCHES, BATCH, WRITERS = 400, 20, 100, 8


def bench() -> list[tuple[str, str]]:
    """Return (what, figure) pairs: appends, checks and proofs on SQLite and PostgreSQL."""
    figures: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="b") as folder:
        figures += _measure("SQLite", f"sqlite:///{folder}/trail.db")
        with postgres_server(Path(folder)) as uri:
            url = make_url(uri).set(drivername="postgresql+psycopg")
            figures += _measure("PostgreSQL", url.render_as_string(hide_password=False))
    return figures


def _measure(name: str, url: str) -> list[tuple[str, str]]:
    with _engine(url) as engine:
        return [
            (f"trail, {name}: append, one writer", _rate(SINGLE, lambda: _singles(engine, SINGLE))),
            (f"trail, {name}: append, {WRITERS} writers", _rate(SINGLE, lambda: _writers(engine))),
            (f"trail, {name}: append, {BATCH} a transaction", _rate(BATCHES * BATCH, lambda: _batches(engine))),
            (f"trail, {name}: check of everything", _check(engine)),
            (f"trail, {name}: inclusion proof", _proof(engine)),
        ]


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = tables.prepare(create_engine(url))
    with engine.begin() as connection:
        tables.create(connection)
    yield engine
    engine.dispose()


def _rate(count: int, work: Callable[[], object]) -> str:
    began = time.perf_counter()
    work()
    return f"{count / (time.perf_counter() - began):,.0f} /s"


def _singles(engine: Engine, count: int) -> None:
    trail = Trail(ORIGIN)
    for n in range(count):
        with engine.begin() as connection:
            trail.append(connection, seen(n, case=f"case-{n % 7}"), {"n": n})


def _writers(engine: Engine) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda _: _singles(engine, SINGLE // WRITERS), range(WRITERS)))


def _batches(engine: Engine) -> None:
    trail = Trail(ORIGIN)
    for _ in range(BATCHES):
        with engine.begin() as connection:
            trail.append_many(connection, [EventDraft(seen(n, case=f"case-{n % 7}"), {"n": n}) for n in range(BATCH)])


def _check(engine: Engine) -> str:
    trail = Trail(ORIGIN)
    with engine.begin() as connection:
        began = time.perf_counter()
        report = trail.check(connection)
        took = time.perf_counter() - began
    if not report.sound:
        raise RuntimeError(str(report.broken))
    return f"{report.size / took:,.0f} entries/s"


def _proof(engine: Engine) -> str:
    trail = Trail(ORIGIN)
    with engine.begin() as connection:
        size = trail.size(connection)
        began = time.perf_counter()
        hashes = len(trail.inclusion(connection, size // 3, size))
        took = time.perf_counter() - began
    return f"{took * 1000:.1f} ms, {hashes} hashes of {size:,} entries"


if __name__ == "__main__":
    for what, figure in bench():
        sys.stdout.write(f"{what:<48} {figure}\n")
