"""What a record is made of, as values of one moment: the view, and the events as the trail has them, with what their payloads still say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from audit import reading
from audit.events import EventType
from audit.leaf import FRAME
from casework.context import Context
from casework.record.comparing import require_as_sealed
from casework.view.case import CaseView
from casework.view.reading.case import view_in

_WHY = ("reason", "statement", "basis", "look")


@dataclass(frozen=True, slots=True)
class Told:
    """
    One event of the trail.  *seq* is its number in the case: the bundle's `events/NNNN.json`.

    *by* and *reason* are from its payload, which can be erased; the event cannot.  *made_sure_by*: how it was made sure who
    that is; None where the payload does not say.
    """

    seq: int
    type: str
    at: datetime
    by: str | None
    made_sure_by: str | None
    reason: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a record tells: the case, its events, the log they stand in, and the policy now in force."""

    view: CaseView
    told: tuple[Told, ...]
    origin: str
    policy_sha256: str

    @property
    def erased_at(self) -> datetime | None:
        """When the case's personal data was removed; then names, labels and texts are empty."""
        return max((event.at for event in self.told if event.type == EventType.PAYLOAD_ERASED), default=None)


@dataclass(frozen=True, slots=True)
class Proof:
    """
    What is known of the proof when the pages are made; the certificate comes after them.

    *last_event_sha256* is the digest of the case's newest event.  *anchored_at* is the authority's time over a head of
    *anchor_size* events.  *rehearsal*: authority or witness are ours.  *former*: the certificate that this record's will name.
    """

    last_event_sha256: str
    anchor_size: int | None = None
    anchored_at: datetime | None = None
    rehearsal: bool = False
    revision: int = 1
    former_sha256: str | None = None
    exported_by: str = ""


def gather(context: Context, case_id: str) -> Facts:
    """
    Return all that is known of the case now: the look was sealed before.  Writes nothing.

    Raises `BadRequest` if there is none, and `TablesDiffer` while its tables are not what its sealed events say: a record that
    is made from them would state what never happened.
    """
    with context.store.read() as session:
        require_as_sealed(session, case_id)
        view = view_in(context, session, case_id, confidential=True)
        events = tuple(told(session.connection(), case_id))
    return Facts(view, events, context.store.trail.origin, context.policy.sha256)


def told(connection: Connection, case_id: str) -> Iterator[Told]:
    """Yield the case's events, oldest first."""
    payloads = reading.payloads(connection, case_id)
    for entry in reading.entries(connection, case_id):
        said, payload = entry.record, payloads.get(entry.idx, {})
        by = payload.get("by") or payload.get("reported_by")
        who = by if isinstance(by, dict) else {"subject": by}
        yield Told(
            seq=entry.seq,
            type=said["type"],
            at=datetime.fromisoformat(said["time"]),
            by=who["subject"],
            made_sure_by=who.get("authenticated_by"),
            reason=next((why for name in _WHY if isinstance(why := payload.get(name), str) and why), None),
            fields={name: value for name, value in said.items() if name not in FRAME | {"payload_commit"}},
        )
