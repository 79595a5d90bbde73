"""The ledger of vendors' rate limits, in the database that all processes with the same tenants share."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from casework.store import Store
from connectors.kit.limits import Limit, OwnLedger
from models.vocabulary import ConnectionId

_TAKE = text("""
    INSERT INTO call_budget (connection, name, spent_until) VALUES (:connection, :name, :unspent + :cost)
    ON CONFLICT (connection, name) DO UPDATE SET spent_until =
        CASE WHEN call_budget.spent_until > :unspent THEN call_budget.spent_until ELSE :unspent END + :cost
    RETURNING spent_until
""")
"""One statement, so that two processes never take the same calls; in SQL that SQLite and PostgreSQL share."""


@dataclass(frozen=True, slots=True)
class DatabaseLedger:
    """
    `connectors.kit.limits.Ledger` in the database, on its clock.

    While the database does not answer, each process keeps its own ledger: a cut does not wait for the database.
    """

    store: Store
    own: OwnLedger = field(default_factory=OwnLedger)

    async def take(self, connection: ConnectionId, limit: Limit, calls: int) -> float:
        try:
            return await self.store.run(self._take, connection, limit, calls)
        except SQLAlchemyError:
            return await self.own.take(connection, limit, calls)

    def _take(self, connection: ConnectionId, limit: Limit, calls: int) -> float:
        now = self.store.clock().timestamp()
        with self.store.engine.begin() as database:
            spent: float = database.execute(
                _TAKE,
                {
                    "connection": connection,
                    "name": limit.name,
                    "unspent": now - limit.burst * limit.interval,
                    "cost": calls * limit.interval,
                },
            ).scalar_one()
        return max(spent - now, 0.0)
