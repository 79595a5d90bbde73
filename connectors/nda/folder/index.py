"""
An index of the manifest, so that a search costs the same for ten papers and a hundred thousand.

A SQLite file (`.lastday-index.db`, readable only by its owner) beside the manifest, or in a folder of this process if that one
is not writable.  It has only the manifest's data, and is built again when the manifest's digest changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from connectors.errors import Unreachable
from connectors.matching import fold_all
from connectors.names import spellings
from connectors.nda.folder.manifest import Row, find_manifest, id_of, paper_of, read_rows
from connectors.nda.folder.papers import replacing
from connectors.nda.matching import may_bind_everybody, search_keys

NAME = ".lastday-index.db"
EVERYBODY = "everybody"
_VERSION = "2"
_SIGNER = frozenset({"signer_name", "signer_email", "signer_employee_no"})
_COARSE_NS = 2_000_000_000  # file systems' times are coarse: a manifest younger than this may change with the same time
_FIND = """
SELECT row FROM papers WHERE n IN (SELECT n FROM keys WHERE key IN (SELECT value FROM json_each(?))) ORDER BY n
"""
_SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE papers (n INTEGER PRIMARY KEY, row TEXT);
CREATE TABLE keys (key TEXT, n INTEGER, PRIMARY KEY (key, n)) WITHOUT ROWID;
"""


class Index:
    """The index of a folder's manifest.  Not thread-safe: the register calls it from one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / NAME
        self._own: Path | None = None

    def find(self, keys: Iterable[str]) -> tuple[str, list[Row]]:
        """Return the manifest's digest and the lines that have one of *keys*; builds the index first if needed."""
        wanted = json.dumps([*keys])
        try:
            return self._find(wanted)
        except sqlite3.DatabaseError:  # damaged after its first page: build it again, once
            self._path.unlink(missing_ok=True)
            return self._find(wanted)

    def _find(self, wanted: str) -> tuple[str, list[Row]]:
        digest = self._fresh()
        with self._open() as held:
            rows = held.execute(_FIND, (wanted,)).fetchall()
        return digest, [json.loads(row) for (row,) in rows]

    def close(self) -> None:
        """Remove this process's own index."""
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)

    def _fresh(self) -> str:
        """Return the manifest's digest; builds the index if it is of another one."""
        manifest = find_manifest(self._folder)
        stamp, known = _stamp(manifest), self._about()
        if known.get("stamp") == stamp and int(known["built_ns"]) - int(stamp.split()[0]) > _COARSE_NS:
            return known["digest"]
        content = manifest.read_bytes()
        if _stamp(manifest) != stamp:
            remedy = "Write the manifest beside it, and rename it when it is whole."
            raise Unreachable("folder: cannot read the manifest: it is being written", code="in_motion", remedy=remedy)
        digest = hashlib.sha256(content).hexdigest()
        if known.get("digest") != digest:
            self._build(manifest, content, {"digest": digest, "stamp": stamp})
        return digest

    def _about(self) -> dict[str, str]:
        try:
            with self._open() as held:
                about = dict(held.execute("SELECT key, value FROM about").fetchall())
        except sqlite3.Error:  # missing, or not one of ours: build it
            return {}
        return about if about.get("version") == _VERSION else {}

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # immutable: the file is only ever replaced as a whole, so it needs no lock
        held = sqlite3.connect(f"file:{quote(str(self._path))}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        try:
            yield held
        finally:
            held.close()

    def _build(self, manifest: Path, content: bytes, about: dict[str, str]) -> None:
        rows = list(read_rows(manifest.name, content))
        try:
            self._write(rows, about)
        except OSError:
            if self._own is not None:
                raise
            self._own = Path(tempfile.mkdtemp(prefix="lastday-nda-"))
            self._path = self._own / NAME
            self._write(rows, about)

    def _write(self, rows: list[Row], about: dict[str, str]) -> None:
        with replacing(self._path) as draft, contextlib.closing(sqlite3.connect(draft)) as held, held:
            held.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_SCHEMA}")
            lines = ((n, json.dumps(row, ensure_ascii=False)) for n, row in enumerate(rows))
            held.executemany("INSERT INTO papers VALUES (?, ?)", lines)
            pairs = ((key, n) for n, row in enumerate(rows) for key in keys_of(row))
            held.executemany("INSERT INTO keys VALUES (?, ?)", pairs)
            more = {"version": _VERSION, "built_ns": str(time.time_ns())}
            held.executemany("INSERT INTO about VALUES (?, ?)", (about | more).items())


def keys_of(row: Row) -> set[str]:
    """Return a line's keys: the paper's id, and its signer's, or that it may bind everybody."""
    own = f"id:{id_of(row)}"
    if not row.keys() & _SIGNER and may_bind_everybody(paper_of(row)):
        return {own, EVERYBODY}
    names, addresses = spellings(row.get("signer_name", "")), fold_all([row.get("signer_email", "")])
    return {own} | search_keys(names, addresses, row.get("signer_employee_no", ""))


def _stamp(manifest: Path) -> str:
    seen = manifest.stat()
    return f"{seen.st_mtime_ns} {seen.st_size} {seen.st_ino}"
