"""The event loop of a run never waits for the database: while another process holds the writers' lock, everything else goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable

import pytest

from casework import runbook
from casework.context import Context
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
