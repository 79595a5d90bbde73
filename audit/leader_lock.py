"""The leader lock: of all processes that share a database, one runs the anchor job.  A leader that dies frees it at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

KEY = 0x6C61_7374_6461_7932
"""The number of PostgreSQL's advisory lock: the bytes of "lastday2"."""

_TRY = text("SELECT pg_try_advisory_lock(:key)").bindparams(key=KEY)
_GIVE = text("SELECT pg_advisory_unlock(:key)").bindparams(key=KEY)


@contextmanager
def leadership(engine: Engine, folder: Path) -> Iterator[bool]:
    """Yield whether this process leads.  The lock is PostgreSQL's, or, since SQLite serves one machine, a file in *folder*."""
    with _by_database(engine) if engine.dialect.name == "postgresql" else _by_file(folder) as leads:
        yield leads


@contextmanager
def _by_database(engine: Engine) -> Iterator[bool]:
    """Hold the lock in a session without a transaction, because a slow authority may keep the job busy for long."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        leads = bool(session.execute(_TRY).scalar_one())
        try:
            yield leads
        finally:
            if leads:
                session.execute(_GIVE)


@contextmanager
def _by_file(folder: Path) -> Iterator[bool]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".leader").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
