"""
Recompute the whole log from the stored bytes and trust no stored hash: the auditor's first command.

Two passes, each a stream: all entries in the log's order, then each case's events in theirs.  Memory does not grow with the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select

from audit import epochs, reading
from audit import leaf as leaves
from audit.checkpoint import Checkpoint
from audit.epochs import Gap
from audit.events import EventType
from audit.leaf import FIRST_PREV, LeafError
from audit.merkle import Frontier
from audit.tables import audit_entry as e
from audit.tables import audit_payload as p

_IN_ORDER = (
    select(e.c.idx, e.c.case_ref, e.c.case_seq, e.c.leaf, e.c.nodes, p.c.salt, p.c.payload, p.c.erased_at)
    .add_columns(p.c.idx.label("payload_idx"))
    .outerjoin_from(e, p, p.c.idx == e.c.idx)
    .order_by(e.c.idx)
)
_BY_CASE = select(e.c.idx, e.c.case_ref, e.c.case_seq, e.c.leaf).order_by(e.c.case_ref, e.c.case_seq)


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """The first row that is not as it was written, and what is wrong with it."""

    idx: int
    what: str

    def __str__(self) -> str:
        return f"row {self.idx}: {self.what}"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.  *root*: recomputed from the leaves.  *erased*: payloads whose erasure is recorded.  *gaps*: missing entries."""

    origin: str | None
    size: int
    root: bytes
    erased: int = 0
    broken: BrokenRow | None = None
    gaps: tuple[Gap, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is broken, and the log has no gap."""
        return self.sound and not self.gaps

    @property
    def sound(self) -> bool:
        return self.broken is None


class _Stop(Exception):
    """Ends a pass at its first broken row."""

    def __init__(self, idx: int, what: str) -> None:
        super().__init__(what)
        self.broken = BrokenRow(idx, what)


def check(connection: Connection, *, origin: str | None = None, held: Sequence[Checkpoint] = ()) -> CheckReport:
    """
    Recompute the log.  *origin*: the name that it must have (None: the name in its first leaf).

    *held*: heads that were signed earlier and kept elsewhere; the log must still continue each of them.  Without such a head,
    a log whose last entries were cut off looks whole.
    """
    size = reading.size(connection)
    walk = _Walk(origin, held, _gaps(connection))
    found: list[BrokenRow] = []
    for one_pass, query in ((walk.in_order, _IN_ORDER), (_by_case, _BY_CASE)):
        # Only the rows that existed when the check began: more may be appended meanwhile.
        with reading.stream(connection, query.where(e.c.idx < size)) as rows:
            try:
                one_pass(rows)
            except _Stop as stop:
                found.append(stop.broken)
    broken = min(found, key=lambda b: b.idx, default=None)
    return CheckReport(walk.origin, walk.tree.size, walk.tree.root(), walk.erased, broken, tuple(walk.gaps))


@dataclass(slots=True)
class _Walk:
    """The first pass: order, bytes, hashes, time, payloads."""

    origin: str | None
    held: Sequence[Checkpoint]
    gaps: Sequence[Gap]
    tree: Frontier = field(default_factory=Frontier)
    time: str = ""
    erased: int = 0
    unexplained: set[int] = field(default_factory=set)

    def in_order(self, rows: Iterable[Row[Any]]) -> None:
        heads = {head.size: head for head in self.held}
        self._agree(heads, 0)
        for row in rows:
            if row.idx != self.tree.size:
                raise _Stop(row.idx, f"it should be row {self.tree.size}")
            said = _said(row)
            self._frame(row, said)
            if b"".join(self.tree.add(bytes(row.leaf))) != bytes(row.nodes):
                raise _Stop(row.idx, "its stored hashes are not those of the leaves")
            self._payload(row, said)
            self._agree(heads, row.idx)
        self._end()

    def _agree(self, heads: dict[int, Checkpoint], idx: int) -> None:
        head = heads.get(self.tree.size)
        if head is not None and head.root != self.tree.root() and not self._explained(head):
            raise _Stop(idx, f"the log up to here is not the one whose head of {head.size} entries was signed")

    def _explained(self, head: Checkpoint) -> bool:
        """Whether a gap that the log records covers this head."""
        return any(gap.explains(head.size) for gap in self.gaps)

    def _frame(self, row: Row[Any], said: dict[str, Any]) -> None:
        self.origin = self.origin or said["log"]
        if said["log"] != self.origin:
            raise _Stop(row.idx, "its leaf belongs to another log")
        if (said["case"], said["seq"]) != (row.case_ref, row.case_seq):
            raise _Stop(row.idx, "case_ref or case_seq is not what its leaf says")
        if said["time"] < self.time:
            raise _Stop(row.idx, "its time is before that of the row before it")
        self.time = said["time"]

    def _payload(self, row: Row[Any], said: dict[str, Any]) -> None:
        if said["type"] == EventType.PAYLOAD_ERASED:
            self.unexplained.difference_update(said["idx"])
        commit = said.get("payload_commit")
        if (commit is None) != (row.payload_idx is None):
            raise _Stop(
                row.idx, "it has a payload that its leaf does not know" if commit is None else "its payload is missing"
            )
        if commit is None:
            return
        if row.salt is None or row.payload is None:
            self.erased += 1
            self.unexplained.add(row.idx)
        elif row.erased_at is not None or _commitment(row) != commit:
            raise _Stop(row.idx, "its payload is not the one that its leaf commits to")

    def _end(self) -> None:
        if self.unexplained:
            raise _Stop(min(self.unexplained), "its payload is gone, and no payload.erased records it")
        for head in self.held:
            if head.size > self.tree.size and not self._explained(head):
                raise _Stop(self.tree.size, f"entries are missing: a head of {head.size} entries was signed")


def _gaps(connection: Connection) -> list[Gap]:
    """Return the gaps that the log records.  If they cannot be read, return none: the first pass then says why."""
    try:
        return epochs.told(connection)
    except (LeafError, KeyError, ValueError):
        return []


def _by_case(rows: Iterable[Row[Any]]) -> None:
    """The second pass: each case's events are numbered without a gap, and each leaf names the digest of the one before it."""
    case, seq, prev, idx = None, 0, FIRST_PREV, -1
    for row in rows:
        if row.case_ref != case:
            case, seq, prev, idx = row.case_ref, 0, FIRST_PREV, -1
        if row.case_seq != seq or row.idx <= idx:
            raise _Stop(row.idx, f"it should be event {seq} of its case")
        if _said(row)["prev"] != prev:
            raise _Stop(row.idx, "its prev is not the digest of the case's event before it")
        seq, prev, idx = seq + 1, hashlib.sha256(bytes(row.leaf)).hexdigest(), row.idx


def _said(row: Row[Any]) -> dict[str, Any]:
    try:
        return leaves.read(bytes(row.leaf))
    except LeafError as exc:
        raise _Stop(row.idx, "its leaf cannot be read") from exc


def _commitment(row: Row[Any]) -> str:
    return hashlib.sha256(bytes(row.salt) + bytes(row.payload)).hexdigest()
