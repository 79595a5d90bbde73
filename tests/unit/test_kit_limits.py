"""A vendor's published limits are kept, by all processes together."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from connectors.errors import NotConfigured
from connectors.kit.limits import Ledger, Limit, Limits, OwnLedger, Rank, for_a_due_cut
from connectors.kit.semaphore import PrioritySemaphore

SLOW = Limit("list", 20, "vendor.example/limits")
WIDE = Limit("get", 2400, "vendor.example/limits", at_once=50)


@dataclass
class Time:
    """A clock that only sleeping moves."""

    at: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


def limits(time: Time, *rows: Limit, ledger: Ledger | None = None, raised: dict[str, int] | None = None) -> Limits:
    ledger = ledger or OwnLedger(time)
    return Limits("slack", rows, time.sleep, 30.0, raised or {}, ledger, time)


async def calls(kept: Limits, time: Time, name: str, many: int, *, urgent: bool = False) -> list[float]:
    """Make *many* calls at once; return when each was let go."""
    at: list[float] = []

    async def call() -> None:
        async with kept.turn(name, urgent=urgent):
            at.append(time())

    await asyncio.gather(*(call() for _ in range(many)))
    return at


def most_within(at: list[float], seconds: float = 60) -> int:
    """Return the most calls that any so many seconds hold."""
    when = sorted(at)
    return max(bisect_left(when, start + seconds) - bisect_left(when, start) for start in when)


async def let_go(
    ledgers: Sequence[Ledger],
    turn_to: Callable[[float], object],
    limit: Limit,
    seconds: float,
    ranks: Sequence[Rank] = tuple(Rank),
) -> list[tuple[float, Rank]]:
    """
    Return when each call goes, by rank, if each process asks for one of each rank after the other, as `Limits` does.  *turn_to* sets the
    ledgers' clock.
    """
    asking = [(1000.0, number, rank) for number in range(len(ledgers)) for rank in ranks]
    gone: list[tuple[float, Rank]] = []
    while asking[0][0] < 1000 + seconds:
        at, number, rank = heapq.heappop(asking)
        turn_to(at)
        goes = at + (await ledgers[number].take("slack", limit, 1, rank))[0]
        gone.append((goes, rank))
        heapq.heappush(asking, (goes, number, rank))
    return gone


def assert_poured(gone: list[float]) -> None:
    """A bucket of twenty, into which 180 a minute flow, never runs over."""
    level, last = 20.0, min(gone)
    for one in sorted(gone):
        level, last = min(20.0, level + 3.0 * (one - last)) - 1, one
        assert level >= -1e-6


FEW = [Limit(f"{calls} calls", calls, "x") for calls in range(1, 6)]
"""The smallest limits, of which a share is a call or two."""


class TestLimits:
    @pytest.mark.parametrize(
        ("limit", "many"),
        [
            (SLOW, 100),
            (WIDE, 6000),
            (Limit("once", 1, "x"), 4),
            (Limit("d", 180, "x", bucket=20), 600),
            (Limit("h", 50, "x", within=3600), 200),
            (Limit("r", 30, "x", within=10), 40),
        ],
    )
    @pytest.mark.parametrize("urgent", [False, True])
    async def test_no_minute_has_more(self, limit: Limit, many: int, urgent: bool) -> None:
        """However many call at once, no time of the limit has more calls than are published; and all of them come to their turn."""
        time = Time()
        at = await calls(limits(time, limit), time, limit.name, many, urgent=urgent)
        assert len(at) == many
        assert most_within(at, limit.within) <= limit.counted

    async def test_a_full_night_of_both(self) -> None:
        """Urgent calls and others together keep the limit too."""
        time = Time()
        kept = limits(time, SLOW)
        both = await asyncio.gather(
            calls(kept, time, "list", 60), calls(kept, time, "list", 40, urgent=True), calls(kept, time, "list", 20)
        )
        assert most_within([when for one in both for when in one]) <= SLOW.counted

    @pytest.mark.parametrize("clock", [0.0, 1000.0])
    async def test_a_few_do_not_wait(self, clock: float) -> None:
        """What a single leaver asks goes at once, on a machine that was just started too."""
        time = Time(clock)
        await calls(limits(time, SLOW), time, "list", 3)
        assert time.slept == []

    async def test_a_cut_in_a_full_minute(self) -> None:
        """More urgent calls than were left to them go as fast as the vendor allows: the others follow each other evenly."""
        time = Time()
        kept = limits(time, SLOW)
        listings = asyncio.ensure_future(calls(kept, time, "list", 200))
        while time() < 1100:
            await asyncio.sleep(0)
        began = time()
        assert max(await calls(kept, time, "list", 12, urgent=True)) - began <= 66
        await listings

    async def test_urgent_calls_wait_for_no_others(self) -> None:
        """A quarter of each limit is left to cuts, with places of their own: sixty listings that wait hold up none of five."""
        time = Time()
        kept = limits(time, Limit("list", 20, "x", at_once=2))
        listings = asyncio.ensure_future(calls(kept, time, "list", 60))
        for _ in range(8):
            await asyncio.sleep(0)
        began = time()
        assert await calls(kept, time, "list", 5, urgent=True) == [began] * 5
        await listings

    async def test_what_a_due_cut_searches(self) -> None:
        """It goes before the rest, and at once, but leaves the quarter that is for blocks."""
        time = Time()
        kept = limits(time, SLOW)
        listings = asyncio.ensure_future(calls(kept, time, "list", 60))
        for _ in range(8):
            await asyncio.sleep(0)
        began = time()
        with for_a_due_cut():
            searched = await calls(kept, time, "list", 15)
        assert len([at for at in searched if at - began <= 66]) >= 10
        assert max(searched) - began <= 132
        await listings
        time.at += 120
        with for_a_due_cut():
            assert len(set(await calls(kept, time, "list", 15))) == 1
        assert await calls(kept, time, "list", 5, urgent=True) == [time()] * 5

    async def test_blocks_beside_searches(self) -> None:
        """However many due cuts search at once, a quarter is left to blocks."""
        time = Time()
        kept = limits(time, SLOW)
        with for_a_due_cut():
            searches = asyncio.ensure_future(calls(kept, time, "list", 40))
        for _ in range(8):
            await asyncio.sleep(0)
        began = time()
        assert await calls(kept, time, "list", 5, urgent=True) == [began] * 5
        await searches

    async def test_a_due_search_waits_for_no_listing(self) -> None:
        """It has places and a share of its own: two of twenty go at once beside a hundred listings that wait."""
        time = Time()
        kept = limits(time, SLOW)
        listings = asyncio.ensure_future(calls(kept, time, "list", 100))
        while time() < 1100:
            await asyncio.sleep(0)
        began = time()
        with for_a_due_cut():
            assert await calls(kept, time, "list", 1) == [began]
        await listings

    async def test_a_bucket(self) -> None:
        """Where the vendor says how many it takes at once, its own bucket never runs over, at whatever moment the calls begin."""
        time, bucket = Time(1005.9), Limit("d", 180, "x", bucket=20)
        assert_poured(await calls(limits(time, bucket), time, "d", 90, urgent=True))

    async def test_a_bucket_for_three_processes(self) -> None:
        """It never runs over, whatever they ask for, and is used."""
        time, limit = Time(), Limit("d", 180, "x", bucket=20)
        gone = await let_go([OwnLedger(time)] * 3, lambda at: setattr(time, "at", at), limit, 300)
        assert_poured([at for at, _ in gone])
        assert len(gone) >= 0.8 * 5 * limit.a_minute

    async def test_all_of_a_bucket_is_used(self) -> None:
        """Twenty at once, then as fast as the vendor allows."""
        time, limit = Time(), Limit("d", 180, "x", bucket=20)
        at = await calls(limits(time, limit), time, "d", 60, urgent=True)
        assert at[:20] == [1000.0] * 20
        assert at[-1] - at[0] <= 40 * limit.within / (limit.a_minute - 20) + 1

    async def test_two_settings_of_one_bucket(self) -> None:
        """Processes that were started with other settings count each other's calls, also where one setting is about a bucket."""
        time, limit = Time(), Limit("d", 180, "x", bucket=20)
        ledger = OwnLedger(time)
        before, after = limits(time, limit, ledger=ledger), limits(time, limit, ledger=ledger, raised={"d": 360})
        for kept in (before, after, before):
            await calls(kept, time, "d", 20, urgent=True)
        assert time.at - 1000 >= 20 * 60 / (360 - 20)

    @pytest.mark.parametrize(("a_minute", "at_once"), [(360, 20), (90, 10), (45, 5), (3, 3)])
    async def test_a_bucket_that_a_setting_is_about(self, a_minute: int, at_once: int) -> None:
        """It stays: it shrinks with fewer calls, and does not grow with more."""
        time = Time()
        kept = limits(time, Limit("d", 180, "x", bucket=20), raised={"d": a_minute})
        at = await calls(kept, time, "d", 2 * at_once, urgent=True)
        assert len([one for one in at if one < 1000.1]) == at_once
        assert most_within(at) <= a_minute

    async def test_a_setting_of_less_than_a_call(self) -> None:
        """Three calls a minute of what the vendor counts in ten seconds are one in twenty seconds."""
        time = Time()
        kept = limits(time, Limit("r", 30, "x", within=10), raised={"r": 3})
        assert most_within(await calls(kept, time, "r", 12)) == 3

    @pytest.mark.parametrize("limit", FEW, ids=lambda limit: limit.name)
    @pytest.mark.parametrize("ranks", [tuple(Rank), (Rank.DUE, Rank.OTHER)], ids=["all", "no block"])
    async def test_few_calls_for_three_processes(self, limit: Limit, ranks: tuple[Rank, ...]) -> None:
        """However small the limit, three processes together keep it, and use it."""
        time = Time()
        gone = await let_go([OwnLedger(time)] * 3, lambda at: setattr(time, "at", at), limit, 1200, ranks)
        assert most_within([at for at, _ in gone]) <= limit.a_minute
        assert len(gone) >= 5 * limit.a_minute

    @pytest.mark.parametrize("limit", FEW[1:], ids=lambda limit: limit.name)
    async def test_a_block_among_few_calls(self, limit: Limit) -> None:
        """However many processes book ahead, a block waits for a minute at most where two calls a minute are allowed."""
        time = Time()
        ledger = OwnLedger(time)
        await let_go([ledger] * 12, lambda at: setattr(time, "at", at), limit, 300, (Rank.DUE, Rank.OTHER))
        assert (await ledger.take("slack", limit, 1, Rank.URGENT))[0] <= 66

    async def test_a_caller_that_gives_up(self) -> None:
        """It has used nothing: the next one goes when it would have gone."""
        time = Time()
        kept = limits(time, SLOW)
        await calls(kept, time, "list", 15)
        began = time()
        for _ in range(30):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await calls(kept, time, "list", 1)
        time.at = began
        (at,) = await calls(kept, time, "list", 1)
        assert at - began <= 66

    async def test_several_names_at_once(self) -> None:
        """A call that two limits are about keeps both."""
        time = Time()
        kept = limits(time, SLOW, WIDE)
        at: list[float] = []

        async def call() -> None:
            async with kept.turn("get", "list"):
                at.append(time())

        await asyncio.gather(*(call() for _ in range(60)))
        assert most_within(at) <= 20

    async def test_two_processes_share_one_ledger(self) -> None:
        """What one process has taken, the other has not."""
        time = Time()
        ledger = OwnLedger(time)
        one, two = limits(time, SLOW, ledger=ledger), limits(time, SLOW, ledger=ledger)
        both = await asyncio.gather(calls(one, time, "list", 30), calls(two, time, "list", 30))
        assert most_within([when for each in both for when in each]) <= 20

    async def test_a_busy_process_asks_the_ledger_seldom(self) -> None:
        """Thousands of calls take dozens of blocks, and one that makes a call now and then takes no more than it uses."""
        time, taken = Time(), Counter[int]()

        @dataclass
        class Counted(OwnLedger):
            async def take(self, connection: str, limit: Limit, calls: int, rank: Rank) -> tuple[float, float]:
                taken[calls] += 1
                return await OwnLedger.take(self, connection, limit, calls, rank)

        await calls(limits(time, WIDE, ledger=Counted(time)), time, "get", 1700)
        assert taken.total() <= 40
        taken.clear()
        seldom = limits(time, WIDE, ledger=Counted(time))
        for _ in range(5):
            await calls(seldom, time, "get", 1)
            time.at += 30
        assert taken == {1: 5}

    async def test_a_tenant_that_was_given_more(self) -> None:
        """A raised limit is the setting's; `*` is for all."""
        time = Time()
        await calls(limits(time, SLOW, raised={"list": 4000}), time, "list", 100)
        await calls(limits(time, SLOW, raised={"*": 4000}), time, "list", 100)
        assert time.slept == []

    async def test_a_raised_limit_that_there_is_not(self) -> None:
        """A misspelt name stops the start: in silence the published number would be kept."""
        with pytest.raises(NotConfigured, match="LIMITS names lsit, which is not one of: list"):
            limits(Time(), SLOW, raised={"lsit": 100})

    @pytest.mark.parametrize("urgent", [False, True])
    async def test_a_call_without_a_published_limit(self, urgent: bool) -> None:
        """It waits for nothing but what the vendor itself asked for."""
        time = Time()
        kept = limits(time)
        await calls(kept, time, "other", 100, urgent=urgent)
        assert time.slept == []
        kept.close("other", timedelta(seconds=9))
        kept.close("other", timedelta(seconds=3))
        await calls(kept, time, "other", 1, urgent=urgent)
        assert time.slept == [9.0]

    async def test_a_wait_that_is_too_long(self) -> None:
        """It is left to each caller's failure: nobody is held for it."""
        time = Time()
        kept = limits(time, SLOW)
        kept.close("list", timedelta(minutes=30))
        await calls(kept, time, "list", 1)
        assert time.slept == []


class TestPrioritySemaphore:
    async def test_a_place_is_never_lost(self) -> None:
        """Callers that give up while they wait, or just as their turn comes, leave every place to others."""
        places = PrioritySemaphore(2)
        held = [asyncio.ensure_future(_hold(places, 0.01)) for _ in range(8)]
        await asyncio.sleep(0)
        for one in held[2:6]:
            one.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        async with asyncio.timeout(1), places.place(), places.place():
            pass


async def _hold(places: PrioritySemaphore, seconds: float) -> None:
    async with places.place():
        await asyncio.sleep(seconds)
