"""The facts of a case for its record: the view, and the events as the trail has them, with what their payloads still say of who acted and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from audit import reading
from audit.leaf import FRAME
from audit.tables import audit_entry, audit_payload
from casework.context import Context
from casework.record.facts import Facts, Told
from casework.view.reading.case import view_in

_BY = ("by", "reported_by")
_WHY = ("reason", "statement", "basis", "look")


def gather(context: Context, case_id: str, *, confidential: bool = False) -> Facts:
    """
    Return what is known of the case now.  Raises `BadRequest` if there is none.  Writes nothing.

    Whoever asks for what is *confidential* has sealed the look before.
    """
    with context.store.read() as session:
        view = view_in(context, session, case_id, confidential=confidential)
        events = tuple(told(session.connection(), case_id))
    return Facts(view, events, context.store.trail.origin, context.policy.sha256)


def told(connection: Connection, case_id: str) -> Iterator[Told]:
    """Yield the case's events, oldest first."""
    payloads = _payloads(connection, case_id)
    for entry in reading.entries(connection, case_id):
        said = entry.record
        payload = payloads.get(entry.idx, {})
        yield Told(
            seq=entry.seq,
            type=said["type"],
            at=datetime.fromisoformat(said["time"]),
            by=_first(payload, _BY),
            made_sure_by=_made_sure(payload.get("by")),
            reason=_first(payload, _WHY),
            fields={name: value for name, value in said.items() if name not in FRAME | {"payload_commit"}},
        )


def _payloads(connection: Connection, case_id: str) -> dict[int, Mapping[str, Any]]:
    query = (
        select(audit_payload.c.idx, audit_payload.c.payload)
        .join(audit_entry, audit_entry.c.idx == audit_payload.c.idx)
        .where(audit_entry.c.case_ref == case_id, audit_payload.c.payload.is_not(None))
    )
    found = {idx: json.loads(bytes(payload)) for idx, payload in connection.execute(query)}
    return {idx: payload for idx, payload in found.items() if isinstance(payload, dict)}


def _first(payload: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    said = next((payload[name] for name in names if payload.get(name)), None)
    return (
        said if said is None or isinstance(said, str) else str(said.get("subject") if isinstance(said, dict) else said)
    )


def _made_sure(by: Any) -> str | None:
    return by.get("authenticated_by") if isinstance(by, dict) else None
