"""A case's record as an export of this moment would make it, without an export."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from audit import record
from audit.leaf import FRAME, canonical, stamp
from audit.record import derive
from casework.context import Context
from casework.record import facts
from casework.record.facts import RecordEvent, RecordFacts, beside, read
from casework.trail.comparing import require_as_sealed, told_of


def record_of(context: Context, case_id: str, **said: Any) -> bytes:
    """Return `record.json` with an export's event at its end; *said*: what its payload says besides."""
    with context.store.read() as session:
        require_as_sealed(session, case_id)
        events, told = told_of(session.connection(), case_id), beside(context, session, case_id)
    last = {name: events[-1][0][name] for name in FRAME}
    now = {"seq": last["seq"] + 1, "type": "case.exported", "time": stamp(context.now())}
    return canonical(derive([*events, (last | now, told | {"by": "auditor"} | said)]))


def gather(context: Context, case_id: str, **said: Any) -> RecordFacts:
    return read(record_of(context, case_id, **said))


def told(connection: Connection, case_id: str) -> list[RecordEvent]:
    """Return the case's events as a record tells them."""
    return [facts._told(record._event(*event)) for event in told_of(connection, case_id)]
