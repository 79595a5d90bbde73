"""The calls that a vendor's limits allow are shared through the database."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from audit.trail import Trail
from casework import call_budget
from casework.call_budget import DatabaseLedger
from casework.schema import migrate
from casework.store import Store, open_engine
from connectors.kit.limits import Limit, Rank
from tests.unit.test_kit_limits import FEW, let_go, most_within

LIMIT = Limit("list", 20, "vendor.example/limits")


def store(path: Path) -> Store:
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    return Store(engine, Trail(origin="test.example/audit/2026"))


def turn_to(stores: list[Store], at: float) -> None:
    """Set the clocks."""
    for one in stores:
        one.clock.machine = lambda: datetime.fromtimestamp(at, UTC)


async def waits(
    ledgers: list[DatabaseLedger], many: int, connection: str = "slack", *, rank: Rank = Rank.OTHER
) -> list[float]:
    """Return the seconds that each of so many calls waits, taken in turn by each ledger."""
    found = await asyncio.gather(*(ledgers[n % len(ledgers)].take(connection, LIMIT, 1, rank) for n in range(many)))
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

    async def test_during_a_lock(self, tmp_path: Path) -> None:
        """Only the first call waits for the database, and each process goes on from what all had taken."""
        ledgers = [DatabaseLedger(store(tmp_path / "one.db")) for _ in range(2)]
        for _ in range(10):
            await waits(ledgers, 2, rank=Rank.URGENT)
        with ledgers[0].store.engine.connect() as connection:
            connection.execute(text("UPDATE call_budget SET name = name"))
            first = await waits(ledgers, 2, rank=Rank.URGENT)
            began = time.monotonic()
            later = [wait for _ in range(20) for wait in await waits(ledgers, 2, rank=Rank.URGENT)]
            assert time.monotonic() - began < call_budget._PATIENCE
        assert len([wait for wait in (*first, *later) if wait < 54]) <= 1

    async def test_a_lock_of_a_moment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three processes go on from what all had taken before a lock, and soon share again: together they take one limit, not three."""
        monkeypatch.setattr(call_budget, "_PATIENCE", 0.1)
        ledgers = [DatabaseLedger(store(tmp_path / "one.db")) for _ in range(3)]
        await waits(ledgers, 12, rank=Rank.URGENT)
        with ledgers[0].store.engine.connect() as connection:
            connection.execute(text("UPDATE call_budget SET name = name"))
            during = await waits(ledgers, 3, rank=Rank.URGENT)
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.3)
        after = [wait for _ in range(20) for wait in await waits(ledgers, 3, rank=Rank.URGENT)]
        assert during == [0.0] * 3
        assert {ledger._late for ledger in ledgers} == {None}, "each waits for it as long as before"
        assert 12 + len([wait for wait in (*during, *after) if wait < 54]) <= 20 + 2 * 3

    @pytest.mark.parametrize("fails", [False, True], ids=["answers late", "fails late"])
    async def test_a_database_that_is_slow(self, tmp_path: Path, fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first call waits for it, later ones hardly; what they take is still counted here, and booked there with the next."""
        monkeypatch.setattr(call_budget, "_PATIENCE", 0.1)
        ledger, other = DatabaseLedger(store(tmp_path / "one.db")), DatabaseLedger(store(tmp_path / "one.db"))
        take, waited, taken = DatabaseLedger._take, list[float](), list[float]()

        def slowly(*args: Any) -> Any:
            time.sleep(0.15)
            with monkeypatch.context() as failing:
                if fails:
                    failing.setattr(call_budget, "_WRITE", call_budget._WRITE.where(text("no_such_column")))
                return take(*args)

        with monkeypatch.context() as slow:
            slow.setattr(DatabaseLedger, "_take", slowly)
            for _ in range(3):
                began = time.monotonic()
                for _ in range(4):
                    taken += await waits([ledger], 1, rank=Rank.URGENT)
                waited.append(time.monotonic() - began)
                await asyncio.sleep(0.3)
        monkeypatch.setattr(call_budget, "_PATIENCE", 60.0)
        assert [one > 0.08 for one in waited] == [True, False, False]
        taken += await waits([ledger], 1, rank=Rank.URGENT)
        assert taken == [0.0] * 13
        taken += await waits([other], 10, rank=Rank.URGENT)
        taken += await waits([ledger], 10, rank=Rank.URGENT)
        assert len([wait for wait in taken if wait < 54]) == 20

    @pytest.mark.parametrize("limit", [LIMIT, replace(LIMIT, a_minute=180, bucket=20)], ids=["in slots", "in a bucket"])
    async def test_many_at_once_while_it_is_slow(
        self, tmp_path: Path, limit: Limit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of those that wait for it together, whatever became of each, every one is booked: twenty at once by two processes."""
        monkeypatch.setattr(call_budget, "_PATIENCE", 0.1)
        stores = [store(tmp_path / "one.db") for _ in range(2)]
        turn_to(stores, 1_800_000_000.0)
        ledger, other = map(DatabaseLedger, stores)
        take, goes_on = DatabaseLedger._take, threading.Event()

        def held(*args: Any) -> Any:
            goes_on.wait()
            return take(*args)

        async def urgent(one: DatabaseLedger, many: int) -> int:
            """Return how many of so many calls go at once."""
            found = await asyncio.gather(*(one.take("slack", limit, 1, Rank.URGENT) for _ in range(many)))
            return sum(wait == 0.0 for wait, _ in found)

        with monkeypatch.context() as slow:
            slow.setattr(DatabaseLedger, "_take", held)
            alone = await urgent(ledger, 6) + await urgent(ledger, 6)
            goes_on.set()
        await asyncio.sleep(0.3)
        monkeypatch.setattr(call_budget, "_PATIENCE", 60.0)
        assert (alone, await urgent(ledger, 1), await urgent(other, 20), await urgent(ledger, 1)) == (12, 1, 7, 0)

    async def test_one_lock_after_another(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The late answer to what was asked before the others does not make the process forget them: of thirty, twenty go at once."""
        monkeypatch.setattr(call_budget, "_PATIENCE", 0.1)
        ledger, taken = DatabaseLedger(store(tmp_path / "one.db")), list[float]()
        turn_to([ledger.store], 1_800_000_000.0)
        for _ in range(2):
            with ledger.store.engine.connect() as connection:
                connection.execute(text("UPDATE call_budget SET name = name"))
                for _ in range(15):
                    taken += await waits([ledger], 1, rank=Rank.URGENT)
            await asyncio.sleep(0.3)
        assert taken.count(0.0) == 20

    async def test_a_lock_that_all_exceeded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What processes took alone beyond the limit has gone: a call of a cut waits until that minute is over, no longer."""
        monkeypatch.setattr(call_budget, "_PATIENCE", 0.1)
        ledgers = [DatabaseLedger(store(tmp_path / "one.db")) for _ in range(3)]
        with ledgers[0].store.engine.connect() as connection:
            connection.execute(text("UPDATE call_budget SET name = name"))
            await waits(ledgers, 60, rank=Rank.URGENT)
        await asyncio.sleep(0.5)
        monkeypatch.setattr(call_budget, "_PATIENCE", 60.0)
        after = await waits(ledgers, 3, rank=Rank.URGENT)
        assert 50 < after[0] <= after[2] < 70

    @pytest.mark.parametrize("limit", FEW[::2], ids=lambda limit: limit.name)
    async def test_few_calls_for_three_processes(
        self, tmp_path: Path, limit: Limit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However small the limit, three processes together keep it."""
        monkeypatch.setattr(call_budget, "_PATIENCE", 60.0)
        stores = [store(tmp_path / "one.db") for _ in range(3)]
        gone = await let_go([DatabaseLedger(one) for one in stores], partial(turn_to, stores), limit, 240)
        assert most_within([at for at, _ in gone]) <= limit.a_minute
        assert len(gone) >= 3 * limit.a_minute

    async def test_a_clock_that_was_ahead(self, tmp_path: Path) -> None:
        """What a wrong clock has booked an hour ahead holds up nobody."""
        ledger = DatabaseLedger(store(tmp_path / "one.db"))
        ahead = ledger.store.clock.machine
        ledger.store.clock.machine = lambda: ahead().replace(year=ahead().year + 1)
        await waits([ledger], 20)
        ledger.store.clock.machine = ahead
        assert await waits([ledger], 3) == [0.0] * 3
