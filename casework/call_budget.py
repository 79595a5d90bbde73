"""The ledger of vendors' rate limits, in the database that all processes with the same tenants share."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy import bindparam, select, text, update

from casework.store import Store
from connectors.kit.limits import Limit, OwnLedger, Rank, Slots, booked
from models.tables import CallBudget
from models.vocabulary import ConnectionId

_PATIENCE = 0.5
"""Seconds that a call waits for the database; after one that got no answer a tenth of that, until there is one."""
_SHORTLY = text(f"SET LOCAL lock_timeout = {round(_PATIENCE * 1000)}")
_TABLE = CallBudget.__table__  # type: ignore[attr-defined]  # SQLModel makes it
_OF_LIMIT = (_TABLE.c.connection == bindparam("of"), _TABLE.c.name == bindparam("limit"))
_READ = select(_TABLE.c.slots).where(*_OF_LIMIT).with_for_update()
_WRITE = update(_TABLE).where(*_OF_LIMIT)
_BEGIN = text("INSERT INTO call_budget (connection, name, slots) VALUES (:of, :limit, '{}') ON CONFLICT DO NOTHING")
_Alone: TypeAlias = "tuple[float, int, Rank]"
"""Calls that the database has not booked: when they go, how many, and their rank."""


@dataclass(slots=True)
class DatabaseLedger:
    """
    `connectors.kit.limits.Ledger` in the database, on its clock.

    It has a thread of its own: the store's is for the transactions of cuts.  A call waits for the database half a second at most, and not
    at all while an earlier one still waits.  Without an answer, this process goes on from what all had taken when it last got one,
    and what it takes alone is booked with its next call of that limit.
    """

    store: Store
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "call-budget"))
    own: OwnLedger = field(init=False)
    _late: Future[tuple[float, float]] | None = None
    _alone: defaultdict[tuple[ConnectionId, str], list[_Alone]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        """Let the ledger of this process alone use the same clock, and so the same slots."""
        self.own = OwnLedger(lambda: self.store.clock().timestamp())

    async def take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
        late, asked, alone = self._late, None, self._alone[connection, limit.name]
        if late is None or late.done():
            try:
                asked = self.thread.submit(self._take, connection, limit, calls, rank)
                async with asyncio.timeout(_PATIENCE if late is None else _PATIENCE / 10):
                    taken = await asyncio.wrap_future(asked)
                self._late = None
                return taken
            except Exception:  # noqa: BLE001  # a database that is locked, gone or closed stops no call of a cut
                if self._late is None or self._late.done():
                    self._late = asked
        now, (wait, lasts) = self.own.clock(), await self.own.take(connection, limit, calls, rank)
        if asked is None or asked.cancelled():  # one that has begun books the call itself
            alone.append((now + (wait + lasts) / 2, calls, rank))  # amid their slot: its bounds are rounded
        return wait, lasts

    def close(self) -> None:
        """End the thread; what it has begun is finished, and later calls are counted by this process alone."""
        self.thread.shutdown(wait=False, cancel_futures=True)

    def _take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
        """
        Book the call, and those taken alone, in one transaction, the limit's row locked: two processes never take the same calls.

        If that fails, the call is one of those taken alone.
        """
        now, key = self.store.clock().timestamp(), {"of": connection, "limit": limit.name}
        alone, this = self._alone[connection, limit.name], (now, calls, rank)
        alone.append(this)
        booking = alone[:]
        with self.store.engine.begin() as database:
            if database.dialect.name == "postgresql":
                database.execute(_SHORTLY)
            known = database.execute(_READ, key).scalar_one_or_none()
            if known is None:
                database.execute(_BEGIN, key)
                known = database.execute(_READ, key).scalar_one()
            slots = {int(slot): count for slot, count in known.items()}
            slots = _with(slots, (one for one in booking if one is not this), limit)
            slots, wait, lasts = booked(slots, now, limit, calls, rank)
            database.execute(_WRITE.values(slots={str(slot): count for slot, count in slots.items()}), key)
        del alone[: len(booking)]  # others may have been taken meanwhile
        self.own.slots[connection, limit.name] = _with(slots, alone, limit)
        return wait, lasts


def _with(slots: Slots, alone: Iterable[_Alone], limit: Limit) -> Slots:
    """Return *slots* with the calls taken *alone*, each in its own slot even if that exceeds the limit: they go anyway."""
    slots = dict(slots)
    for at, calls, rank in alone:
        if limit.bucket is not None:
            slots, _, _ = booked(slots, at, limit, calls, rank)
        else:
            slot = int(at // limit.slot_seconds)
            slots[slot] = slots.get(slot, 0) + calls
    return slots
