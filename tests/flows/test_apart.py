"""Nothing that the serving or the watching process does beside the cut can delay it, and nothing of theirs another thing of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest

from flows import serve, watch

SERVING = {"carry", "sweep", "workers", "restores", "health"}
WATCHING = {"rechecks", "collect-again", "papers", "anchor"}


class Turns:
    """The turns of one process, which counts them; *hangs* is the one that never comes back."""

    def __init__(self, process: ModuleType, hangs: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: dict[str, int] = {}
        self._hangs = hangs

        @asynccontextmanager
        async def opened(*_: object, **__: object) -> AsyncIterator[Mock]:
            yield Mock()

        for name in ("open_context", "pulsing"):
            monkeypatch.setattr(process, name, opened)
        for name in ("again", "in_runs"):
            monkeypatch.setattr(process, name, self.take)

    async def take(self, _pulse: object, name: str, _turn: Callable[..., Awaitable[object]], **_: object) -> None:
        for count in range(1, 4):
            self.taken[name] = count
            await (asyncio.Event().wait() if name == self._hangs else asyncio.sleep(0))


@pytest.mark.parametrize("hangs", sorted(SERVING - {"carry"}))
async def test_what_is_due_is_looked_for_whatever_hangs_beside_it(monkeypatch: pytest.MonkeyPatch, hangs: str) -> None:
    """A sweep over a thousand plans, a Prefect that never answers, a restore's vendor: what is due is still taken up twice a second; looks are none of its turns."""
    monkeypatch.setattr(serve, "answering", lambda *_: nullcontext())
    for name in ("CarryingLoop", "HealthMonitor"):
        monkeypatch.setattr(serve, name, Mock())
    await ended(serve.serve(), turns := Turns(serve, hangs, monkeypatch))
    assert turns.taken == {name: 1 if name == hangs else 3 for name in SERVING}


@pytest.mark.parametrize("hangs", sorted(WATCHING))
async def test_one_that_hangs_stops_no_other(monkeypatch: pytest.MonkeyPatch, hangs: str) -> None:
    """A slow look delays neither the logs nor the papers, and no cut: that is another process's."""
    await ended(watch.watch(), turns := Turns(watch, hangs, monkeypatch))
    assert turns.taken == {name: 1 if name == hangs else 3 for name in WATCHING}


async def ended(process: Awaitable[Any], turns: Turns) -> None:
    """Let *process* run until whatever does not hang has taken all its turns."""
    with suppress(TimeoutError):
        await asyncio.wait_for(process, 0.1)
    assert turns.taken
