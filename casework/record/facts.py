"""What a record is made of, as values: no session, no clock, nothing that changes while a page is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.events import EventType
from casework.view.case import CaseView


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
