"""
Which records a file holds already, on the disk: memory does not grow with the number of events.

A record is remembered with its page *before* the page is committed; what a crash left behind of a page that was not, is
forgotten when the reading goes on.  Holds digests of the vendors' record ids, nothing else.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from connectors.activity import Record

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (id BLOB PRIMARY KEY, round INTEGER NOT NULL, page INTEGER NOT NULL) WITHOUT ROWID
"""


class Seen:
    """The ids of one account's records from one source, over all its passes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        # one thread at a time works with it, not always the same
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", _SCHEMA):
            self._database.execute(statement).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def forget_after(self, round_: int, page: int) -> None:
        """Forget what was seen later than *page* of *round_*."""
        self._database.execute("DELETE FROM seen WHERE round > ? OR (round = ? AND page > ?)", (round_, round_, page))

    def count(self, round_: int) -> int:
        """Return how many records of passes up to *round_* are known."""
        return int(self._database.execute("SELECT count(*) FROM seen WHERE round <= ?", (round_,)).fetchone()[0])

    def new_among(self, records: Sequence[Record], round_: int, page: int) -> list[Record]:
        """Return the records that were not seen before, each once, in their order; they count as seen from now on."""
        self._database.execute("BEGIN")
        fresh = [record for record in records if self._is_new(record, round_, page)]
        self._database.execute("COMMIT")
        return fresh

    def _is_new(self, record: Record, round_: int, page: int) -> bool:
        """Remember *record*; whether it was not known yet."""
        row = (_key(record), round_, page)
        return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", row).rowcount == 1


def _key(record: Record) -> bytes:
    return hashlib.blake2b(record.id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
