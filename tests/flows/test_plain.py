"""The rules of the flows, without a server."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast
from unittest.mock import AsyncMock
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Cancelled, Cancelling, Completed, Crashed, Failed, Paused, Pending, Running, Scheduled

from casework.context import Context
from casework.sweeping import DueGroup
from casework.view.prefect_view import OpaqueView
from flows import artifacts
from flows import sweep as sweeping
from flows.artifacts import bar, show_truth_table, truth_page
from flows.offboard_many import MOST, together
from flows.redaction import FindingsOpen
from flows.scheduling import _until_settled, orders, parameters, place
from flows.sweep import START_WITHIN, _bury, _is_gone, _state

MIDNIGHT = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)


def group(cases: int, purpose: str = "offboard", key: str = "case:x:rev0:run0") -> DueGroup:
    """Return a group of *cases* due at midnight in Tokyo."""
    return DueGroup(MIDNIGHT, tuple(f"case-{n:016x}" for n in range(cases)), purpose, key)


class TestOrders:
    def test_lone(self) -> None:
        """A lone case gets a run of its own, under casework's key."""
        (order,) = orders([group(1)])
        assert (place(order), order.due_at, order.key) == (("offboard", None), MIDNIGHT, "case:x:rev0:run0")
        assert parameters(order.case_ids) == {"case_id": f"case-{0:016x}"}

    def test_many(self) -> None:
        """Cases of one instant share runs of fifty, none is forgotten, and one left over is a lone case."""
        made = list(orders([group(2 * MOST + 1)]))
        assert [place(order)[0] for order in made] == ["offboard-many", "offboard-many", "offboard"]
        assert [case for order in made for case in order.case_ids] == list(group(2 * MOST + 1).case_ids)
        assert parameters(made[0].case_ids) == {"case_ids": list(made[0].case_ids)}

    def test_keys(self) -> None:
        """The same order has the same key; another chunk, or another attempt, has another; all are short."""
        first = [order.key for order in orders([group(120, key="k" * 9000)])]
        assert first == [order.key for order in orders([group(120, key="k" * 9000)])]
        assert len({*first, *(order.key for order in orders([group(120, key="other")]))}) == 2 * len(first)
        assert max(map(len, first)) < 200

    def test_plans(self) -> None:
        """Planning is one run a case."""
        assert [place(order)[0] for order in orders([group(1, "plan"), group(1, "plan")])] == ["plan", "plan"]

    def test_what_was_cut_waits_behind_what_is_due(self) -> None:
        """What is repeated has the same flow, and a queue of its own whose limit leaves a slot for cuts."""
        assert [place(order) for order in orders([group(1, "again")])] == [("offboard", "rest")]
        assert [place(order)[1] for order in orders([group(2), group(1, "plan")])] == [None, None]


class TestResuming:
    @pytest.mark.parametrize(("ago", "least", "most"), [(0, 9, 10), (4, 5, 6), (60, 0, 0)])
    def test_after_its_process(self, ago: int, least: float, most: float) -> None:
        """A run that has just paused is given time to end: resumed earlier, it is submitted twice and its worker dies."""
        paused = State(type=StateType.PAUSED, timestamp=datetime.now(UTC) - timedelta(seconds=ago))
        assert least <= _until_settled(FlowRun(flow_id=uuid4(), state=paused)) <= most


class TestTogether:
    def test_all_closed(self) -> None:
        """A run over many is green when all cases closed."""
        assert together([Completed(), Completed()]) is None

    @pytest.mark.parametrize("bad", [Failed(), Crashed()])
    def test_one_failed(self, bad: State[None]) -> None:
        """One case with findings fails it, whatever the others ask."""
        with pytest.raises(FindingsOpen, match="Completed 1"):
            together([Completed(), Paused(), bad])

    def test_one_asks(self) -> None:
        """A question pauses it."""
        state = together([Completed(), Paused()])
        assert state is not None
        assert state.is_paused()

    def test_one_elsewhere(self) -> None:
        """A case that another run holds is not known to be closed: not green."""
        state = together([Completed(), Cancelled()])
        assert state is not None
        assert state.is_cancelled()


def since(state: State[None], ago: timedelta) -> State[None]:
    """Return *state* as if it had been entered *ago*."""
    return state.model_copy(update={"timestamp": datetime.now(UTC) - ago})


class TestDeadRuns:
    @pytest.mark.parametrize("state", [None, Crashed(), Cancelled(), Failed(), Completed(), Paused()])
    def test_over(self, state: State[None] | None) -> None:
        """A run that is over, lost or forgotten does not take a case up that should be worked on."""
        assert _is_gone(state)

    @pytest.mark.parametrize("state", [Running(), Pending()])
    def test_starting(self, state: State[None]) -> None:
        """A run without a lease may be starting, but not for ever."""
        assert not _is_gone(since(state, START_WITHIN / 2))
        assert _is_gone(since(state, START_WITHIN * 2))

    def test_scheduled(self) -> None:
        """A run that waits for its instant, or for a worker, is alive however late it is."""
        assert not _is_gone(since(Scheduled(scheduled_time=MIDNIGHT), timedelta(days=9)))


class TestTold:
    """What Prefect's page says of a run that will not take its case up."""

    @pytest.fixture(autouse=True)
    def _told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read_flow_run, self.vain = AsyncMock(), AsyncMock()
        self.set_flow_run_state = AsyncMock()
        monkeypatch.setattr(sweeping, "in_vain", self.vain)

    @pytest.mark.parametrize("state", [Cancelled(), Cancelling()])
    async def test_one_that_somebody_cancelled(self, state: State[None]) -> None:
        """Before it began, or while its process was killed: it says that this stopped nothing."""
        self.read_flow_run.return_value = SimpleNamespace(state=state)
        await _bury(cast("PrefectClient", self), str(uuid4()))
        assert self.vain.await_count == 1
        assert self.set_flow_run_state.await_count == 0

    @pytest.mark.parametrize("state", [Cancelled(name="Paused by a person"), Failed(), Completed(), Paused()])
    async def test_one_that_says_it_already(self, state: State[None]) -> None:
        """A run that ended by itself, or waits for an answer, says what it came to."""
        self.read_flow_run.return_value = SimpleNamespace(state=state)
        await _bury(cast("PrefectClient", self), str(uuid4()))
        assert (self.vain.await_count, self.set_flow_run_state.await_count) == (0, 0)

    async def test_one_that_is_lost(self) -> None:
        """No process holds its case: it has crashed, whatever Prefect believes."""
        self.read_flow_run.return_value = SimpleNamespace(state=Running())
        await _bury(cast("PrefectClient", self), str(uuid4()))
        assert self.set_flow_run_state.await_args_list[0].args[1].is_crashed()

    @pytest.mark.parametrize("runner", ["serve-6f003b75c6ed2ffb", f"by-serve-{UUID(int=7)}", "terminal-1"])
    async def test_one_that_prefect_never_knew(self, runner: str) -> None:
        """A case that a serving process or a terminal carried, and was killed in, is no run of Prefect's: it is gone."""
        assert await _state(cast("PrefectClient", self), runner) is None
        assert self.read_flow_run.await_count == 0


class TestTruthPage:
    def test_bar(self) -> None:
        """The bar is full only when all rows are settled; without rows nothing is."""
        assert "░" in bar(999, 1000)
        assert "░" not in bar(3, 3)
        assert "█" not in bar(0, 0)

    def test_page(self) -> None:
        """The page has kinds, states and counts, and a question by its opaque label, with the verb that answers it."""
        truth = {"connection": "slack", "kind": "group", "state": "still_open", "confirmed_by": None, "count": 2}
        page = truth_page(
            OpaqueView.model_validate(
                {"settled": 1, "rows": 3, "paused_at": None, "truth": [truth], "papers": [],
                 "questions": [{"id": "q-1", "kind": "whose_account"}, {"id": "q-2", "kind": "release"}]}
            )
        )  # fmt: skip
        assert "1 of 3 settled" in page
        assert "| slack | group | still_open | - | 2 |" in page
        assert "- `q-1` whose_account: `lastday answer`" in page
        assert "- `q-2` release: `lastday approve`" in page
        assert "Cancelling this run stops nothing; `lastday pause CASE` does." in page
        assert "Paused" not in page

    def test_of_a_paused_case(self) -> None:
        """The page says so, and since when."""
        view = {"settled": 1, "rows": 3, "paused_at": MIDNIGHT, "truth": [], "papers": [], "questions": []}
        assert "**Paused** since 2026-11-30 15:00:00 UTC" in truth_page(OpaqueView.model_validate(view))

    @pytest.mark.parametrize("kind", [LookupError, BaseException])
    async def test_stops_nothing(
        self, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A page that cannot be made, whatever the reason, is logged without its words; the steps go on."""

        def broken(_context: Context, _case_id: str) -> OpaqueView:
            raise kind("no case of 田中 美咲")

        monkeypatch.setattr(artifacts, "opaque_view", broken)
        monkeypatch.setattr(artifacts, "get_run_logger", lambda: logging.getLogger("page"))
        await show_truth_table(cast("Context", None), "case-1")
        assert caplog.messages[-1].startswith(f"truth table: cannot be shown: {kind.__name__} at ")
        assert "田中" not in caplog.text

    async def test_hangs(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        """A server that takes the page and never answers holds up no observing and no closing."""

        async def hang(*_: object, **__: object) -> None:
            await asyncio.sleep(3_600)

        monkeypatch.setattr(artifacts, "opaque_view", lambda *_: None)
        monkeypatch.setattr(artifacts, "truth_page", lambda _: "")
        monkeypatch.setattr(artifacts, "acreate_markdown_artifact", hang)
        monkeypatch.setattr(artifacts, "get_run_logger", lambda: logging.getLogger("page"))
        monkeypatch.setattr(artifacts, "_WRITTEN_WITHIN", 0.01)
        await show_truth_table(cast("Context", None), "case-1")
        assert "TimeoutError" in caplog.messages[-1]
