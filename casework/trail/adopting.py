"""Adopt cases of earlier versions, whose changes were not sealed: the upgrade seals all their rows once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from audit import reading
from audit.appending import EventDraft
from audit.events import EventType
from audit.leaf import Event
from audit.record import ADOPTED, CASE, CHANGED, SEALED, WHOLE, Told, tables_of
from casework.changes import BY, rows_in
from casework.question_kinds import TENANT
from casework.store import Store
from casework.trail.comparing import UNREADABLE, TableDifference, require_readable, told_of


def adopt(store: Store, progress: Callable[[int, int], object] | None = None) -> int:
    """
    Seal once all rows of every case that an earlier version opened, and those of the tenant; return how many were sealed.

    Later changes are compared with them.  A change by hand before that is not noticed; a record says since when changes are.  Safe
    to repeat after a crash: each case is a transaction of its own.  Raises `TableMismatch`, after all other cases, for a case with
    rows that lastday cannot have written.
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
            unreadable.append(TableDifference(case_id, "a column", f"unreadable ({type(exc).__name__})", ""))
        if progress is not None:
            progress(number, len(older))
    require_readable(unreadable)
    return adopted


def _began_earlier(tenant: Sequence[Told]) -> bool:
    """Whether an earlier version wrote the tenant's first event: today's has the changes in it, or in the event after it."""
    if not tenant:
        return False
    (_, first), *more = tenant
    return CHANGED not in (first or {}) and not (more and more[0][0]["type"] == EventType.CASE_CHANGED)


def _adopt(store: Store, case_id: str) -> bool:
    """Seal all rows of the case, or of the tenant, unless that was done or there are none; return whether they were sealed."""
    with store.write() as session:
        events = told_of(session.connection(), case_id)
        rows: dict[str, Any] = rows_in(session, case_id)
        done = any(WHOLE in (payload or {}) for _, payload in events) if case_id == TENANT else tables_of(events).whole
        if done or not (rows if case_id == TENANT else rows.get(CASE)):
            return False
        store.tell(session, EventDraft(Event(EventType.CASE_CHANGED, case_id, BY, {"scope": ADOPTED}), {WHOLE: rows}))
        return True


_OPENED = f'"type":"{EventType.CASE_OPENED}"'.encode()
