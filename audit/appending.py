"""The append itself, under the writers' lock: find the log's tail, write the leaves, hash them, insert the rows."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from audit import leaf as leaves
from audit import reading
from audit.fields import Json
from audit.leaf import FIRST_PREV, SALT_SIZE, Event, LeafPosition
from audit.merkle import Frontier
from audit.reading import Entry
from audit.tables import audit_entry, audit_payload

_LAST = select(audit_entry.c.idx, audit_entry.c.leaf, audit_entry.c.nodes).order_by(audit_entry.c.idx.desc()).limit(1)
_LAST_OF_CASE = (
    select(audit_entry.c.case_seq, audit_entry.c.leaf)
    .where(audit_entry.c.case_ref == bindparam("case"))
    .order_by(audit_entry.c.case_seq.desc())
    .limit(1)
)
_PAYLOAD = select(audit_payload.c.salt, audit_payload.c.payload).where(audit_payload.c.idx == bindparam("row"))
_NEW_ENTRY = insert(audit_entry).inline()
_NEW_PAYLOAD = insert(audit_payload).inline()


CLOSED_KEY = "log.closed"
"""The deduplication key of the event that closes a log: see `audit.rollover`."""
AFTER_THE_END = (
    "anchor.", "log.key_", "log.evidence_", "trail.", "case.changed", "case.exported", "case.certified", "case.evidence_looked",
    "case.held", "case.hold_released", "case.erasure_requested", "case.approved", "payload.erased",
)  # fmt: skip
"""Prefixes of the event types that a closed log still accepts: its anchors, keys, exports, holds and erasures.  A case's work goes on in the next log."""


class TrailError(RuntimeError):
    """The log refuses the call, and a retry does not help."""


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event to append, its payload (personal data goes here), and the key by which a retry finds the entry."""

    event: Event
    payload: Json = None
    dedup_key: str | None = None


class LogTail:
    """The end of the log while one append holds it."""

    def __init__(self, connection: Connection, origin: str, now: str, entropy: Callable[[int], bytes]) -> None:
        self._connection = connection
        self._origin = origin
        self._entropy = entropy
        self._chains: dict[str, tuple[int, str]] = {}
        self._closed = False
        last = connection.execute(_LAST).one_or_none()
        self._time = now if last is None else max(now, self._time_of(bytes(last.leaf)))
        size, known = (0, {}) if last is None else (last.idx + 1, {last.idx: bytes(last.nodes)})
        self._tree = Frontier(size, reading.node_reader(connection, known))

    def _time_of(self, last: bytes) -> str:
        said = leaves.read(last)
        if said["log"] != self._origin:
            raise TrailError(f"trail: cannot append to {self._origin}: the database holds the log {said['log']}")
        if said["type"].startswith((CLOSED_KEY, *AFTER_THE_END)):  # nothing else can come last in a closed log
            self._closed = reading.find(self._connection, CLOSED_KEY) is not None
        return str(said["time"])

    def place(self, drafts: Sequence[EventDraft]) -> list[Entry]:
        """Append the drafts that are not in the log yet; return all entries in order.  Raises `TrailError` if a key has another event."""
        there = self._there({draft.dedup_key for draft in drafts if draft.dedup_key is not None})
        rows: list[dict[str, Any]] = []
        payloads: list[dict[str, Any]] = []
        placed: list[Entry] = []
        written: dict[str, EventDraft] = {}
        for draft in drafts:
            entry = there.get(draft.dedup_key) if draft.dedup_key is not None else None
            if entry is None:
                entry = self._write(draft, rows, payloads)
            elif draft.dedup_key in written:
                _refuse_other(written[draft.dedup_key] == draft, entry)
            else:
                _refuse_other(self._tells_the_same(entry, draft), entry)
            if draft.dedup_key is not None and draft.dedup_key not in there:
                there[draft.dedup_key], written[draft.dedup_key] = entry, draft
            placed.append(entry)
        self._insert(rows, payloads)
        return placed

    def _there(self, keys: Iterable[str]) -> dict[str, Entry]:
        wanted = sorted(keys)
        found: dict[str, Entry] = {}
        for start in range(0, len(wanted), reading.BATCH):
            chosen = {"keys": wanted[start : start + reading.BATCH]}
            for row in self._connection.execute(reading.BY_KEY, chosen):
                found[row.dedup_key] = reading.entry_of(row)
        return found

    def _write(self, draft: EventDraft, rows: list[dict[str, Any]], payloads: list[dict[str, Any]]) -> Entry:
        """Make the leaf and its hashes, and add them to *rows* and *payloads* for the insert."""
        event, idx = draft.event, self._tree.size
        if self._closed and not event.type.startswith(AFTER_THE_END):
            raise TrailError("trail: cannot append: the log is closed, its successor takes what follows")
        seq, prev = self._chain(event.case)
        commit = None
        if draft.payload is not None:
            salt, payload = self._entropy(SALT_SIZE), leaves.canonical(draft.payload)
            commit = leaves.commitment(salt, payload)
            payloads.append({"idx": idx, "salt": salt, "payload": payload})
        leaf = leaves.write(event, LeafPosition(self._origin, seq, prev, self._time), commit)
        nodes = b"".join(self._tree.add(leaf))
        self._chains[event.case] = seq + 1, hashlib.sha256(leaf).hexdigest()
        rows.append(
            {
                "idx": idx,
                "case_ref": event.case,
                "case_seq": seq,
                "leaf": leaf,
                "nodes": nodes,
                "dedup_key": draft.dedup_key,
            }
        )
        return Entry(idx, event.case, seq, leaf, draft.dedup_key)

    def _chain(self, case: str) -> tuple[int, str]:
        """Return the case's next number and the digest of its last leaf."""
        if case not in self._chains:
            last = self._connection.execute(_LAST_OF_CASE, {"case": case}).one_or_none()
            if last is None:
                self._chains[case] = 0, FIRST_PREV
            else:
                self._chains[case] = last.case_seq + 1, hashlib.sha256(bytes(last.leaf)).hexdigest()
        return self._chains[case]

    def _insert(self, rows: list[dict[str, Any]], payloads: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(_NEW_ENTRY, rows)
        if payloads:
            self._connection.execute(_NEW_PAYLOAD, payloads)

    def _tells_the_same(self, entry: Entry, draft: EventDraft) -> bool:
        """Compare draft and entry.  The actor may differ only between workers (`svc:`), since another worker may retry."""
        said, event = entry.record, draft.event
        same_actor = said["actor"] == event.actor or (
            said["actor"].startswith("svc:") and event.actor.startswith("svc:")
        )
        framing = leaves.FRAME | {"payload_commit"}
        fields = {name: value for name, value in said.items() if name not in framing}
        told = (said["type"], said["case"], fields) == (event.type, event.case, dict(event.fields))
        return same_actor and told and self._commits_to(entry.idx, said.get("payload_commit"), draft.payload)

    def _commits_to(self, idx: int, commit: str | None, payload: Json) -> bool:
        """Return whether the entry commits to *payload*.  After an erasure, only whether there was a payload can be compared."""
        if commit is None or payload is None:
            return commit is None and payload is None
        row = self._connection.execute(_PAYLOAD, {"row": idx}).one_or_none()
        if row is None or row.salt is None:
            return True
        return hmac.compare_digest(leaves.commitment(bytes(row.salt), leaves.canonical(payload)), commit)


def _refuse_other(same: bool, entry: Entry) -> None:  # noqa: FBT001  # the answer to the question asked beside the call
    if not same:
        raise TrailError(f"trail: cannot append: entry {entry.idx} has this key and another content")
