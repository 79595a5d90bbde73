"""The event loop of a run never waits for the database: while another process holds the writers' lock, everything else goes on."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable

import pytest

from casework import runbook, store
from casework.context import Context
from casework.errors import StillOpen
from casework.store import in_turn
from models.tables import Case
from tests.casework.conftest import Office

_TICKS = 20


class Holder:
    """Another process that holds the writers' lock until the event loop has gone round so many times."""

    def __init__(self, context: Context) -> None:
        path = str(context.store.engine.url.database)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.held = 0

    async def hold(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for _ in range(_TICKS):
            await asyncio.sleep(0.005)
        self._connection.execute("ROLLBACK")
        self.held += 1


async def test_a_run_waits_for_the_writers_lock_and_its_loop_does_not(office: Office) -> None:
    """The lock is let go by the very loop on which the run waits for it, before each of its steps: a loop that waited would hang."""
    case, holder = office.report(), Holder(office.context)
    office.clock.pass_by(hours=10)

    async def held(_step: str, work: Callable[[], object], _connection: object = None, /) -> None:
        holding = asyncio.ensure_future(holder.hold())
        await asyncio.sleep(0)
        await asyncio.gather(work(), holding)  # type: ignore[call-overload]  # a coroutine

    async with asyncio.timeout(60), runbook.claim(office.context, case.id, "run") as ours:
        assert ours
        await runbook.offboard(office.context, case.id, held)
    assert holder.held >= 4
    assert not office.paper.holders["g1"].active


async def test_an_outcome_is_committed_also_if_nobody_waits_for_it_any_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work that was begun in the store's thread goes to its end, whatever became of who asked for it."""
    begun, holder = asyncio.Event(), Holder(office.context)
    case, loop = office.report(), asyncio.get_running_loop()

    def write() -> None:
        loop.call_soon_threadsafe(begun.set)
        with office.context.store.write() as session:
            session.merge(case).revision = 99

    holding = asyncio.ensure_future(holder.hold())
    await asyncio.sleep(0)
    asking = asyncio.ensure_future(office.context.store.run(write))
    await begun.wait()
    asking.cancel()
    await asyncio.wait({asking, holding})
    assert asking.cancelled()
    await office.context.store.run(lambda: None)
    assert office.context.case(case.id).revision == 99


class TestTurns:
    async def ran(self, office: Office, *jobs: tuple[str, dict[str, bool] | None]) -> list[str]:
        """Return the order in which *jobs* are done that begin in this one, each in its turn, while the thread is busy."""
        store, busy, done, began = office.context.store, threading.Event(), list[str](), asyncio.Event()

        async def job(name: str, turn: dict[str, bool] | None, *, first: bool) -> None:
            if turn is None:
                await began.wait()
                await store.run(done.append, name)
                return
            with in_turn(**turn):
                if first:  # whose place is the first comes with its job the last
                    await began.wait()
                await store.run(done.append, name)

        holding = asyncio.ensure_future(store.run(busy.wait))
        asked = [asyncio.ensure_future(job(*one, first=n == 0)) for n, one in enumerate(jobs)]
        await asyncio.sleep(0.01)
        began.set()
        await asyncio.sleep(0.01)
        busy.set()
        await asyncio.gather(holding, *asked)
        return done

    async def test_of_two_cases_the_one_that_came_first_goes_first(self, office: Office) -> None:
        """Two hundred that are cut in step are all cut late; one after the other, half of them are cut in half the time."""
        assert await self.ran(office, ("first", {}), ("second", {}), ("third", {})) == ["first", "second", "third"]

    async def test_a_cut_goes_before_what_is_left_of_others(self, office: Office) -> None:
        """Whoever came first and is blocked waits with the rest until the last one is."""
        assert await self.ran(office, ("rest", {"cut": True}), ("cut", {}), ("another", {})) == [
            "cut",
            "another",
            "rest",
        ]

    async def test_an_emergency_goes_before_them(self, office: Office) -> None:
        """A dismissal is not kept by two hundred who leave by the calendar, nor is what belongs to no case: a lease that is renewed."""
        others = ("cut", {"cut": True}), ("dismissed", {"first": True}), ("lease", None)
        assert await self.ran(office, ("case", {}), *others) == ["dismissed", "lease", "case", "cut"]

    async def test_a_part_of_a_case_keeps_its_place(self, office: Office) -> None:
        """What a case does once it is cut comes in the order of the cases as well."""
        order = list[str]()

        async def case(name: str, waits: asyncio.Event) -> None:
            with in_turn():
                ready.release()
                await waits.wait()
                with in_turn(cut=True):
                    await office.context.store.run(order.append, name)

        ready, earlier, later, busy = asyncio.Semaphore(0), asyncio.Event(), asyncio.Event(), threading.Event()
        cases = [asyncio.ensure_future(case("earlier", earlier)), asyncio.ensure_future(case("later", later))]
        await ready.acquire()
        await ready.acquire()
        holding = asyncio.ensure_future(office.context.store.run(busy.wait))
        for one in (later, earlier):
            one.set()
            await asyncio.sleep(0.01)
        busy.set()
        await asyncio.gather(holding, *cases)
        assert order == ["earlier", "later"]

    async def test_a_run_takes_its_turn_by_what_its_case_is(self, office: Office) -> None:
        """Of three that were claimed one after the other: the emergency before the rest, what is contained already after them."""
        store, busy, order = office.context.store, threading.Event(), list[str]()
        claimed, begin = asyncio.Semaphore(0), asyncio.Event()

        async def run(case_id: str, name: str) -> None:
            async with runbook.claim(office.context, case_id, name):
                claimed.release()
                await begin.wait()
                await store.run(order.append, name)

        cases = {name: office.report(employee_no=name) for name in ("contained", "calendar", "emergency")}
        with store.write() as session:
            session.get_one(Case, cases["contained"].id).contained_at = office.clock()
            session.get_one(Case, cases["emergency"].id).at_once_at = office.clock()
        runs = []
        for name, case in cases.items():
            runs.append(asyncio.ensure_future(run(case.id, name)))
            await claimed.acquire()
        holding = asyncio.ensure_future(store.run(busy.wait))
        begin.set()
        await asyncio.sleep(0.01)
        busy.set()
        await asyncio.gather(holding, *runs)
        assert order == ["emergency", "calendar", "contained"]

    async def test_ends_with_its_block(self, office: Office) -> None:
        """What a run does once it has left its case, the lease that it gives back, waits for nobody's cut."""
        store, busy, order = office.context.store, threading.Event(), list[str]()

        async def case() -> None:
            with in_turn():
                await store.run(order.append, "case")

        with in_turn(cut=True):
            pass
        holding = asyncio.ensure_future(store.run(busy.wait))
        asked = [asyncio.ensure_future(case()), asyncio.ensure_future(store.run(order.append, "lease"))]
        await asyncio.sleep(0.01)
        busy.set()
        await asyncio.gather(holding, *asked)
        assert order == ["lease", "case"]

    async def test_what_follows_the_block_waits_for_other_cuts(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Containing is done in the case's own place; taking the rest away, and looking, when all others are contained."""
        waits = dict[str, bool]()
        for step in ("contain", "deprovision", "observe_until_closed"):

            async def look(*_: object, step: str = step) -> None:
                waits[step] = store._turn.get()[0]

            monkeypatch.setattr(runbook, step, look)
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert waits == {"contain": False, "deprovision": True, "observe_until_closed": True}

    async def test_what_goes_wrong_is_raised_where_it_is_awaited(self, office: Office) -> None:
        """And the thread goes on with the next one."""

        def wrong() -> None:
            raise LookupError("here")

        with pytest.raises(LookupError, match="here"):
            await office.context.store.run(wrong)
        assert await office.context.store.run(lambda: 1) == 1

    async def test_what_is_refused_at_the_end_takes_nobodys_turn(self, office: Office) -> None:
        """Asked for after the store was shut: who waits already is served, and nothing is done that was refused."""
        store, busy, done = office.context.store, threading.Event(), list[str]()

        async def rest() -> None:
            with in_turn(cut=True):
                await store.run(done.append, "rest")

        asked = [asyncio.ensure_future(store.run(busy.wait)), asyncio.ensure_future(rest())]
        await asyncio.sleep(0.01)
        store.thread.shutdown(wait=False)
        with pytest.raises(RuntimeError):
            await store.run(done.append, "refused")
        busy.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*asked)
        assert done == ["rest"]
