"""
The format of an activity file: one header line, then one line for each record as the vendor gave it.

Each page is its own Zstandard frame: `zstd -dc` reads them as one file, and a file can be cut after any page.

Which records a log's files already hold is kept on the disk beside them: memory does not grow with the number of
events; `doings_of` has the one exception.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import orjson
import zstandard

from casework.activity.logs import Names, is_theirs, may_be_theirs, recorded, understood
from casework.evidence.chunks import content_of
from casework.evidence.store import EvidenceStore
from connectors.activity import Activity, ActivityLog, ActivityRecord
from models.tables import Collection
from models.vocabulary import Json, as_fields

_LEVEL = 3
"""Zstandard level: 6 saves a tenth of the bytes and takes three times as long."""
_MEMORY = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS seen (id BLOB PRIMARY KEY, round INTEGER NOT NULL, page INTEGER NOT NULL) WITHOUT ROWID;
"""
_REMEMBER = "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)"


def page_frame(records: Sequence[ActivityRecord]) -> bytes:
    """Return a page as one compressed frame with a checksum."""
    return _compress(b"".join(_line(record.raw) for record in records))


def header_frame(collection: Collection) -> bytes:
    """
    Return the file's first line, compressed.  Its nonce keeps the digest of a short file from being guessed.

    The result is not known yet: the statement, bound beside the file, has it.
    """
    header: dict[str, Json] = {
        "lastday": "activity/1",
        "nonce": secrets.token_hex(32),
        **as_fields(collection.connection),
        "source": collection.source,
        "query": {
            "account": collection.account_id,
            "from": collection.from_at.isoformat(),
            "until": collection.until_at.isoformat(),
        },
        "round": collection.round,
        "begun_at": collection.begun_at.isoformat(),
        "tool": f"lastday {version('lastday')}",
    }
    return _compress(_line(header))


@dataclass(frozen=True, slots=True)
class RecordActivities:
    """
    The activities of one record: the person's *own*, those of *others*, and *doubtful* ones: under a name that is not known to have been the
    account's then.

    *odd_at*: the record cannot be understood, and happened at this time at the latest.  *again*: the record was read before.
    """

    own: Sequence[Activity] = ()
    others: Sequence[Activity] = ()
    doubtful: Sequence[Activity] = ()
    odd_at: datetime | None = None
    again: bool = False


def doings_of(
    evidence: EvidenceStore,
    row: Collection,
    log: ActivityLog,
    names: Names,
    *,
    of_others: bool = False,
    seen: set[int] | None = None,
) -> Iterator[RecordActivities]:
    """
    Yield the activities of each record of a pass's file, split into those done under *names*, others', and doubtful ones.

    *of_others*: the log also records what others did to the account, including applications and the vendor, whom it may not name; in any other
    log, what is done under another name is doubtful.
    *seen*: digests of the record ids so far, for a log whose index of seen records was lost, so that its files may hold a record twice; grows
    with the number of records.
    """
    with evidence.open(row.case_id, row.file) as compressed:
        lines = io.BufferedReader(content_of(compressed), 1 << 20)
        next(lines, None)  # the header
        for line in lines:
            try:
                raw = orjson.loads(line)
            except orjson.JSONDecodeError:  # half a surrogate pair
                raw = json.loads(line)
            if seen is not None and _is_known(log, row.source, raw, seen):
                yield RecordActivities(again=True)
            elif (done := understood(log, row.source, raw)) is None:
                record = recorded(log, row.source, raw)
                yield RecordActivities(odd_at=record.at if record is not None else row.until_at)
            else:
                yield _apart(done, names, of_others=of_others)


def _is_known(log: ActivityLog, source: str, raw: Mapping[str, Json], seen: set[int]) -> bool:
    if (record := recorded(log, source, raw)) is None:
        return False
    its, before = int.from_bytes(_digest(record, 8)), len(seen)
    seen.add(its)
    return len(seen) == before


def _digest(record: ActivityRecord, size: int) -> bytes:
    return hashlib.blake2b(record.id.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def _apart(done: Sequence[Activity], names: Names, *, of_others: bool) -> RecordActivities:
    own = [one for one in done if (one.actor_id is None and not of_others) or is_theirs(names, one)]
    rest = [one for one in done if one not in own] if len(own) < len(done) else []
    doubtful = [one for one in rest if may_be_theirs(names, one)] if of_others else rest
    return RecordActivities(own, [one for one in rest if one not in doubtful] if of_others else (), doubtful)


class SeenRecords:
    """
    The records already seen of one account and one source, over all passes: digests of the vendor's record ids, nothing else.

    A record is added with its page *before* the page is committed; records of a page that a crash kept from being committed
    are removed when the reading continues.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        # one thread at a time works with it, not always the same
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(_MEMORY)

    def close(self) -> None:
        self._database.close()

    def forget_after(self, round_: int, page: int) -> int:
        """Remove what was seen after *page* of pass *round_*; return how many records are left."""
        self._database.execute("DELETE FROM seen WHERE round > ? OR (round = ? AND page > ?)", (round_, round_, page))
        return int(self._database.execute("SELECT count(*) FROM seen").fetchone()[0])

    def new_among(self, records: Sequence[ActivityRecord], round_: int, page: int) -> list[ActivityRecord]:
        """Return the records that were not seen before, each once, in order; they now count as seen."""
        ids = (_digest(one, 16) for one in records)
        self._database.execute("BEGIN")
        rows = [self._database.execute(_REMEMBER, (id_, round_, page)).rowcount for id_ in ids]
        self._database.execute("COMMIT")
        return [record for record, added in zip(records, rows, strict=True) if added == 1]


def _compress(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(content)


def _line(raw: Mapping[str, Json]) -> bytes:
    try:
        return orjson.dumps(raw, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a number beyond 64 bits, half a surrogate pair: the slower encoder keeps them as they came
        return json.dumps(raw, separators=(",", ":")).encode("ascii") + b"\n"
