"""What the signing services have in common in sending pledges, and in taking them back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.errors import ConnectorError, OutcomeUnknown, Unintelligible
from connectors.kit.answers import understood
from connectors.kit.exchange import Trace
from models.vocabulary import Leaver


def address_of(who: str, leaver: Leaver) -> str:
    """Return the address to which a pledge is sent.  Raises `Unintelligible` if HR's notice has none."""
    for address in (leaver.email, *leaver.other_emails):
        if address is not None:
            return address
    remedy = "Add the leaver's address to the notice, or let the pledge be signed by hand."
    raise Unintelligible(f"{who}: cannot send a pledge: no address", code="no_address", remedy=remedy)


def check_waiting(who: str, doing: str, trace: Trace, *, waits: bool, signed: bool = False) -> None:
    """Raise `Unintelligible` unless the pledge *waits* for its signer, and if it is *signed* by anyone already."""
    if not waits:
        message = f"{who}: cannot {doing}: nobody is asked to sign it"
        raise Unintelligible(message, code="not_waiting", evidence=tuple(trace))
    if signed:
        remedy = "See who has signed it; if it may not stand, take it back by hand in the service, then ask anew."
        message = f"{who}: cannot {doing}: somebody has signed it already"
        raise Unintelligible(message, code="signed_already", evidence=tuple(trace), remedy=remedy)


@contextmanager
def still_unknown(who: str, lost: OutcomeUnknown, trace: Trace) -> Iterator[None]:
    """
    Look in here for what *lost* may have sent.  A look that fails, with any error, decides nothing: *lost* is raised.

    A refused look would else be taken for a refused sending, and the pledge sent anew.  *lost* rests on all of *trace*.
    """
    try:
        with understood(who, trace):
            yield
    except ConnectorError as failed:
        raise lost from failed
    finally:
        lost.rest_on(trace)
