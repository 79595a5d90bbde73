"""The ledger of vendors' rate limits, in the database that all processes with the same tenants share."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select, text, update

from casework.store import Store
from connectors.kit.limits import Limit, OwnLedger, Rank, booked
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


@dataclass(slots=True)
class DatabaseLedger:
    """
    `connectors.kit.limits.Ledger` in the database, on its clock.

    It has a thread of its own: the store's is for the transactions of cuts.  A call waits for the database half a second at most, and not
    at all while an earlier one still waits.  Without an answer, this process goes on from what all had taken when it last got one.
    """

    store: Store
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "call-budget"))
    own: OwnLedger = field(init=False)
    _late: Future[tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        """Let the ledger of this process alone use the same clock, and so the same slots."""
        self.own = OwnLedger(lambda: self.store.clock().timestamp())

    async def take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
        late, asked = self._late, None
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
        return await self.own.take(connection, limit, calls, rank)

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
        self.own.slots[connection, limit.name] = slots
        return wait, lasts
