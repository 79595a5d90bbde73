"""Read the log: entries as a stream, the tree's stored hashes, the intents without an outcome."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, CursorResult, Select, bindparam, func, select

from audit import leaf as leaves
from audit import merkle
from audit.events import EventType
from audit.tables import audit_entry, audit_payload

BATCH = 500
_COLUMNS = (
    audit_entry.c.idx,
    audit_entry.c.case_ref,
    audit_entry.c.case_seq,
    audit_entry.c.leaf,
    audit_entry.c.dedup_key,
)
_NODES = select(audit_entry.c.nodes).where(audit_entry.c.idx == bindparam("row"))
_SIZE = select(func.coalesce(func.max(audit_entry.c.idx) + 1, 0))
_FIRST = select(audit_entry.c.leaf).where(audit_entry.c.idx == 0)
BY_KEY = select(*_COLUMNS).where(audit_entry.c.dedup_key.in_(bindparam("keys", expanding=True)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log.  *leaf* is the evidence; the other fields are its position."""

    idx: int
    case: str
    seq: int
    leaf: bytes
    dedup_key: str | None = None

    @property
    def record(self) -> dict[str, Any]:
        """The leaf's fields.  Raises `LeafError` if the bytes are not a leaf."""
        return leaves.read(self.leaf)


@dataclass(frozen=True, slots=True)
class Intent:
    """A write at a vendor without a recorded outcome: it may have happened.  Read the vendor's state."""

    idx: int
    case: str
    op: str
    at: str


def size(connection: Connection) -> int:
    return int(connection.execute(_SIZE).scalar_one())


def origin(connection: Connection) -> str | None:
    """Return the log's name from its first leaf, None while the log is empty."""
    first = connection.execute(_FIRST).scalar_one_or_none()
    return None if first is None else str(leaves.read(bytes(first))["log"])


def find(connection: Connection, dedup_key: str) -> Entry | None:
    """Return the entry that was appended under this key."""
    row = connection.execute(BY_KEY, {"keys": [dedup_key]}).one_or_none()
    return None if row is None else entry_of(row)


def entry_of(row: Any) -> Entry:
    return Entry(row.idx, row.case_ref, row.case_seq, bytes(row.leaf), row.dedup_key)


def entries(connection: Connection, case: str | None = None, start: int = 0, end: int | None = None) -> Iterator[Entry]:
    """Stream the entries of the log, or of one *case*, in order: *start* <= idx < *end*.  Holds one batch in memory."""
    query = select(*_COLUMNS).where(audit_entry.c.idx >= start).order_by(audit_entry.c.idx)
    if end is not None:
        query = query.where(audit_entry.c.idx < end)
    if case is not None:
        query = query.where(audit_entry.c.case_ref == case)
    with stream(connection, query) as rows:
        for row in rows:
            yield entry_of(row)


def payloads(connection: Connection, case: str) -> dict[int, Mapping[str, Any]]:
    """Return the case's payloads by the index of their event, without those that were erased."""
    query = (
        select(audit_payload.c.idx, audit_payload.c.payload)
        .join(audit_entry, audit_entry.c.idx == audit_payload.c.idx)
        .where(audit_entry.c.case_ref == case, audit_payload.c.payload.is_not(None))
    )
    found = {idx: json.loads(bytes(payload)) for idx, payload in connection.execute(query)}
    return {idx: payload for idx, payload in found.items() if isinstance(payload, dict)}


def not_committed(connection: Connection, case: str) -> Iterator[int]:
    """Yield the number of each event of the case whose payload differs from its commitment, or is missing without an erasure."""
    query = select(audit_payload.c.idx, audit_payload.c.salt, audit_payload.c.payload)
    query = query.join(audit_entry, audit_entry.c.idx == audit_payload.c.idx).where(audit_entry.c.case_ref == case)
    kept = {row.idx: (row.salt, row.payload) for row in connection.execute(query)}
    told = [(entry.idx, entry.seq, entry.record) for entry in entries(connection, case)]
    erased = {idx for *_, said in told if said["type"] == EventType.PAYLOAD_ERASED for idx in said["idx"]}
    for idx, seq, said in told:
        commit, (salt, payload) = said.get("payload_commit"), kept.get(idx, (None, None))
        if commit is None or (idx in erased and payload is None):
            continue
        if salt is None or payload is None or hashlib.sha256(bytes(salt) + bytes(payload)).hexdigest() != commit:
            yield seq


def stream(connection: Connection, query: Select[Any]) -> CursorResult[Any]:
    """Execute *query* and hold one batch of rows at a time.  Close the result: it may be a cursor in the server."""
    return connection.execute(query, execution_options={"yield_per": BATCH})


def node_reader(connection: Connection, known: Mapping[int, bytes] = MappingProxyType({})) -> merkle.Read:
    """
    Return a reader of stored subtree hashes; *known* are those of rows that this transaction has read.  Raises `LookupError` for a row
    that is missing or too short.
    """

    def read(level: int, index: int) -> bytes:
        row = merkle.row_of(level, index)
        nodes = known.get(row) or connection.execute(_NODES, {"row": row}).scalar_one_or_none()
        found = b"" if nodes is None else bytes(nodes)[merkle.SIZE * level : merkle.SIZE * (level + 1)]
        if len(found) != merkle.SIZE:
            raise LookupError(f"trail: row {row} has no hash of level {level}")
        return found

    return read


def open_intents(connection: Connection, case: str | None = None) -> list[Intent]:
    """
    Return the intents without an outcome, oldest first: their process died, or is still at work.

    Reads the case, or the whole log, once; holds only the open intents in memory.
    """
    waiting: dict[str, Intent] = {}
    for entry in entries(connection, case):
        if b'"type":"revoke.intent"' in entry.leaf:
            said = entry.record
            waiting.setdefault(said["op"], Intent(entry.idx, entry.case, said["op"], said["time"]))
        elif b'"type":"revoke.outcome"' in entry.leaf:
            waiting.pop(entry.record["op"], None)
    return list(waiting.values())
