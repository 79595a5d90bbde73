"""
An index of documents by signer: CloudSign lists documents by page and time, and has no search.

A SQLite file, readable only by its owner.  Each call brings it up to date: first all years since the vendor's start, a
limited number of pages a call, then the documents processed since.  Until it is complete, calls raise: part of a register
proves nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import Unreachable
from connectors.kit.exchange import Trace
from connectors.matching import fold_all
from connectors.names import spellings
from connectors.nda.cloudsign.answers import TEMPLATE, WHO, mark, recipients
from connectors.nda.cloudsign.settings import Settings
from connectors.nda.cloudsign.transport import Request, Transport
from connectors.nda.matching import search_keys

FIRST_YEAR = 2015  # クラウドサイン opened in October of that year
_OPENED = f"{FIRST_YEAR}-01-01T00:00:00+00:00"
_OVERLAP = timedelta(minutes=10)  # clocks differ, and a list may show a document late
_OPEN_END = timedelta(days=1)
_TRIES = 3
_FIND = """
SELECT body FROM documents WHERE id IN (SELECT id FROM keys WHERE key IN (SELECT value FROM json_each(?))) ORDER BY id
"""
_SCHEMA = """
PRAGMA cache_size = -65536;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (id TEXT PRIMARY KEY, body TEXT, reading TEXT);
CREATE TABLE IF NOT EXISTS keys (key TEXT, id TEXT, PRIMARY KEY (key, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_by_id ON keys (id);
CREATE INDEX IF NOT EXISTS documents_by_reading ON documents (reading);
"""


class Index:
    """The documents of one client id.  The register makes one call at a time."""

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._transport = transport
        self._file = settings.index_file
        self._pages = settings.pages_per_look
        self.path = "/team_documents" if settings.whole_team else "/documents"
        owner = f"{settings.endpoint}|{settings.client_id.get_secret_value()}|{self.path}"
        self._owner = hashlib.sha256(owner.encode()).hexdigest()

    async def refresh(self, trace: Trace) -> None:
        """Read what was processed since the last call.  Raises `Unreachable` until the first reading is complete."""
        budget, now = iter(range(self._pages)), datetime.now(UTC)
        with self._open() as held:
            while (start := datetime.fromisoformat(_told(held, "done") or _OPENED)) < now - _OPEN_END:
                until = min(_next_mark(start, now), now)
                await self._read(held, start - _OVERLAP, until, budget, trace)
                _say(held, "done", until.isoformat())
            await self._read(held, start - _OVERLAP, None, budget, trace)  # up to the vendor's now
            _say(held, "done", now.isoformat())

    def find(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        """Return the documents that have one of *keys*, as they were when last read."""
        with self._open() as held:
            bodies = held.execute(_FIND, (json.dumps([*keys]),)).fetchall()
        return [json.loads(body) for (body,) in bodies]

    async def _read(
        self, held: sqlite3.Connection, start: datetime, until: datetime | None, budget: Iterator[int], trace: Trace
    ) -> None:
        """
        Read all documents of a time range.  Pages shift while documents are processed, so a reading counts only if it saw as
        many different documents as the vendor counts, and that count did not change.
        """
        query = {"from": start.isoformat()} if start.year >= FIRST_YEAR else {}
        query |= {"to": until.isoformat()} if until is not None else {}
        for _ in range(_TRIES):
            if await self._pass(held, query, budget, trace):
                return
        raise Unreachable(f"{WHO}: cannot list documents: they changed while being read", code="shifted")

    async def _pass(
        self, held: sqlite3.Connection, query: Mapping[str, str], budget: Iterator[int], trace: Trace
    ) -> bool:
        reading = "|".join((self.path, *query.values())) if "to" in query else f"since|{datetime.now(UTC).isoformat()}"
        begun: dict[str, Any] = json.loads(_told(held, "page") or "{}")
        page, total = (begun["page"], begun["total"]) if begun.get("reading") == reading else (1, None)
        if page == 1:
            held.execute("UPDATE documents SET reading = NULL WHERE reading = ?", (reading,))
        while True:
            if next(budget, None) is None:
                raise _unfinished(held)
            documents, now_total = await self._page({**query, "page": page}, trace)
            total = now_total if total is None else total
            _keep(held, documents, reading)
            seen = held.execute("SELECT count(*) FROM documents WHERE reading = ?", (reading,)).fetchone()[0]
            page += 1
            over = not documents or seen >= now_total or now_total != total
            _say(held, "page", json.dumps({} if over else {"reading": reading, "page": page, "total": total}))
            if over:
                return bool(now_total == total and seen >= total)

    async def _page(self, query: Mapping[str, str | int], trace: Trace) -> tuple[list[dict[str, Any]], int]:
        more = {"with_files": "y", "with_participants": "y"}
        request = Request("list documents", "GET", self.path, query={**query, **more})
        match await self._transport.read(request, trace):
            case {"documents": list(documents), "total": int(total)}:
                return documents, total
            case {"documents": None, "total": 0}:  # Go's JSON of an empty list
                return [], 0
        raise request.exchange().unintelligible("no list and no count of it", trace)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch(mode=0o600)
            with contextlib.closing(sqlite3.connect(self._file, isolation_level=None, timeout=10)) as held:
                held.executescript(_SCHEMA)
                if _told(held, "owner") != self._owner:  # the index is of another endpoint, client or list
                    held.executescript("DELETE FROM about; DELETE FROM documents; DELETE FROM keys;")
                    _say(held, "owner", self._owner)
                yield held
        except (OSError, sqlite3.Error) as exc:
            name, code = self._file.name, type(exc).__name__
            remedy = f"Let lastday write LASTDAY_CLOUDSIGN_INDEX_FILE ({name}), or remove it: it is read anew."
            raise Unreachable(f"{WHO}: cannot keep its index: {code}", code=code, remedy=remedy) from exc


def keys_of(document: Mapping[str, Any]) -> set[str]:
    """Return a document's keys: each recipient's address and spellings of the name, and our own mark."""
    own, signers = mark(document), recipients(document)
    names = [who.get("name") or "" for who in signers]
    if not names and own is None:
        names.append(document.get("note") or "")
    forms = (form for name in names for form in spellings(name))
    keys = search_keys(forms, fold_all(who.get("email") or "" for who in signers))
    return keys | {f"mark:{own}"} if own is not None else keys


def _keep(held: sqlite3.Connection, documents: Iterable[Mapping[str, Any]], reading: str) -> None:
    page = {document["id"]: document for document in documents}
    bodies = [(known, json.dumps(document, ensure_ascii=False), reading) for known, document in page.items()]
    found = {known: keys_of(document) for known, document in page.items() if document.get("status") != TEMPLATE}
    held.execute("BEGIN")
    held.executemany("DELETE FROM keys WHERE id = ?", [(known,) for known in page])
    held.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", bodies)
    held.executemany("INSERT INTO keys VALUES (?, ?)", [(key, known) for known, keys in found.items() for key in keys])
    held.execute("COMMIT")


def _next_mark(start: datetime, now: datetime) -> datetime:
    """Return the end of the next range: past years are read by the year, the present one by the month, as it changes more."""
    if start.year < now.year:
        return datetime(start.year + 1, 1, 1, tzinfo=UTC)
    return datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC)


def _told(held: sqlite3.Connection, key: str) -> str | None:
    row = held.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
    return row[0] if row is not None else None


def _say(held: sqlite3.Connection, key: str, value: str) -> None:
    held.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value))


def _unfinished(held: sqlite3.Connection) -> Unreachable:
    known = held.execute("SELECT count(*) FROM documents").fetchone()[0]
    remedy = "Nothing to do by hand: each call reads on, and searches once the whole register has been read."
    message = f"{WHO}: cannot search yet: the first reading is under way, {known} documents so far"
    return Unreachable(message, code="index_incomplete", remedy=remedy)
