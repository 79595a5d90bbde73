"""The calls that a vendor's limits allow are shared through the database."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from audit.trail import Trail
from casework import call_budget
from casework.call_budget import DatabaseLedger
from casework.schema import migrate
from casework.store import Store, open_engine
from connectors.kit.limits import Limit, Rank

LIMIT = Limit("list", 20, "vendor.example/limits")


def store(path: Path) -> Store:
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    return Store(engine, Trail(origin="test.example/audit/2026"))


async def waits(ledgers: list[DatabaseLedger], many: int, connection: str = "slack") -> list[float]:
    """Return the seconds that each of so many calls waits, taken in turn by each ledger."""
    found = await asyncio.gather(
        *(ledgers[n % len(ledgers)].take(connection, LIMIT, 1, Rank.OTHER) for n in range(many))
    )
    return sorted(wait for wait, _ in found)


def assert_shared(taken: list[float]) -> None:
    """Of twenty calls three go at once, and twelve in all before the minute is over."""
    assert [wait == 0.0 for wait in taken[:4]] == [True, True, True, False]
    assert taken[11] < 60 < taken[12]


class TestDatabaseLedger:
    async def test_two_processes(self, tmp_path: Path) -> None:
        """Each takes what the other has left: three at once, twelve within a minute; another connection has its own."""
        ledgers = [DatabaseLedger(store(tmp_path / "one.db")) for _ in range(2)]
        assert_shared(await waits(ledgers, 20))
        assert (await waits(ledgers, 3, "slack.acquired")) == [0.0] * 3

    @pytest.mark.parametrize("fault", ["dropped", "closed", "locked"])
    async def test_a_database_that_does_not_answer(
        self, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The process keeps the limit by itself, and soon: no call of a cut waits for a database."""
        monkeypatch.setattr(call_budget, "_PATIENCE", 0.1)
        ledger, other = DatabaseLedger(store(tmp_path / "one.db")), store(tmp_path / "one.db")
        began = time.monotonic()
        with other.engine.connect() as connection:
            if fault == "dropped":
                connection.execute(text("DROP TABLE call_budget"))
                connection.commit()
            elif fault == "closed":
                ledger.close()
            else:
                connection.execute(text("UPDATE call_budget SET name = name"))  # holds the writers' lock
            assert_shared(await waits([ledger], 20))
            assert time.monotonic() - began < 5

    async def test_a_clock_that_was_ahead(self, tmp_path: Path) -> None:
        """What a wrong clock has booked an hour ahead holds up nobody."""
        ledger = DatabaseLedger(store(tmp_path / "one.db"))
        ahead = ledger.store.clock.machine
        ledger.store.clock.machine = lambda: ahead().replace(year=ahead().year + 1)
        await waits([ledger], 20)
        ledger.store.clock.machine = ahead
        assert await waits([ledger], 3) == [0.0] * 3
