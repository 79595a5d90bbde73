"""Cases of earlier versions, whose changes were not sealed: all that the tables hold of them is sealed once, at the upgrade."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from audit import reading
from audit.events import EventType
from audit.leaf import Event
from audit.placing import Draft
from audit.record import ADOPTED, CASE, CHANGED, SEALED, WHOLE, Told, tables_of
from casework.changes import BY, rows_in
from casework.question_kinds import TENANT
from casework.store import Store
from casework.trail.comparing import UNREADABLE, Difference, require_readable, told_of


def adopt(store: Store, progress: Callable[[int, int], object] | None = None) -> int:
    """
    Seal, once each, what the tables hold of every case that an earlier version opened, and of the tenant; return of how many.

    From there on each change is held against that; what was changed by hand before is not seen any more, and a record says since when
    it is.  Safe to repeat after a crash: each is a transaction of its own.  Raises `TablesDiffer`, when all others are done, for a case
    whose rows hold no word or shape of lastday's.
    """
    with store.read() as session:
        log = session.connection()
        opened = [entry.record for entry in reading.entries(log) if _OPENED in entry.leaf]
        older = [
            str(said["case"])
            for said in opened
            if said["type"] == EventType.CASE_OPENED and said.get("scope") != SEALED
        ]
        tenant = told_of(log, TENANT)
    if older or _began_earlier(tenant):
        older.append(TENANT)
    adopted, unreadable = 0, []
    for number, case_id in enumerate(older, start=1):
        try:
            adopted += _adopt(store, case_id)
        except UNREADABLE as exc:
            unreadable.append(Difference(case_id, "a column", f"unreadable ({type(exc).__name__})", ""))
        if progress is not None:
            progress(number, len(older))
    require_readable(unreadable)
    return adopted


def _began_earlier(tenant: Sequence[Told]) -> bool:
    """Whether a version that sealed no changes wrote the tenant's first event: one of today's carries them, or the next one does."""
    if not tenant:
        return False
    (_, first), *more = tenant
    return CHANGED not in (first or {}) and not (more and more[0][0]["type"] == EventType.CASE_CHANGED)


def _adopt(store: Store, case_id: str) -> bool:
    """Seal the case, or the tenant, as its tables have it, unless that was done, or there is nothing to seal; say whether it was."""
    with store.write() as session:
        events = told_of(session.connection(), case_id)
        rows: dict[str, Any] = rows_in(session, case_id)
        done = any(WHOLE in (payload or {}) for _, payload in events) if case_id == TENANT else tables_of(events).whole
        if done or not (rows if case_id == TENANT else rows.get(CASE)):
            return False
        store.tell(session, Draft(Event(EventType.CASE_CHANGED, case_id, BY, {"scope": ADOPTED}), {WHOLE: rows}))
        return True


_OPENED = f'"type":"{EventType.CASE_OPENED}"'.encode()
