"""The calls that a vendor's limits allow are shared through the database."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import text

from audit.trail import Trail
from casework.call_budget import DatabaseLedger
from casework.schema import migrate
from casework.store import Store, open_engine
from connectors.kit.limits import Limit

LIMIT = Limit("list", 20, "vendor.example/limits")


def store(path: Path) -> Store:
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    return Store(engine, Trail(origin="test.example/audit/2026"))


class TestDatabaseLedger:
    async def test_two_processes(self, tmp_path: Path) -> None:
        """Each takes what the other has left: five at once, the others four seconds apart; another connection has its own."""
        ledgers = [DatabaseLedger(store(tmp_path / "one.db")) for _ in range(2)]
        waits = sorted(await asyncio.gather(*(ledgers[n % 2].take("slack", LIMIT, 1) for n in range(8))))
        assert [round(wait / 4) for wait in waits] == [0, 0, 0, 0, 0, 1, 2, 3]
        assert await ledgers[0].take("slack.acquired", LIMIT, 1) == 0.0
        assert await ledgers[1].take("slack", Limit("get", 100, "x"), 5) == 0.0

    async def test_a_database_that_does_not_answer(self, tmp_path: Path) -> None:
        """The process keeps the limit by itself: no call of a cut waits for the database."""
        ledger = DatabaseLedger(store(tmp_path / "one.db"))
        with ledger.store.engine.begin() as database:
            database.execute(text("DROP TABLE call_budget"))
        waits = [await ledger.take("slack", LIMIT, 1) for _ in range(7)]
        assert [round(wait / 4) for wait in waits] == [0, 0, 0, 0, 0, 1, 2]
