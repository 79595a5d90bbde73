"""The figures that an auditor asks for, per account: due, commanded, effective cut-off, exposure, SLA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from casework.record.facts import Timing
from casework.truth.cutoffs import cutoff_of, exposure_minutes
from models.tables import Attestation, CaseEntitlement
from models.vocabulary import EntitlementState


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

    The cut-off is that of its last row: an account with one door open is open.
    """
    cutoff = cutoff_of(rows, attestations)
    commanded = [row.commanded_at for row in rows if row.commanded_at is not None]
    by = [row.cut_effective_by for row in rows if row.cut_effective_by is not None]
    return Timing(
        due_at=due_at,
        commanded_at=min(commanded, default=None),
        effective_cutoff_at=cutoff,
        cut_effective_by=max([*by, cutoff]) if by and cutoff is not None else cutoff,
        exposure_minutes=exposure_minutes(due_at, cutoff),
        sla_minutes=sla_minutes,
        sla_met=_met(due_at, cutoff, sla_minutes, as_of),
        exceptions=sum(row.state is EntitlementState.WAIVED for row in rows),
        as_of=as_of,
    )


def _met(due_at: datetime, cutoff: datetime | None, sla_minutes: int | None, as_of: datetime) -> bool | None:
    if sla_minutes is None:
        return None
    limit = due_at + timedelta(minutes=sla_minutes)
    if cutoff is not None:
        return cutoff <= limit
    return False if as_of > limit else None
