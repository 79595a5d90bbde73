"""A connection is open once in a process, however many cases use it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors import registry
from connectors.errors import NotConfigured
from connectors.registry import open_connectors
from models.vocabulary import Service

GOOGLE, SLACK = Service.GOOGLE_WORKSPACE, Service.SLACK


class Opened:
    """Stands for a connector, and says whether it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Opened]:
    """What has been opened, in order; opening takes a moment."""
    made: list[Opened] = []

    async def opening(_: str, _ledger: object) -> Any:
        await asyncio.sleep(0)
        made.append(Opened())
        return made[-1]

    monkeypatch.setattr(registry, "_open", opening)
    return made


class TestShared:
    async def test_is_closed_by_the_last(self, opened: list[Opened]) -> None:
        """Two carriers of one process have the same connector; the first one's end leaves it to the other."""
        async with open_connectors([SLACK]) as first:
            async with open_connectors([SLACK]) as second:
                assert first[SLACK] is second[SLACK]
            assert [one.closed for one in opened] == [0]
        assert [one.closed for one in opened] == [1]

    async def test_is_opened_anew_after_the_last(self, opened: list[Opened]) -> None:
        """What nobody uses is not kept: a new key is read by the next case."""
        for _ in range(2):
            async with open_connectors([SLACK]):
                pass
        assert [one.closed for one in opened] == [1, 1]

    async def test_two_at_one_time(self, opened: list[Opened]) -> None:
        """Whoever opens while another one is opening has the same one in the end, and what was opened in vain is closed."""

        async def use() -> object:
            async with open_connectors([SLACK]) as mine:
                await asyncio.sleep(0.01)
                return mine[SLACK]

        one, other = await asyncio.gather(use(), use())
        assert one is other
        assert [each.closed for each in opened] == [1, 1]

    async def test_each_connection_has_its_own(self, opened: list[Opened]) -> None:
        """Two tenants are never mistaken for one another."""
        async with open_connectors([SLACK, "slack.acquired", GOOGLE]) as mine:
            assert len({id(connector) for connector in mine.values()}) == 3

    async def test_a_failure_is_not_shared(self, opened: list[Opened], monkeypatch: pytest.MonkeyPatch) -> None:
        """What could not be opened for one case is tried anew for the next, while the first one is still carried."""
        works = registry._open

        async def failing(connection: str, _ledger: object) -> Any:
            raise NotConfigured(f"{connection}: cannot be opened")

        monkeypatch.setattr(registry, "_open", failing)
        async with open_connectors([SLACK], strict=False) as first:
            monkeypatch.setattr(registry, "_open", works)
            async with open_connectors([SLACK]) as second:
                assert id(second[SLACK]) == id(opened[0]) != id(first[SLACK])
        assert [one.closed for one in opened] == [1]
