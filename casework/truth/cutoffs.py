"""The effective cut-off: from when on everything of an account was seen closed, or signed for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from models.tables import Attestation, CaseEntitlement
from models.vocabulary import SETTLED, EntitlementState


def cutoff_of(rows: Sequence[CaseEntitlement], attestations: Mapping[str, Attestation]) -> datetime | None:
    """
    Return the last row's closing; None while a row is not settled, and where nothing was there to close.

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
    """Return the minutes from the due instant to the cut-off, a begun minute as a whole one; None until the cut."""
    return None if cutoff is None else max(0, math.ceil((cutoff - due_at) / timedelta(minutes=1)))
