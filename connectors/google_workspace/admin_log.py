"""
The tenant's admin log, read once for all accounts: when an event last happened to the user with an address.

Google takes one event name a query and allows 250 filtered queries a minute, so there is no query for each account.  Other
users' records stay here: evidence has the digest of a page, never its content.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from connectors.errors import Unintelligible
from connectors.google_workspace.errors import WHO
from connectors.google_workspace.manifest import ADMIN_LAG, STAMPS
from connectors.kit.answers import instant, object_of, rows_of
from connectors.kit.exchange import Row, Trace
from models.vocabulary import EntitlementKind

WHOLE_AGAIN = 3600.0
"""Seconds after which the log is read from its beginning again, for records later than documented.  Our choice."""
SHARED_FOR = 3.0
"""
How old, in seconds, a reading may be for an account that we sent no write for since: then no account waits for the next
reading.  Our choice.
"""

Pages: TypeAlias = "Callable[[str, datetime | None, Trace], AsyncIterator[list[Row]]]"
"""Yields the pages of one event's records, from an instant on or from the beginning of what Google keeps."""
_Newest: TypeAlias = "dict[str, datetime | None]"
"""By folded address; None where the time of an event cannot be read."""


class AdminLog:
    """The newest time of each event of `STAMPS`, by address."""

    def __init__(self, pages: Pages, *, clock: Callable[[], float] = time.monotonic) -> None:
        names = {name for several in STAMPS.values() for name in several}
        self._events = {name: _Event(name, pages, clock) for name in names}
        self._clock = clock
        self._asked_at: dict[str, float] = {}

    def note_asked(self, account_id: str) -> None:
        """Note a write for this account, so that no reading sent before now counts for it."""
        now = self._clock()
        self._asked_at = {key: at for key, at in self._asked_at.items() if now - at < SHARED_FOR} | {account_id: now}

    async def newest(
        self, kind: EntitlementKind, account_id: str, addresses: Iterable[str], trace: Trace
    ) -> datetime | None:
        """
        Return when one of the kind's events last happened, for the first of *addresses* with an event; raises `ConnectorError`.

        The time is the log's own, so a reading that is *SHARED_FOR* old may miss an event but invents none.
        """
        since = max(self._clock() - SHARED_FOR, self._asked_at.get(account_id, -math.inf))
        events = [self._events[name] for name in STAMPS[kind]]
        await asyncio.gather(*(event.read_since(since, trace) for event in events))
        for address in addresses:
            times = [event.newest[address.casefold()] for event in events if address.casefold() in event.newest]
            if None in times:
                raise Unintelligible(f"{WHO}: cannot read the admin log: an unreadable time", evidence=trace)
            if times:
                return max(at for at in times if at is not None)
        return None


@dataclass(slots=True, eq=False)
class _Reading:
    """One reading, under way or done.  *began*: when its first request was due, None while it waits for the one before."""

    trace: Trace = field(default_factory=list)
    began: float | None = None
    task: asyncio.Task[None] = field(init=False)

    def answers(self, since: float) -> bool:
        """Whether it is sent at *since* or later and has not failed; a failure is raised only for those already waiting."""
        failed = self.task.done() and (self.task.cancelled() or self.task.exception() is not None)
        return self.is_here() and not failed and (self.began is None or self.began >= since)

    def is_here(self) -> bool:
        """Whether it belongs to this event loop; a connector may be used from several, one after the other."""
        return self.task.get_loop() is asyncio.get_running_loop()


class _Event:
    """The log's records of one event.  A reading begins where the last one ended, minus the documented lag."""

    def __init__(self, name: str, pages: Pages, clock: Callable[[], float]) -> None:
        self.newest: _Newest = {}
        self._name, self._pages, self._clock = name, pages, clock
        self._last: _Reading | None = None
        self._from_at: datetime | None = None
        self._whole_at = -math.inf

    async def read_since(self, since: float, trace: Trace) -> None:
        """Wait for a reading sent at *since* or later; add its exchanges to *trace*, raise its failure."""
        reading = self._last
        if reading is None or not reading.answers(since):
            reading = self._last = self._begin(reading)
        try:
            await asyncio.shield(reading.task)  # a caller that gives up does not end the others' reading
        finally:
            trace.extend(reading.trace)

    def _begin(self, before: _Reading | None) -> _Reading:
        reading = _Reading()
        reading.task = asyncio.ensure_future(self._read(reading, before))
        reading.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # a failure counts as seen
        return reading

    async def _read(self, reading: _Reading, before: _Reading | None) -> None:
        """Read after the reading *before*.  *newest* changes only after the last page."""
        if before is not None and before.is_here():
            await asyncio.wait({before.task})
        del before  # a failure keeps this frame, and with it would keep all earlier failures of an outage
        reading.began = self._clock()
        whole = reading.began - self._whole_at > WHOLE_AGAIN
        found: _Newest = {} if whole else dict(self.newest)
        async for rows in self._pages(self._name, None if whole else self._from_at, reading.trace):
            for address, at in (told for row in rows for told in _told(row, self._name)):
                known = found.get(address, at)
                found[address] = max(known, at) if known is not None and at is not None else None
        first = next(exchange for exchange in reading.trace if exchange.status == 200)
        self.newest, self._from_at = found, first.commanded_on_vendor_clock() - ADMIN_LAG
        if whole:
            self._whole_at = reading.began


def _told(record: Row, name: str) -> list[tuple[str, datetime | None]]:
    """
    Return the folded addresses of the record's events of this *name*, with the record's time.

    The query asks for the name already; if Google ignored that, the wrong rows would be closed.
    """
    events = [event for event in rows_of(WHO, record.get("events", []), "events") if event.get("name") == name]
    parameters = [one for event in events for one in rows_of(WHO, event.get("parameters", []), "parameters")]
    try:
        at = instant(WHO, object_of(record.get("id")).get("time"), "time")
    except Unintelligible:
        at = None
    return [(str(one.get("value")).casefold(), at) for one in parameters if one.get("name") == "USER_EMAIL"]
