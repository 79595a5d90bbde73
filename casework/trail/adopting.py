"""Cases of earlier versions, whose changes were not sealed: all that the tables hold of them is sealed once, at the upgrade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from audit import reading
from audit.events import EventType
from audit.leaf import Event
from audit.placing import Draft
from audit.record import ADOPTED, SEALED, WHOLE
from casework.changes import BY, rows_in
from casework.question_kinds import TENANT
from casework.store import Store
from casework.trail.comparing import told_of


def adopt(store: Store, progress: Callable[[int, int], object] | None = None) -> int:
    """
    Seal, once each, what the tables hold of every case that an earlier version opened, and of the tenant; return of how many.

    From there on each change is held against that; what was changed by hand before is not seen any more, and a record says since when
    it is.  Safe to repeat after a crash: each is a transaction of its own.
    """
    with store.read() as session:
        opened = (
            entry.record | {"case": entry.case}
            for entry in reading.entries(session.connection())
            if _OPENED in entry.leaf
        )
        older = [
            str(said["case"])
            for said in opened
            if said["type"] == EventType.CASE_OPENED and said.get("scope") != SEALED
        ]
    adopted = 0
    for number, case_id in enumerate((*older, TENANT) if older else (), start=1):
        with store.write() as session:
            if not any(WHOLE in (payload or {}) for _, payload in told_of(session.connection(), case_id)):
                whole: dict[str, Any] = {WHOLE: rows_in(session, case_id)}
                store.tell(session, Draft(Event(EventType.CASE_CHANGED, case_id, BY, {"scope": ADOPTED}), whole))
                adopted += 1
        if progress is not None:
            progress(number, len(older) + 1)
    return adopted


_OPENED = f'"type":"{EventType.CASE_OPENED}"'.encode()
