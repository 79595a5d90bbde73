"""
The effective cut-off, at which everything of an account is seen closed or signed for, and the activity after it, kept by kind
and account until a named person has signed for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from casework.context import Context, all_of
from models.tables import Attestation, CaseEntitlement, PostCutActivity
from models.vocabulary import SETTLED, ActivityKind, ConnectionId, EntitlementState, FindingKind

KEY = "after_cut"
"""Begins the key of an attestation, in place of an entitlement's id: `after_cut:connection:account:kind`."""


@dataclass(slots=True)
class EventTimes:
    """The number of events, the first and the last time."""

    count: int
    first_at: datetime
    last_at: datetime

    def add(self, at: datetime) -> None:
        self.count += 1
        self.first_at, self.last_at = min(self.first_at, at), max(self.last_at, at)


def key_of(row: PostCutActivity) -> str:
    prefix = KEY if row.finding is FindingKind.ACTIVITY_AFTER_CUT else str(row.finding)
    return f"{prefix}:{row.connection}:{row.account_id}:{row.kind}"


def is_key(text: str) -> bool:
    """Whether *text* is the key of post-cut activity and not the id of an entitlement."""
    return text.split(":", 1)[0] in {KEY, str(FindingKind.RE_ENTRY)}


def find(session: Session, case_id: str, key: str) -> PostCutActivity | None:
    return next((row for row in _rows(session, case_id) if key_of(row) == key), None)


def keep(  # noqa: PLR0913  # one account's activity, each part by name
    context: Context,
    session: Session,
    case_id: str,
    *,
    finding: FindingKind,
    connection: ConnectionId,
    account_id: str,
    heard: Mapping[ActivityKind, EventTimes],
    effective_by: datetime | None,
) -> None:
    """Write the post-cut activity of one account: more or later events are news; known events are kept even if a log lost them."""
    for kind, times in heard.items():
        none = PostCutActivity(
            case_id=case_id, finding=finding, connection=connection, account_id=account_id, kind=kind,
            count=0, first_at=times.first_at, last_at=times.first_at, seen_at=context.now(),
        )  # fmt: skip
        row = session.get(PostCutActivity, (case_id, finding, connection, account_id, kind)) or none
        if row.count < times.count or row.last_at < times.last_at:
            row.count, row.last_at = max(row.count, times.count), max(row.last_at, times.last_at)
            row.first_at, row.seen_at = min(row.first_at, times.first_at), context.now()
            row.cut_effective_by = effective_by
            session.add(row)


def unanswered(session: Session, case_id: str, attested: Iterable[Attestation]) -> list[PostCutActivity]:
    """Return the post-cut activity that no attestation (*attested*: the case's) covers since it was last seen to grow."""
    answers = {(one.entitlement_id, one.attested_at) for one in attested}
    return [
        row for row in _rows(session, case_id)
        if not any(key == key_of(row) and at >= row.seen_at for key, at in answers)
    ]  # fmt: skip


def _rows(session: Session, case_id: str) -> Sequence[PostCutActivity]:
    return all_of(session, PostCutActivity, case_id, PostCutActivity.kind)


def cutoff_of(rows: Sequence[CaseEntitlement], attestations: Mapping[str, Attestation]) -> datetime | None:
    """
    Return the time at which the last row closed; None while a row is not settled, and if there was nothing to close.

    A row that a person signed for counts from the signature, which is never earlier than the closing.
    """
    if any(row.state not in SETTLED for row in rows):
        return None
    ends = [row.observed_at for row in rows if row.state is EntitlementState.OBSERVED_CLOSED]
    signed = [attestations.get(row.settled_by or "") for row in rows if row.state is EntitlementState.ATTESTED]
    ends += [attestation.attested_at if attestation is not None else None for attestation in signed]
    known = [moment for moment in ends if moment is not None]
    return max(known, default=None) if len(known) == len(ends) else None


def exposure_minutes(due_at: datetime, cutoff: datetime | None) -> int | None:
    """Return the minutes from the due instant to the cut-off, rounded up; None until the cut."""
    return None if cutoff is None else max(0, math.ceil((cutoff - due_at) / timedelta(minutes=1)))
