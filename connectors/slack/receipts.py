"""The three receipts of a revocation."""

from __future__ import annotations

from connectors.slack.exchange import Trace
from models.vocabulary import Entitlement, Receipt, RevocationResult


def commanded(entitlement: Entitlement, trace: Trace, text: str = "") -> Receipt:
    """Return the receipt of a request that Slack accepted."""
    return Receipt(entitlement.id, RevocationResult.COMMANDED, tuple(trace), text)


def absent(entitlement: Entitlement, trace: Trace) -> Receipt:
    """Return the receipt of a look that found it gone already."""
    return Receipt(entitlement.id, RevocationResult.ALREADY_ABSENT, tuple(trace))


def refused(entitlement: Entitlement, trace: Trace, text: str) -> Receipt:
    """Return the receipt of a refusal, the vendor's or, before any write, our own."""
    return Receipt(entitlement.id, RevocationResult.REFUSED, tuple(trace), text)
