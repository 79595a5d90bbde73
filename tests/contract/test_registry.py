"""A connection is open once in a process, however many cases use it."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors import registry
from connectors.errors import NotConfigured
from connectors.kit.limits import Ledger, Limit, Rank
from connectors.registry import open_connectors
from connectors.settings import prefix_of
from emulators.fault_proxy import FaultProxy, served
from emulators.slack import Tenant
from models.vocabulary import ConnectionId, Service
from tests.contract.rig_slack import settings_for

GOOGLE, SLACK = Service.GOOGLE_WORKSPACE, Service.SLACK


@dataclass
class Book:
    """A ledger that allows everything, and notes for which connection it was asked."""

    asked: list[ConnectionId] = field(default_factory=list)

    async def take(self, connection: ConnectionId, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
        self.asked.append(connection)
        return 0.0, 1.0


class Opened:
    """Stands for a connector, and says whether it was closed."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Opened]:
    """What has been opened, in order; opening takes a moment."""
    made: list[Opened] = []

    async def opening(_: str, ledger: Ledger) -> Any:
        await asyncio.sleep(0)
        made.append(Opened(ledger))
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


async def took(ledger: Ledger) -> float:
    """Take a call from *ledger*, as a connector does; return the seconds that it waits."""
    wait, _ = await ledger.take(SLACK, Limit("list", 20, "vendor.example/limits"), 1, Rank.OTHER)
    return wait


class TestLedger:
    @pytest.mark.parametrize("ends", [0, 1], ids=["the first ends", "the newest ends"])
    async def test_is_one_that_is_open(self, opened: list[Opened], ends: int) -> None:
        """What a shared connector asks for is taken from the newest who has it open, never from one who has given it back."""
        books = [Book(), Book()]
        contexts = [open_connectors([SLACK], strict=False, ledger=book) for book in books]
        for context in contexts:
            await context.__aenter__()
        await took(opened[0].ledger)
        assert [len(book.asked) for book in books] == [0, 1]
        await contexts[ends].__aexit__(None, None, None)
        await took(opened[0].ledger)
        assert len(books[1 - ends].asked) == 2 - ends
        await contexts[1 - ends].__aexit__(None, None, None)
        assert [one.closed for one in opened] == [1]

    async def test_is_brought_by_another(self, opened: list[Opened]) -> None:
        """A case without a ledger uses that of another one; while nobody has brought one, the process keeps the limits alone."""
        book = Book()
        async with open_connectors([SLACK]):
            async with open_connectors([SLACK], ledger=book), open_connectors([SLACK]):
                await took(opened[0].ledger)
            assert book.asked == [SLACK]
            waits = [await took(opened[0].ledger) for _ in range(30)]
            assert waits[0] == 0
            assert max(waits) > 50
            assert book.asked == [SLACK]

    async def test_reaches_the_connector(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """What a connection's calls are taken from is the given ledger, by the connection's own id."""
        monkeypatch.chdir(tmp_path)
        tenant, book = Tenant(), Book()
        with served(FaultProxy(tenant.app)) as root:
            for name, value in settings_for(tenant, root).model_dump(exclude_defaults=True).items():
                text = value.get_secret_value() if isinstance(value, SecretStr) else value
                monkeypatch.setenv(f"LASTDAY_SLACK_ACQUIRED_{name.upper()}", text)
            async with open_connectors(["slack.acquired"], ledger=book) as mine:
                await mine["slack.acquired"].probe()
        assert set(book.asked) == {"slack.acquired"}


class TestSettings:
    @pytest.mark.parametrize("connection", [SLACK, "slack.acquired", GOOGLE, Service.MICROSOFT365])
    async def test_limits_that_are_not_json(
        self, connection: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A setting that is not JSON is named, and its value is not shown."""
        monkeypatch.chdir(tmp_path)
        variable = f"{prefix_of(connection)}LIMITS"
        monkeypatch.setenv(variable, "users.info=hunter2")
        with pytest.raises(NotConfigured, match=f"{variable}: it is not JSON") as refusal:
            async with open_connectors([connection]):
                raise AssertionError("it was opened")
        assert "hunter2" not in "".join(traceback.format_exception(refusal.value))
