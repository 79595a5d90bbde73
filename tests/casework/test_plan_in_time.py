"""A plan that is still to be made when the instant is near holds up no cut."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Never

import pytest
from sqlalchemy.exc import OperationalError

from casework import runbook, steps
from casework.errors import CaseworkError
from casework.matching import searching
from casework.truth.findings import open_findings
from casework.truth.rows import accounts_of
from connectors.contract import FoundAccounts
from connectors.errors import ConnectorError
from models.vocabulary import CaseState, Leaver, Service, Standing
from tests.casework.conftest import Office
from tests.casework.paper import Paper


async def test_a_silent_service_keeps_no_other_waiting_past_the_instant(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reported a moment before the instant: the plan is cut short at the instant, as it is for a case that is due already."""

    async def silence(*_: object, **__: object) -> Never:
        await asyncio.sleep(3_600)
        raise AssertionError

    silent = Paper(now=office.clock, service=Service.SLACK)
    monkeypatch.setattr(silent, "find_accounts", silence)
    context = replace(office.context, connectors={**office.context.connectors, Service.SLACK: silent})
    case = office.report()
    office.clock.at = case.due_at - timedelta(seconds=0.5)
    running = asyncio.ensure_future(runbook.offboard(context, case.id))
    async with asyncio.timeout(30):
        while not any(":sign_in:" in write for write in office.paper.writes):
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait({running})


class Slow(Paper):
    """A service that answers a search when it is let, and counts the searches."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.let, self.searches = asyncio.Event(), 0

    async def find_accounts(self, leaver: Leaver) -> FoundAccounts:
        self.searches += 1
        await self.let.wait()
        return await super().find_accounts(leaver)


@pytest.fixture
def slow(office: Office, monkeypatch: pytest.MonkeyPatch) -> Slow:
    """A slow service beside the office's own, with an account of the leaver; the others wait for it for a moment."""
    monkeypatch.setattr(steps, "_OTHERS_ANSWER_WITHIN", 0.05)
    service = Slow(Service.SLACK, office.clock)
    service.add("s1", employee_no="E1", email="e1@example.test", name="星 空子")
    office.context = replace(office.context, connectors={**office.context.connectors, Service.SLACK: service})
    return service


class TestASlowSearch:
    async def test_is_not_begun_anew_and_its_account_is_cut_when_it_answers(self, office: Office, slow: Slow) -> None:
        """The others are cut meanwhile; the answer that came after two seconds is as good as one that came at once."""
        office.paper.after = lambda row: slow.let.set() if ":sign_in:" in row.id else None
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert office.context.case(case.id).state is CaseState.CLOSED
        assert (slow.searches, slow.holders["s1"].active) == (1, False)

    async def test_that_fails_is_that_services_finding(self, office: Office, slow: Slow) -> None:
        """It is asked once more by its own cut, and the other service is cut all the same."""
        office.paper.after = lambda row: slow.let.set() if ":sign_in:" in row.id else None
        slow.search_error = ConnectorError("slack: nobody answers")
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(Exception, match="unmatched"):
            await office.run(case.id)
        assert (slow.searches, office.paper.holders["g1"].active) == (2, False)
        with office.context.store.read() as session:
            assert [one.connection for one in open_findings(session, case.id)] == [Service.SLACK]

    async def test_brings_its_question_before_anything_is_taken_there(self, office: Office, slow: Slow) -> None:
        """Whose account it is, is asked when it answers, not when the case is taken up the next time."""
        slow.holders.clear()
        slow.add(
            "s2", email="sora@example.test", name="星 空子"
        )  # nothing that speaks against the other account, which is being cut
        office.paper.after = lambda row: slow.let.set() if ":sign_in:" in row.id else None
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(Exception, match="question"):
            await office.run(case.id)
        assert (slow.searches, slow.writes, office.paper.holders["g1"].active) == (1, [], False)

    @pytest.mark.parametrize("patience", [None, 5.0])
    async def test_whose_answer_cannot_be_kept_is_a_failure(
        self, office: Office, slow: Slow, monkeypatch: pytest.MonkeyPatch, patience: float | None
    ) -> None:
        """A database that is away is no finding of a service's: whoever searches is told."""

        def away(*_: object, **__: object) -> None:
            raise OperationalError("INSERT", {}, Exception("away"))

        slow.let.set()
        monkeypatch.setattr(searching, "_note_found", away)
        with pytest.raises(OperationalError):
            await searching.find_everywhere(office.context, office.report().id, patience=patience)

    async def test_keeps_nobody_waiting_who_is_known_already(self, office: Office, slow: Slow) -> None:
        """Found weeks ago, while another service was silent: the search that hangs at the instant does not hold up the block."""
        slow.let.set()
        office.paper.search_error = ConnectorError("google_workspace: nobody answers")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        assert office.context.case(case.id).state is CaseState.PLANNED
        office.paper.search_error = None
        slow.let.clear()
        office.clock.pass_by(hours=10)
        running = asyncio.ensure_future(office.run(case.id))
        async with asyncio.timeout(30):
            while slow.holders["s1"].active or office.paper.holders["g1"].active:
                await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.wait({running})

    async def test_ends_with_the_run_that_began_it(self, office: Office, slow: Slow) -> None:
        """Nothing is written of a case that nobody holds any more, and no later run waits for it."""
        case = office.report()
        office.clock.pass_by(hours=10)
        running = asyncio.ensure_future(office.run(case.id))
        async with asyncio.timeout(30):
            while (search := office.context.searching.get((case.id, Service.SLACK))) is None:
                await asyncio.sleep(0)
        await asyncio.sleep(0)  # what follows has begun
        running.cancel()
        await asyncio.wait({running})
        assert search.cancelled()
        assert not office.context.searching

    async def test_of_what_the_notice_said_before_is_made_anew(self, office: Office, slow: Slow) -> None:
        """HR corrects the address of a namesake while it is under way: what was found at the wrong one is not the leaver's."""
        slow.holders.clear()
        slow.add("s2", email="e2@example.test", name="星 空子")
        case = office.report(email="e2@example.test")
        office.clock.pass_by(hours=10)
        running = asyncio.ensure_future(office.run(case.id))
        async with asyncio.timeout(30):
            while office.paper.holders["g1"].active:
                await asyncio.sleep(0.05)
        assert office.report(email="e1@example.test").id == case.id
        slow.let.set()
        await asyncio.wait({running})
        assert (slow.writes, slow.holders["s2"].active) == ([], True)


class TestASearchOfTheInstant:
    @pytest.mark.parametrize(("planned", "searches"), [(False, 1), (True, 2)])
    async def test_is_not_repeated(self, office: Office, slow: Slow, *, planned: bool, searches: int) -> None:
        """Whoever was searched for a moment ago and after the instant is not searched for again; an older search is repeated after the block."""
        slow.let.set()
        case = office.report()
        if planned:
            await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert office.context.case(case.id).state is CaseState.CLOSED
        assert slow.searches == searches

    async def test_is_repeated_after_a_minute(self, office: Office, slow: Slow) -> None:
        """A block that took minutes leaves time for another account."""
        slow.let.set()
        office.paper.after = lambda row: office.clock.pass_by(minutes=2) if ":sign_in:" in row.id else None
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert slow.searches == 2


class TestASearchAfterTheBlock:
    async def test_that_hangs_keeps_the_case_from_no_state(self, office: Office, slow: Slow) -> None:
        """The only service was contained: the case says so, whatever the search of its deprovisioning comes to."""
        office.context = replace(office.context, connectors={Service.SLACK: slow})
        slow.let.set()
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        slow.let.clear()
        running = asyncio.ensure_future(office.run(case.id))
        async with asyncio.timeout(30):
            while office.context.case(case.id).contained_at is None:
                await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.wait({running})


class TestAnAddressThatComesLate:
    async def test_is_looked_for_in_the_services_that_answered_before(self, office: Office, slow: Slow) -> None:
        """Scenario 52: what a late service's account bears is searched for where the others were searched in time."""
        slow.holders.clear()
        slow.add("s1", employee_no="E1", email="private@elsewhere.test", name="星 空子")
        office.paper.add("g7", email="private@elsewhere.test", name="")
        office.paper.after = lambda row: slow.let.set() if ":sign_in:" in row.id else None
        case = office.report()
        office.clock.pass_by(hours=10)
        with suppress(CaseworkError):
            await office.run(case.id)
        with office.context.store.read() as session:
            found = {row.vendor_id: row.standing for row in accounts_of(session, case.id)}
        assert found["s1"] is Standing.ACCEPTED
        assert found["g7"] in {Standing.ASKED, Standing.ACCEPTED}
