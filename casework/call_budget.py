"""The ledger of vendors' rate limits, in the database that all processes with the same tenants share."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import bindparam, select, text, update

from casework.store import Store
from connectors.kit.limits import Limit, OwnLedger, Rank, booked
from models.tables import CallBudget
from models.vocabulary import ConnectionId

_PATIENCE = 0.5
"""Seconds that a call waits for the database."""
_ALONE = 30.0
"""Seconds for which this process then keeps the limits by itself."""
_SHORTLY = text(f"SET LOCAL lock_timeout = {round(_PATIENCE * 1000)}")
_TABLE = CallBudget.__table__  # type: ignore[attr-defined]  # SQLModel makes it
_OF_LIMIT = (_TABLE.c.connection == bindparam("of"), _TABLE.c.name == bindparam("limit"))
_READ = select(_TABLE.c.slots).where(*_OF_LIMIT).with_for_update()
_WRITE = update(_TABLE).where(*_OF_LIMIT)
_BEGIN = text("INSERT INTO call_budget (connection, name, slots) VALUES (:of, :limit, '{}') ON CONFLICT DO NOTHING")


@dataclass(slots=True)
class DatabaseLedger:
    """
    `connectors.kit.limits.Ledger` in the database, on its clock.

    It has a thread of its own: the store's is for the transactions of cuts.  While the database does not answer within half a second, and for half a minute after that, this process keeps the limits by itself:
    a cut does not wait for it.
    """

    store: Store
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "call-budget"))
    own: OwnLedger = field(default_factory=OwnLedger)
    _alone_until: float = 0.0

    async def take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
        alone = await self.own.take(connection, limit, calls, rank)  # so that it knows what this process has taken
        if time.monotonic() < self._alone_until:
            return alone
        try:
            async with asyncio.timeout(_PATIENCE):
                work = partial(self._take, connection, limit, calls, rank)
                return await asyncio.get_running_loop().run_in_executor(self.thread, work)
        except Exception:  # noqa: BLE001  # a database that is locked, gone or closed stops no call of a cut
            self._alone_until = time.monotonic() + _ALONE
            return alone

    def close(self) -> None:
        """End the thread; what it has begun is finished, and later calls are counted by this process alone."""
        self.thread.shutdown(wait=False, cancel_futures=True)

    def _take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
        """Book in one transaction, the limit's row locked: two processes never take the same calls."""
        now, key = self.store.clock().timestamp(), {"of": connection, "limit": limit.name}
        with self.store.engine.begin() as database:
            if database.dialect.name == "postgresql":
                database.execute(_SHORTLY)
            known = database.execute(_READ, key).scalar_one_or_none()
            if known is None:
                database.execute(_BEGIN, key)
                known = database.execute(_READ, key).scalar_one()
            slots = {int(slot): count for slot, count in known.items()}
            slots, wait, lasts = booked(slots, now, limit, calls, rank)
            database.execute(_WRITE.values(slots={str(slot): count for slot, count in slots.items()}), key)
        return wait, lasts
