"""A pledge whose sending was lost: only a look that finds it, or surely finds none, decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.errors import ConnectorError, OutcomeUnknown
from connectors.kit.answers import understood
from connectors.kit.exchange import Trace


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
