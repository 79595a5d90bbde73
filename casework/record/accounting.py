"""The figures that an auditor asks for, per account: due, commanded, effective cut-off, exposure, SLA."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from casework.record.facts import Timing
from models.tables import Attestation, CaseEntitlement
from models.vocabulary import SETTLED, EntitlementState


def timing_of(
    due_at: datetime,
    rows: Sequence[CaseEntitlement],
    attestations: Mapping[str, Attestation],
    *,
    sla_minutes: int | None,
    as_of: datetime,
) -> Timing:
    """
    Return the account's times.

    The cut-off is that of its last row: an account with one door open is open.  A row that a person signed for counts from
    the signature, which is never earlier than the closing.
    """
    cutoff = _cutoff(rows, attestations)
    commanded = [row.commanded_at for row in rows if row.commanded_at is not None]
    by = [row.cut_effective_by for row in rows if row.cut_effective_by is not None]
    return Timing(
        due_at=due_at,
        commanded_at=min(commanded, default=None),
        effective_cutoff_at=cutoff,
        cut_effective_by=max([*by, cutoff]) if by and cutoff is not None else cutoff,
        exposure_minutes=_minutes(due_at, cutoff or as_of),
        sla_minutes=sla_minutes,
        sla_met=_met(due_at, cutoff, sla_minutes, as_of),
        exceptions=sum(row.state is EntitlementState.WAIVED for row in rows),
        as_of=as_of,
    )


def _cutoff(rows: Sequence[CaseEntitlement], attestations: Mapping[str, Attestation]) -> datetime | None:
    """Return the last row's closing; None while a row is not settled, and where nothing was there to close."""
    if any(row.state not in SETTLED for row in rows):
        return None
    ends = [row.observed_at for row in rows if row.state is EntitlementState.OBSERVED_CLOSED]
    signed = [attestations.get(row.settled_by or "") for row in rows if row.state is EntitlementState.ATTESTED]
    ends += [attestation.attested_at if attestation is not None else None for attestation in signed]
    known = [moment for moment in ends if moment is not None]
    return max(known, default=None) if len(known) == len(ends) else None


def _minutes(due_at: datetime, end: datetime) -> int:
    return max(0, math.ceil((end - due_at) / timedelta(minutes=1)))


def _met(due_at: datetime, cutoff: datetime | None, sla_minutes: int | None, as_of: datetime) -> bool | None:
    if sla_minutes is None:
        return None
    limit = due_at + timedelta(minutes=sla_minutes)
    if cutoff is not None:
        return cutoff <= limit
    return False if as_of > limit else None
