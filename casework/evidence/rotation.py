"""
The master key of the evidence changes: a new one wraps from one moment on, and every case's key is wrapped anew by it.

The moment is an event of the log, in the transaction that wraps the first of them: from then on whoever holds only the former
key writes nothing, on whichever machine.  At every instant each case's key is wrapped by exactly one of the two.  A key that
was left never comes back: nothing that it wraps later could be missed when its file is thrown away.
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
from audit.trail import Draft
from casework.errors import BadRequest, Damaged, Misconfigured
from casework.evidence.keys import MasterKey
from models.actor import Actor
from models.tables import EvidenceKey

BATCH = 200
"""Keys in one transaction: other writers wait for it no longer than for one another."""
_LEFT = "evidence-key-left:"
"""How the key begins under which the log tells of a master key's successor."""
_LIVING = col(EvidenceKey.wrapped).is_not(None)


def in_force(session: Session, first: Callable[[], MasterKey]) -> str:
    """Return the name of the key that wraps: the one of the cases' keys, or its successor; before there are any, that of *first*."""
    name = session.exec(select(EvidenceKey.master).where(_LIVING).limit(1)).first() or first().name
    while (later := _successor(session, name)) is not None:
        name = later
    return name


def _successor(session: Session, name: str) -> str | None:
    """Return the key that took the place of *name*, None for one that was never left."""
    left = reading.find(session.connection(), _LEFT + name)
    return None if left is None else str(left.record["to_key"])


def needed(session: Session) -> dict[str, int]:
    """Return the master keys without which evidence cannot be read, and how many cases' keys each of them wraps."""
    counted = select(EvidenceKey.master, func.count()).where(_LIVING).group_by(EvidenceKey.master)
    return dict(session.exec(counted.order_by(EvidenceKey.master)).all())


@dataclass(slots=True)
class Rotation:
    """
    One run of a change to the master key *new*: see `EvidenceStore.rotate`.  *held* returns a key by its name, or raises `Misconfigured`.

    *count* keys were wrapped anew; *damaged* are the cases whose key opens under none; *missing* are earlier master keys, left before
    and not here, under which an earlier change that was not ended has left some.
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
        """Return how many cases' keys are still wrapped by another one."""
        return sum(count for name, count in needed(session).items() if name != self.new.name)

    def go_on(self, session: Session, tell: Callable[[Draft], None]) -> bool:
        """
        Wrap the next cases' keys in the caller's transaction, and tell it; return whether there may be more.

        Raises `Misconfigured` unless the key is here that wrapped until now, `BadRequest` for a new key that was left before.
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
            tell(Draft(event, {"by": self.by.payload}, _LEFT + name if first else None))
        self.count += wrapped.total()
        self._after = rows[-1].case_id if rows else self._after
        return len(rows) == BATCH

    def _former(self, session: Session) -> str:
        """Return the key in force, and note which earlier ones are missing; raises what `go_on` raises."""
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
        """Wrap the case's key anew; return by which it was wrapped.  One that is damaged stays as it is, for a backup to mend."""
        name, case = row.master, row.case_id.encode()
        try:
            key = self.held(name).unwrap(row.wrapped or b"", case)
        except Damaged:
            self.damaged += (row.case_id,)
            return None
        row.wrapped, row.master = self.new.wrap(key, case), self.new.name
        return name
