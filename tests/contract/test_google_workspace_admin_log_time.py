"""Google Workspace: how often the tenant's admin log is read, and from where, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import Throttled
from connectors.google_workspace import admin_log
from connectors.google_workspace.admin_log import AdminLog
from models.vocabulary import EntitlementKind, Evidence

K = EntitlementKind


class _Vendor:
    """Answers each reading with nothing, and notes from where it was asked to begin."""

    def __init__(self) -> None:
        self.begun: list[datetime | None] = []
        self.readings: weakref.WeakSet[asyncio.Task[None]] = weakref.WeakSet()
        self.ended = 0
        self.fails = 0

    async def pages(self, _: str, from_at: datetime | None, log: list[Evidence]) -> AsyncIterator[list[dict[str, Any]]]:
        assert len(self.begun) == self.ended, "a reading begins before the last one has ended"
        self.begun.append(from_at)
        self.readings.add(_this_task())
        await asyncio.sleep(0.05)
        self.ended += 1
        now = datetime.now(UTC)
        if self.fails:
            self.fails -= 1
            raise Throttled("google_workspace: cannot read the admin log: rateLimitExceeded")
        log.append(Evidence("GET /log", now, now, 200, vendor_at=now - timedelta(hours=5)))
        yield []


async def _no_wait(_: float) -> None:
    """Stand where waiting would take time that the clock of the test does not know."""


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def _ask(log: AdminLog, keys: Iterable[str]) -> None:
    await asyncio.gather(*(log.newest(K.PASSWORD, key, ["x@hoshizora.example"], []) for key in keys))


class TestTime:
    async def test_how_often(self) -> None:
        """A reading serves for three seconds; after an hour the log is begun anew; in between it is read on, by Google's clock."""
        now, vendor = [1000.0], _Vendor()
        log = AdminLog(vendor.pages, clock=lambda: now[0])
        for seconds in (0.0, 2.9, 0.2, 3500.0, 100.0):
            now[0] += seconds
            await _ask(log, ["a", "b"])
        assert [begun is None for begun in vendor.begun] == [True, False, False, True]
        (second, _) = (begun for begun in vendor.begun if begun is not None)
        assert datetime.now(UTC) - second > timedelta(hours=5, minutes=15)
        now[0] += 0.1
        log.note_asked("a")
        await _ask(log, ["b"])
        assert len(vendor.begun) == 4
        await _ask(log, ["a"])
        assert len(vendor.begun) == 5

    async def test_one_after_the_other(self) -> None:
        """The next reading begins when the last one has ended, so that none puts back what a later one has shown."""
        vendor = _Vendor()
        log = AdminLog(vendor.pages)
        first = asyncio.ensure_future(_ask(log, ["a"]))
        while not vendor.begun:
            await asyncio.sleep(0)
        log.note_asked("b")
        await asyncio.gather(first, _ask(log, ["b"]))
        assert len(vendor.begun) == 2

    async def test_to_the_last_page(self) -> None:
        """A reading that begins the log anew takes nothing from who still waits for another event: it counts when it is whole."""
        at, now = datetime.now(UTC), [1000.0]
        record = {
            "id": {"time": at.isoformat()},
            "events": [
                {"name": "RESET_SIGNIN_COOKIES", "parameters": [{"name": "USER_EMAIL", "value": "x@y.example"}]}
            ],
        }
        sessions, blocks, begun_anew = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def pages(name: str, _: datetime | None, log: list[Evidence]) -> AsyncIterator[list[dict[str, Any]]]:
            log.append(Evidence("GET /log", at, at, 200))
            if name == "SUSPEND_USER":
                await blocks.wait()
                yield []
            elif now[0] == 1000.0:
                yield [record]
            else:
                yield []
                begun_anew.set()
                await sessions.wait()
                yield [record]

        log = AdminLog(pages, clock=lambda: now[0])
        waiting = asyncio.ensure_future(log.newest(K.SESSION, "a", ["x@y.example"], []))
        await asyncio.sleep(0.05)
        now[0] += admin_log.WHOLE_AGAIN + 1.0
        other = asyncio.ensure_future(log.newest(K.SESSION, "b", ["x@y.example"], []))
        await begun_anew.wait()
        blocks.set()
        assert await waiting == at
        sessions.set()
        assert await other == at

    async def test_after_a_failure(self) -> None:
        """
        A failure is not a reading: the question after it is put to Google, though no time has passed.

        Where the log was to be begun anew, it still is.
        """
        now, vendor = [1000.0], _Vendor()
        log = AdminLog(vendor.pages, clock=lambda: now[0])
        for _ in range(2):
            vendor.fails = 1
            with pytest.raises(Throttled):
                await _ask(log, ["a"])
            await _ask(log, ["a"])
            now[0] += admin_log.WHOLE_AGAIN + 1.0
        assert vendor.begun == [None] * 4

    async def test_an_outage(self) -> None:
        """Through a night in which every reading fails, and every leaver is cut, nothing is kept of those that are past."""
        now, vendor = [1000.0], _Vendor()
        log = AdminLog(vendor.pages, clock=lambda: now[0])
        vendor.fails = 20
        for n in range(20):
            now[0] += 10.0
            log.note_asked(f"leaver {n}")
            with pytest.raises(Throttled):
                await _ask(log, ["a"])
        gc.collect()
        assert len(vendor.begun) == 20
        assert len(vendor.readings) == 1
        assert len(log._asked_at) == 1

    def test_another_loop(self) -> None:
        """A connector that is used from another event loop reads there."""
        vendor = _Vendor()
        log = AdminLog(vendor.pages, clock=lambda: 1000.0)
        for _ in range(2):
            asyncio.run(_ask(log, ["a", "b"]))
        assert len(vendor.begun) == 2
