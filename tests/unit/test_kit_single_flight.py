"""A request that several share: its failure is each one's own, and it lasts as long as one of them waits."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import TypeVar

import pytest

from connectors import snapshot
from connectors.errors import ConnectorError, Throttled, Unreachable
from connectors.google_workspace.errors import ErrorBody, RequestRejected
from connectors.kit.answers import understood
from connectors.kit.exchange import Trace
from connectors.kit.limits import Rank, for_a_due_cut, rank_of
from connectors.kit.single_flight import SharedRead, SingleFlight
from connectors.snapshot import SharedValue
from models.vocabulary import Evidence

T = TypeVar("T")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
SHARED = "GET /list"


def evidence(what: str) -> Evidence:
    return Evidence(what, NOON, NOON, 200)


class TestFailure:
    async def test_is_each_ones_own(self) -> None:
        """What one of those who share a request adds to its failure, exchanges or words, is in no other's."""
        flight = SingleFlight[None]()

        async def ask(trace: Trace) -> None:
            trace.append(evidence(SHARED))
            await asyncio.sleep(0)
            raise Unreachable("slack: cannot list", evidence=tuple(trace))

        async def one(who: str) -> ConnectorError:
            trace = [evidence(f"GET /users/{who}")]
            with pytest.raises(Unreachable) as caught, understood("slack", trace):
                await flight.share("list", ask, trace)
            assert [x.what for x in trace] == [f"GET /users/{who}", SHARED]
            caught.value.reword(lambda words: f"{who}: {words}")
            return caught.value

        failures = await asyncio.gather(one("A"), one("B"))
        assert [[x.what for x in failure.evidence] for failure in failures] == [
            ["GET /users/A", SHARED],
            ["GET /users/B", SHARED],
        ]
        assert [str(failure) for failure in failures] == ["A: slack: cannot list", "B: slack: cannot list"]

    @pytest.mark.parametrize(
        "failure",
        [
            Throttled("x: cannot list", retry_after=timedelta(seconds=3), code="slow", remedy="Wait."),
            RequestRejected("x: cannot list", status=404, body=ErrorBody("notFound"), evidence=(evidence(SHARED),)),
        ],
        ids=lambda failure: type(failure).__name__,
    )
    async def test_says_the_same(self, failure: ConnectorError) -> None:
        """Its kind, its words and all that the vendor said are those of the shared one."""

        async def ask(_: Trace) -> None:
            raise failure

        with pytest.raises(type(failure)) as caught:
            await SingleFlight[None]().share("list", ask, [])
        assert caught.value is not failure
        assert (caught.value.args, vars(caught.value)) == (failure.args, vars(failure))


class TestGivingUp:
    @pytest.mark.parametrize("which", [0, 1], ids=["who began it", "who joined it"])
    async def test_ends_nobody_elses(self, which: int) -> None:
        """A caller that gives up does not end the request that others wait for, and it is sent once."""
        flight, answer, asked = SingleFlight[str](), asyncio.Event(), list[str]()

        async def ask(_: Trace) -> str:
            asked.append("list")
            await answer.wait()
            return "rows"

        callers = [asyncio.ensure_future(flight.share("list", ask, [])) for _ in range(3)]
        while not asked:
            await asyncio.sleep(0)
        callers[which].cancel()
        with pytest.raises(asyncio.CancelledError):
            await callers.pop(which)
        answer.set()
        assert await asyncio.gather(*callers) == ["rows", "rows"]
        assert asked == ["list"]

    async def test_of_all(self, caplog: pytest.LogCaptureFixture) -> None:
        """The failure of a request that nobody waits for any more is in no log: it holds the vendor's words."""
        answer = asyncio.Event()

        async def ask(_: Trace) -> None:
            await answer.wait()
            raise Unreachable("slack: cannot list: hanako@example.test")

        flight = SingleFlight[None]()
        caller = await began(flight.share("list", ask, []))
        caller.cancel()
        await asyncio.wait([caller])
        del caller
        answer.set()
        await began(asyncio.sleep(0))
        gc.collect()
        assert caplog.text == ""

    async def test_before_it_began(self) -> None:
        """A request that was cancelled while it waited for another, as a loop that ends cancels all, is nobody's answer."""
        flight, lists = SingleFlight[int](), Lists()
        running = asyncio.all_tasks()
        first = await began(flight.share("list", lists.ask, []))
        second = await began(flight.share("list", lists.ask, []))
        for task in asyncio.all_tasks() - running:
            task.cancel()
        await asyncio.wait([first, second])
        third = await began(flight.share("list", lists.ask, []))
        lists.reads[-1][1].set()
        assert await third == 2


class TestSharedRead:
    @pytest.mark.parametrize("which", [0, 1], ids=["who began it", "who joined it"])
    async def test_one_gives_up(self, which: int) -> None:
        """A caller that gives up ends the read for nobody else; the read goes on once, with its evidence."""
        answer, asked = asyncio.Event(), list[str]()

        async def ask(trace: Trace) -> str:
            asked.append("user")
            await answer.wait()
            trace.append(evidence("GET /user"))
            return "row"

        read, trace = SharedRead(ask), list[Evidence]()
        callers = [await began(read.get(trace)) for _ in range(2)]
        callers[which].cancel()
        with pytest.raises(asyncio.CancelledError):
            await callers.pop(which)
        answer.set()
        assert await callers[0] == await read.get([]) == "row"
        assert (asked, [x.what for x in trace]) == (["user"], ["GET /user"])

    async def test_all_give_up(self) -> None:
        """Nothing runs on when the last caller has given up, and who asks later has a read of its own."""
        before, answer = asyncio.all_tasks(), asyncio.Event()

        async def ask(_: Trace) -> str:
            await answer.wait()
            return "row"

        read = SharedRead(ask)
        callers = [await began(read.get([])) for _ in range(2)]
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
        assert all(caller.cancelled() for caller in callers)
        assert asyncio.all_tasks() == before
        answer.set()
        assert await read.get([]) == "row"


@dataclass
class Lists:
    """A list that is read slowly: each read ends when its event is set."""

    reads: list[tuple[Rank, asyncio.Event]] = field(default_factory=list)

    async def ask(self, _: Trace) -> int:
        self.reads.append((rank_of(), asyncio.Event()))
        number = len(self.reads)
        await self.reads[-1][1].wait()
        return number

    @property
    def ranks(self) -> list[Rank]:
        return [rank for rank, _ in self.reads]


async def began(work: Coroutine[object, object, T]) -> asyncio.Task[T]:
    """Begin *work*, and let all that is ready go as far as it can."""
    task = asyncio.ensure_future(work)
    for _ in range(8):
        await asyncio.sleep(0)
    return task


class TestRank:
    async def test_a_due_cut_waits_for_no_listing(self) -> None:
        """It does not wait until a listing of lower rank has ended; those that came before go with it, so that no call is added."""
        flight, lists = SingleFlight[int](), Lists()
        first = await began(flight.share("list", lists.ask, []))
        second = await began(flight.share("list", lists.ask, []))
        with for_a_due_cut():
            due = await began(flight.share("list", lists.ask, []))
        assert lists.ranks == [Rank.OTHER, Rank.DUE]
        lists.reads[1][1].set()
        assert (await second, await due) == (2, 2)
        lists.reads[0][1].set()
        assert await first == 1

    async def test_among_equals(self) -> None:
        """A due cut that comes while another's list is read waits for it, and gives its rank to the next."""
        flight, lists = SingleFlight[int](), Lists()
        with for_a_due_cut():
            first = await began(flight.share("list", lists.ask, []))
        second = await began(flight.share("list", lists.ask, []))
        with for_a_due_cut():
            due = await began(flight.share("list", lists.ask, []))
        assert lists.ranks == [Rank.DUE]
        lists.reads[0][1].set()
        await first
        await asyncio.sleep(0)
        assert lists.ranks == [Rank.DUE, Rank.DUE]
        lists.reads[1][1].set()
        assert (await second, await due) == (2, 2)

    async def test_overtaken(self) -> None:
        """A listing that was overtaken ends when it ends; what is asked afterwards is read anew."""
        flight, lists = SingleFlight[int](), Lists()
        first = await began(flight.share("list", lists.ask, []))
        with for_a_due_cut():
            due = await began(flight.share("list", lists.ask, []))
        later = await began(flight.share("list", lists.ask, []))
        for _, may_end in lists.reads:
            may_end.set()
        assert (await first, await due) == (1, 2)
        await asyncio.sleep(0)
        lists.reads[2][1].set()
        assert await later == 3

    async def test_of_a_snapshot(self) -> None:
        """One that the night's work began goes as fast as a due cut's own, since a due cut may wait for it."""
        ranks = list[Rank]()

        async def read() -> None:
            ranks.append(rank_of())

        await SharedValue(read).get()
        assert (ranks, rank_of()) == ([Rank.DUE], Rank.OTHER)


async def test_a_snapshot_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shared for fifteen minutes, and then read again."""
    now = [100.0]
    monkeypatch.setattr(snapshot, "time", SimpleNamespace(monotonic=lambda: now[0]))
    reads = count(1)

    async def read() -> int:
        return next(reads)

    shared = SharedValue(read)
    seen = []
    for now[0] in (100.0, 1000.0, 1001.0):
        seen.append(await shared.get())
    assert seen == [1, 1, 2]
