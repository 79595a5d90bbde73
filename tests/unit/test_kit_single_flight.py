"""A request that several share: its failure is each one's own, and it lasts as long as one of them waits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import ConnectorError, Throttled, Unreachable
from connectors.google_workspace.errors import ErrorBody, Rejected
from connectors.kit.answers import understood
from connectors.kit.exchange import Trace
from connectors.kit.single_flight import SingleFlight
from models.vocabulary import Evidence

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
            Rejected("x: cannot list", status=404, body=ErrorBody("notFound"), evidence=(evidence(SHARED),)),
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
