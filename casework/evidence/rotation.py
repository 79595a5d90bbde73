"""
Rotate the master key of the evidence: a new key wraps from one moment on, and every case's key is wrapped anew by it.

The moment is an event of the log, in the transaction that wraps the first case's key anew.  From then on a process, on any
machine, that only has the former key writes nothing.  At every instant each case's key is wrapped by exactly one of the two.
A replaced key is never used again, so that nothing is lost when its file is deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from audit import reading
from audit.events import EventType
from audit.fields import Json
from audit.leaf import LOG_CASE, Event
from audit.trail import EventDraft
from casework.errors import BadRequest, EvidenceDamaged, Misconfigured
from casework.evidence.keys import MasterKey
from models.actor import Actor
from models.tables import EvidenceKey

BATCH = 200
"""Keys in one transaction.  A choice: other writers wait for it no longer than for each other."""
_LEFT = "evidence-key-left:"
"""Begins the dedup key of the log's event that names a master key's successor."""
_LIVING = col(EvidenceKey.wrapped).is_not(None)


def in_force(session: Session, first: Callable[[], MasterKey]) -> str:
    """Return the name of the master key in force: the last successor of the one that wraps a case's key; without cases, *first*."""
    name = session.exec(select(EvidenceKey.master).where(_LIVING).limit(1)).first() or first().name
    while (later := _successor(session, name)) is not None:
        name = later
    return name


def _successor(session: Session, name: str) -> str | None:
    """Return the key that replaced *name*, None if none did."""
    left = reading.find(session.connection(), _LEFT + name)
    return None if left is None else str(left.record["to_key"])


def needed(session: Session) -> dict[str, int]:
    """Return the master keys that are needed to read evidence, and how many cases' keys each of them wraps."""
    counted = select(EvidenceKey.master, func.count()).where(_LIVING).group_by(EvidenceKey.master)
    return dict(session.exec(counted.order_by(EvidenceKey.master)).all())


@dataclass(slots=True)
class Rotation:
    """
    One run of a rotation to the master key *new*: see `EvidenceStore.rotate`.  *held* returns a key by its name, or raises `Misconfigured`.

    *count*: the keys wrapped anew.  *damaged*: the cases whose key no master key opens.  *missing*: replaced master keys that are
    not here and still wrap keys, since an earlier rotation did not end.
    """

    new: MasterKey
    held: Callable[[str], MasterKey]
    actor: str
    by: Actor
    count: int = 0
    damaged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    _after: str = ""

    def left(self, session: Session) -> int:
        """Return how many cases' keys another master key still wraps."""
        return sum(count for name, count in needed(session).items() if name != self.new.name)

    def go_on(self, session: Session, tell: Callable[[EventDraft], None]) -> bool:
        """
        Wrap the next cases' keys in the caller's transaction and seal that; return whether there may be more.

        Raises `Misconfigured` without the master key that wrapped until now, `BadRequest` for a new key that was replaced before.
        """
        former = self._former(session)
        others = col(EvidenceKey.master).not_in([self.new.name, *self.missing])
        keys = select(EvidenceKey).where(_LIVING, others, EvidenceKey.case_id > self._after)
        rows = session.exec(keys.order_by(EvidenceKey.case_id).limit(BATCH)).all()
        wrapped = Counter(name for row in rows if (name := self._wrap(row)) is not None)
        for name in sorted({former, *wrapped} - {self.new.name}):
            said: dict[str, Json] = {"from_key": name, "to_key": self.new.name, "count": wrapped[name]}
            event = Event(EventType.LOG_EVIDENCE_REWRAPPED, LOG_CASE, self.actor, said)
            first = _successor(session, name) is None
            tell(EventDraft(event, {"by": self.by.payload}, _LEFT + name if first else None))
        self.count += wrapped.total()
        self._after = rows[-1].case_id if rows else self._after
        return len(rows) == BATCH

    def _former(self, session: Session) -> str:
        """Return the key in force, and note the *missing* ones; raises what `go_on` raises."""
        self.missing = tuple(name for name in needed(session) if not self._is_here(session, name))
        if _successor(session, self.new.name) is not None:
            raise BadRequest(
                f"keys: cannot change to {self.new.name}: another key took its place, and it does not come back",
                "Make a new one with `lastday keys new FILE --evidence`, or name the newest in LASTDAY_EVIDENCE_KEY_FILE.",
            )
        return in_force(session, lambda: self.new)

    def _is_here(self, session: Session, name: str) -> bool:
        try:
            self.held(name)
        except Misconfigured:
            if _successor(session, name) is None:
                raise
            return False
        return True

    def _wrap(self, row: EvidenceKey) -> str | None:
        """Wrap the case's key anew; return the former master key's name.  A damaged key stays as it is, to be restored from a backup."""
        name, case = row.master, row.case_id.encode()
        try:
            key = self.held(name).unwrap(row.wrapped or b"", case)
        except EvidenceDamaged:
            self.damaged += (row.case_id,)
            return None
        row.wrapped, row.master = self.new.wrap(key, case), self.new.name
        return name
