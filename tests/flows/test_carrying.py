"""What is due is carried whatever Prefect, or the case beside it, does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from unittest.mock import AsyncMock

import pytest
from prefect.client.schemas.objects import StateType
from prefect.exceptions import Abort

from casework import claims, runbook
from casework.context import Context
from flows import artifacts, carrying
from flows import offboard as offboarding
from flows.carrying import CarryingLoop
from flows.offboard import offboard
from models.tables import Case
from models.vocabulary import CaseState
from tests.casework.conftest import Office, empty_database, make_office

__all__ = ["empty_database", "make_office"]
RUN = "42978dc3-2def-4f27-853d-4f3e5f311993"


@pytest.fixture
def office(make_office: Callable[[], Office], monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office whose Prefect never takes anything up, and who waits for nothing long."""
    built = make_office()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Context]:
        yield built.context

    async def hang(case_ids: list[str]) -> bool:
        await asyncio.sleep(3_600)
        return True

    monkeypatch.setattr(carrying, "open_context", opened)
    monkeypatch.setattr(carrying, "_in_a_run", hang)
    monkeypatch.setattr(carrying, "_TAKEN_UP_WITHIN", 0.01)
    return built


def due(office: Office, *numbers: str) -> list[str]:
    cases = [office.report(employee_no=number, email=f"{number}@example.test").id for number in numbers]
    office.clock.at = office.context.case(cases[0]).due_at + timedelta(minutes=1)
    return cases


class Carried:
    """
    Stands for the runbook: what was carried, in order, and to its end.  *hangs*: the cases that never come to an end; *panics*: one
    whose library does.
    """

    def __init__(self, *hangs: str, panics: str | None = None) -> None:
        self.cases: list[str] = []
        self.ended: list[str] = []
        self._hangs, self._panics = hangs, panics

    async def __call__(self, context: Context, case_id: str) -> None:
        self.cases.append(case_id)
        if case_id in self._hangs:
            await asyncio.sleep(3_600)
        if case_id == self._panics:
            raise BaseException("thread panicked")  # noqa: TRY002  # as a library in Rust does
        if self._panics:
            await asyncio.sleep(0.02)
        self.ended.append(case_id)


async def turns(carrier: CarryingLoop, count: int) -> None:
    for _ in range(count):
        await carrier()
        await asyncio.sleep(0.2)  # the carrier's own waits are a hundredth, and this machine may be busy


async def until(came: Callable[[], object]) -> None:
    """Wait for something that carriers do in their own time."""
    async with asyncio.timeout(30):
        while not came():
            await asyncio.sleep(0.01)


class TestCarrying:
    async def test_an_api_that_answers_and_then_hangs(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """A run that does not take its case up in time is not waited for; each case is carried once."""
        cases = due(office, "E1", "E2")
        monkeypatch.setattr(runbook, "offboard", carried := Carried(*cases))
        await turns(CarryingLoop(office.context), 5)
        assert sorted(carried.cases) == sorted(cases)

    async def test_fifty_who_are_due_at_once_are_one_run(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fifty dismissals in one file do not wait for fifty runs: one carries them all, and without Prefect nobody waits for another."""
        runs = list[list[str]]()

        async def refused(case_ids: list[str]) -> bool:
            runs.append(case_ids)
            return False

        monkeypatch.setattr(carrying, "_in_a_run", refused)
        cases = due(office, *(f"E{number}" for number in range(1, 52)))
        monkeypatch.setattr(runbook, "offboard", carried := Carried(*cases))
        await turns(CarryingLoop(office.context), 2)
        await until(lambda: len(carried.cases) >= len(cases))
        assert [sorted(run) for run in runs] == [sorted(run) for run in (cases[:50], cases[50:])]
        assert sorted(carried.cases) == sorted(cases)

    async def test_one_that_takes_long_keeps_no_other_from_its_next_try(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A vendor may say Retry-After: half an hour.  The cases that were taken up with that one go on."""
        slow, other = due(office, "E1", "E2")
        monkeypatch.setattr(runbook, "offboard", carried := Carried(slow))
        carrier = CarryingLoop(office.context)
        await turns(carrier, 2)
        office.clock.pass_by(minutes=10)
        with office.context.store.write() as session:  # as its heartbeat would
            case = office.context.case(slow)
            case.lease_until = office.clock.at + timedelta(seconds=20)
            session.merge(case)
        await turns(carrier, 2)
        assert sorted(carried.cases) == sorted([slow, other, other])

    async def test_a_panic_is_its_case_s_alone(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """What a library ends with that is no `Exception` takes no service from the cases that were taken up with it."""
        open_now: list[str] = []

        @asynccontextmanager
        async def opened() -> AsyncIterator[Context]:
            yield office.context
            open_now.extend(carried.ended)  # what had come to its end when the services were closed

        broken, other = due(office, "E1", "E2")
        monkeypatch.setattr(runbook, "offboard", carried := Carried(panics=broken))
        monkeypatch.setattr(carrying, "open_context", opened)
        carrier = CarryingLoop(office.context)
        await turns(carrier, 4)
        assert open_now == [other]

    async def test_what_cannot_be_opened_is_not_tried_twice_a_second(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Settings that were broken while it runs cost a failed run every few seconds, and are taken up once they are mended."""
        opened = []

        def broken() -> None:
            opened.append(1)
            raise RuntimeError

        due(office, "E1")
        monkeypatch.setattr(carrying, "open_context", broken)
        monkeypatch.setattr(carrying, "_RESTS", 2.0)
        carrier = CarryingLoop(office.context)
        await turns(carrier, 4)
        assert len(opened) == 1
        await asyncio.sleep(2.0)
        await turns(carrier, 2)
        assert len(opened) == 2


class TestARunIsRecordedLater:
    """What was carried to its end without Prefect stands on its page once that answers; what left findings has a run at its next try."""

    @pytest.fixture(autouse=True)
    def _asked(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.answers = list[list[str]](), [False, False, True]

        async def in_a_run(case_ids: list[str]) -> bool:
            self.asked.append(case_ids)
            return self.answers.pop(0)

        async def closes(context: Context, case_id: str) -> None:
            if case_id not in self.open:
                with context.store.write() as session:
                    session.get_one(Case, case_id).state = CaseState.CLOSED

        self.open = set[str]()
        monkeypatch.setattr(carrying, "_in_a_run", in_a_run)
        monkeypatch.setattr(carrying, "_RESTS", 0.02)
        monkeypatch.setattr(runbook, "offboard", closes)

    async def test_once_prefect_answers(self, office: Office) -> None:
        """Asked for again until there is one, once, and of those that are closed alone."""
        closed, left = due(office, "E1", "E2")
        self.open = {left}
        await turns(CarryingLoop(office.context), 2)
        await until(lambda: len(self.asked) > 2)
        assert [sorted(asked) for asked in self.asked] == [sorted([closed, left]), [closed], [closed]]
        assert office.context.case(closed).run_id.startswith("serve-")  # type: ignore[union-attr]  # so its run says who

    async def test_not_where_a_late_one_is_to_come(self, office: Office) -> None:
        """A run that was made ahead and has not come yet finds the work done, and is the record."""
        (case_id,) = due(office, "E1")
        claims.record_run(office.context, (case_id,), "late")
        await turns(CarryingLoop(office.context), 2)
        assert self.asked == [[case_id]]


class TestALateRun:
    @pytest.mark.parametrize(
        ("runner", "name"), [("serve-1", "Carried by serve"), (f"by-serve-{RUN}", "Carried by serve"),
                             (RUN, "Carried by another run"), ("terminal-1", "Carried by another run")],
    )  # fmt: skip
    async def test_finds_the_work_done(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, runner: str, name: str
    ) -> None:
        """It ends completed, says who carried the case, shows its truth table, and asks no vendor anything."""
        (case_id,) = due(office, "E1")
        with office.context.store.write() as session:
            case = session.get_one(Case, case_id)
            case.state, case.run_id = CaseState.CLOSED, runner
        shown = list[str]()

        async def show(_: Context, shown_case: str) -> None:
            shown.append(shown_case)

        @asynccontextmanager
        async def opened() -> AsyncIterator[Context]:
            yield office.context

        monkeypatch.setattr(offboarding, "open_context", opened)
        monkeypatch.setattr(artifacts, "show_truth_table", show)
        state = await offboard.fn(case_id)
        assert state is not None
        assert (state.type, state.name) == (StateType.COMPLETED, name)
        assert runner in str(state.message)
        assert (shown, office.paper.probes, office.paper.reads) == ([case_id], 0, 0)

    async def test_that_comes_in_the_middle_leaves_it(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """A case that somebody carries just now is theirs: the run says so and is neither green nor red."""
        (case_id,) = due(office, "E1")

        @asynccontextmanager
        async def opened() -> AsyncIterator[Context]:
            yield office.context

        monkeypatch.setattr(offboarding, "open_context", opened)
        monkeypatch.setattr(artifacts, "show_truth_table", AsyncMock())
        async with runbook.claim(office.context, case_id, "serve-1"):
            state = await offboard.fn(case_id)
        assert state is not None
        assert (state.type, state.name) == (StateType.CANCELLED, "Carried elsewhere")


class TestWhatIsCutAlready:
    """Taking the rest away, and closing: Prefect's runs come first, and without Prefect it is done all the same."""

    @pytest.fixture(autouse=True)
    def _carried(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runbook, "offboard", carried := Carried())
        self.carried = carried.cases

    @staticmethod
    def contained(office: Office, *numbers: str, state: CaseState = CaseState.CONTAINED) -> list[str]:
        cases = due(office, *numbers)
        with office.context.store.write() as session:
            for case_id in cases:
                session.get_one(Case, case_id).state = state
        return cases

    @pytest.mark.parametrize("state", [CaseState.CONTAINED, CaseState.DEPROVISIONED])
    async def test_after_a_minute_without_a_run(self, office: Office, state: CaseState) -> None:
        """It is carried on a minute after its next try was due, and again a minute after the one that follows."""
        (case_id,) = self.contained(office, "E1", state=state)
        carrier = CarryingLoop(office.context)
        await turns(carrier, 1)
        office.clock.pass_by(seconds=59)
        await turns(carrier, 1)
        assert self.carried == []
        for times in (1, 2):
            office.clock.pass_by(seconds=2)
            await turns(carrier, 2)
            await until(lambda wanted=times: len(self.carried) >= wanted)  # type: ignore[misc]  # bound here
            await until(lambda: office.context.case(case_id).lease_holder is None)
            assert self.carried == [case_id] * times
            office.clock.pass_by(minutes=59)
            await turns(carrier, 1)
            office.clock.pass_by(seconds=59)

    async def test_a_run_that_came_and_left_it_begins_the_minute_anew(self, office: Office) -> None:
        """What Prefect carries is not taken from it at its next pause."""
        (case_id,) = self.contained(office, "E1")
        carrier = CarryingLoop(office.context)
        await turns(carrier, 1)
        async with runbook.claim(office.context, case_id, "run-1"):
            await turns(carrier, 1)
        with office.context.store.write() as session:
            session.get_one(Case, case_id).next_run_at = None
        office.clock.pass_by(seconds=61)
        await turns(carrier, 1)
        assert self.carried == []

    async def test_never_beside_a_cut_and_few_at_a_time(self, office: Office) -> None:
        """Who is due goes first and alone; of those that were cut four are taken up together."""
        self.contained(office, "E1", "E2", "E3", "E4", "E5")
        carrier = CarryingLoop(office.context)
        await turns(carrier, 1)
        office.clock.pass_by(minutes=2)
        (cut,) = due(office, "E6")
        office.clock.pass_by(minutes=4)
        await carrier()
        assert carrier._given == {cut}
        await until(lambda: self.carried == [cut] and office.context.case(cut).lease_until is None)
        await carrier()
        await carrier()
        assert (len(carrier._given), len(carrier._carriers)) == (4, 2)


async def test_a_run_that_prefect_ends_at_once_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect ends a run by a signal that is no `Exception`: the serving process outlives it, and carries the case without."""

    def aborted() -> None:
        raise Abort

    monkeypatch.setattr(carrying, "get_client", aborted)
    assert not await carrying._in_a_run(["case-0000000000000001"])
