"""One runbook: whoever carries a case takes the same steps, and what goes wrong in one service is that service's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.exceptions import Pause

from casework import runbook
from casework.activity import collecting
from casework.errors import QuestionsOpen
from cli.run import whole_case
from flows import artifacts, offboard, offboard_many
from models.vocabulary import ConnectionId

CASE, GOOGLE, SLACK = "case-00ff00ff", "google_workspace", "slack"
CARRIERS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "run": lambda _: offboard.offboard.fn(CASE),
    "batch": lambda context: offboard_many.one.fn(context, CASE),
    "terminal": lambda context: whole_case(context, CASE, lambda _: None),
}
WHOLE = [
    "plan_if_none", "wait_until_due", "before_the_cut",
    f"contain {GOOGLE}", f"contain {SLACK}", f"deprovision {GOOGLE}", f"deprovision {SLACK}",
    "observe_until_closed", f"after_the_cut {GOOGLE}", f"after_the_cut {SLACK}", "conclude", "check_if_due", "close",
]  # fmt: skip


class Steps:
    """
    Steps that note themselves in *taken* when they begin; *beside* has what else they do.

    The runbook and its carriers are the real ones, Prefect's engine aside: `tests.flows.test_runs` has that.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[str] = []
        self.beside: dict[str, Callable[[], Awaitable[object]]] = {}
        self.case = SimpleNamespace(for_real=True, state=None)
        self.context: Any = SimpleNamespace(
            store=SimpleNamespace(run=self.plainly),
            connectors=dict.fromkeys((GOOGLE, SLACK)),
            case=lambda _: self.case,
            name=str,
            now=lambda: datetime.now(UTC),
        )
        for name in (
            "plan_if_none",
            "wait_until_due",
            "contain",
            "deprovision",
            "observe_until_closed",
            "check_if_due",
        ):
            monkeypatch.setattr(runbook, name, self.step(name))
        for name in ("before_the_cut", "after_the_cut", "conclude"):
            monkeypatch.setattr(collecting, name, self.step(name))
        monkeypatch.setattr(runbook, "close", lambda _context, _case: self.taken.append("close"))
        monkeypatch.setattr(runbook, "claim", self.claim)
        for flow in (offboard, offboard_many):
            monkeypatch.setattr(flow, "open_context", self.opened)
        for module in (artifacts, offboard):
            monkeypatch.setattr(module, "show_truth_table", self.step("show"))
        monkeypatch.setattr(offboard.carried, "with_options", lambda **_: offboard.carried.fn)

    async def plainly(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    def step(self, name: str) -> Callable[..., Awaitable[None]]:
        async def taking(_context: object, _case_id: str, connection: ConnectionId | None = None) -> None:
            whole = name if connection is None else f"{name} {connection}"
            self.taken.append(whole)
            await asyncio.sleep(0)
            if whole in self.beside:
                await self.beside[whole]()

        return taking

    @asynccontextmanager
    async def claim(self, *_: object) -> AsyncIterator[bool]:
        yield True

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Any]:
        yield self.context


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


def failing(error: BaseException) -> Callable[[], Awaitable[object]]:
    async def fail() -> None:
        raise error

    return fail


async def hanging() -> None:
    await asyncio.Event().wait()


def setting(event: asyncio.Event) -> Callable[[], Awaitable[object]]:
    async def set_it() -> None:
        event.set()

    return set_it


@pytest.mark.parametrize("carrier", CARRIERS)
class TestCarriers:
    async def test_the_same_steps(self, taken: Steps, carrier: str) -> None:
        """A run, a batch and the terminal take every step in its order: the evidence before and after the cut, the papers."""
        await CARRIERS[carrier](taken.context)
        assert [step for step in taken.taken if step != "show"] == WHOLE

    async def test_plan_only(self, taken: Steps, carrier: str) -> None:
        """A case that nobody decided to cut ends with its plan, at the gate that says so."""
        taken.case.for_real = False
        await CARRIERS[carrier](taken.context)
        assert [step for step in taken.taken if step != "show"] == ["plan_if_none", "close"]

    async def test_one_that_fails(self, taken: Steps, carrier: str) -> None:
        """Whatever goes wrong in one service, the rest is taken from it all the same, and everything from the others."""
        taken.beside[f"contain {SLACK}"] = failing(AttributeError("nobody foresaw it"))
        await CARRIERS[carrier](taken.context)
        assert sorted(step for step in taken.taken if step != "show") == sorted(WHOLE)

    async def test_one_that_hangs(self, taken: Steps, carrier: str) -> None:
        """No service's later step waits for another service's block."""
        rest_is_taken = asyncio.Event()
        taken.beside = {f"deprovision {SLACK}": setting(rest_is_taken), f"contain {GOOGLE}": rest_is_taken.wait}
        async with asyncio.timeout(5):
            await CARRIERS[carrier](taken.context)
        assert "close" in taken.taken


class TestOffboard:
    async def test_question(self, taken: Steps) -> None:
        """A question concerns the whole case: it is raised after all services have ended, and nothing follows the cut."""
        taken.beside[f"contain {GOOGLE}"] = failing(QuestionsOpen(["q-1"]))
        with pytest.raises(QuestionsOpen):
            await runbook.offboard(taken.context, CASE)
        assert taken.taken[3:] == [f"contain {GOOGLE}", f"contain {SLACK}", f"deprovision {SLACK}"]

    async def test_signal(self, taken: Steps) -> None:
        """A carrier's own signal is no failure and comes before any question: a run that is suspended from outside stops."""
        taken.beside = {f"contain {GOOGLE}": failing(QuestionsOpen(["q-1"])), f"contain {SLACK}": failing(Pause())}
        with pytest.raises(Pause):
            await runbook.offboard(taken.context, CASE)
        assert "observe_until_closed" not in taken.taken

    async def test_signal_waits(self, taken: Steps) -> None:
        """What another service is at when the signal comes is ended first: nothing is written after the run."""
        taken.beside = {f"contain {SLACK}": failing(Pause()), f"contain {GOOGLE}": lambda: asyncio.sleep(0.1)}
        with pytest.raises(Pause):
            await runbook.offboard(taken.context, CASE)
        assert taken.taken[-1] == f"deprovision {GOOGLE}"

    @pytest.mark.parametrize("step", [f"after_the_cut {SLACK}", "conclude", "check_if_due"])
    async def test_beside(self, taken: Steps, step: str) -> None:
        """Evidence and papers may fail in any way: the case goes on to its end."""
        taken.beside[step] = failing(OSError(28, "no space"))
        await runbook.offboard(taken.context, CASE)
        assert taken.taken == WHOLE

    @pytest.mark.parametrize("trouble", [hanging, failing(OSError(28, "no space"))], ids=["hanging", "full"])
    async def test_early_evidence(self, taken: Steps, trouble: Callable[[], Awaitable[object]]) -> None:
        """A log that never answers, and a disk that is full: the cut goes on, and so does what follows it."""
        taken.beside["before_the_cut"] = trouble
        async with asyncio.timeout(5):
            await runbook.offboard(taken.context, CASE)
        assert taken.taken == WHOLE

    @pytest.mark.parametrize("step", ["plan_if_none", "wait_until_due", "observe_until_closed"])
    async def test_in_order(self, taken: Steps, step: str) -> None:
        """What the following steps rest on stops the run when it fails."""
        taken.beside[step] = failing(OSError(5, "database"))
        with pytest.raises(OSError, match="database"):
            await runbook.offboard(taken.context, CASE)
        assert "close" not in taken.taken


class TestTruthTable:
    @pytest.mark.parametrize("carrier", ["run", "batch"])
    async def test_when(self, taken: Steps, carrier: str) -> None:
        """Prefect's page has the truth table as soon as all is cut, and at the end."""
        await CARRIERS[carrier](taken.context)
        shown = [place for place, step in enumerate(taken.taken) if step == "show"]
        assert [taken.taken[place - 1] for place in shown] == [f"deprovision {SLACK}", "close"]
