"""What two people have retired, and what is not open here: the first is over once it is used again, the second holds up no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from casework import runbook
from casework.access import closing, cutting, rechecking
from casework.context import Context
from casework.decisions import signatures
from casework.errors import BadRequest, StillOpen
from casework.matching.searching import find_in
from casework.truth.rows import retired, rows_of
from connectors.errors import Unreachable
from models.tables import CaseEntitlement
from models.vocabulary import (
    SETTLED,
    CaseState,
    ConnectionId,
    EntitlementKind,
    Leaver,
    Match,
    RevocationResult,
    Service,
)
from tests.casework.conftest import Office
from tests.casework.paper import Paper

GOOGLE, SLACK = Service.GOOGLE_WORKSPACE, Service.SLACK


class Two:
    """An office with two services, *both* open, or *google* alone: there Slack is neither open nor configured."""

    def __init__(self, office: Office) -> None:
        self.office, self.slack = office, Paper(service=SLACK, now=office.clock)
        self.slack.add("u1", employee_no="E1", email="e1@example.test", name="星 空子")
        google: dict[ConnectionId, Paper] = {GOOGLE: office.paper}
        self.google = replace(office.context, connectors=google, configured=frozenset(google))
        both = google | {SLACK: self.slack}
        self.both = replace(office.context, connectors=both, configured=frozenset(both))

    def at(self, context: Context) -> Office:
        return replace(self.office, context=context)

    def retire(self) -> None:
        request = signatures.request_retirement(self.google, SLACK, by="a", reason="tenant closed")
        signatures.approve(self.google, request.id, by="b")

    def retired(self, context: Context) -> frozenset[ConnectionId]:
        with context.store.read() as session:
            return retired(context, session)

    async def planned(self) -> str:
        """Plan E1's case in both services and return its id; it is due."""
        case_id = self.at(self.both).report().id
        await runbook.make_plan(self.both, case_id)
        self.office.clock.pass_by(hours=10)
        return case_id

    def rows(self, case_id: str, connection: ConnectionId) -> list[CaseEntitlement]:
        with self.both.store.read() as session:
            return [row for row in rows_of(session, case_id) if row.connection == connection]


@pytest.fixture
def two(office: Office) -> Two:
    """Both services, with an account of E1 in each."""
    return Two(office)


class TestARetirement:
    async def test_that_stands(self, two: Two) -> None:
        """A service that two people retire in the midst of a case is waited for no longer: the run ends, and the case closes."""
        case_id = await two.planned()
        two.retire()
        await two.at(two.google).run(case_id)
        assert two.both.case(case_id).state is CaseState.CLOSED
        assert not two.slack.writes

    async def test_of_a_service_that_was_used_since(self, two: Two) -> None:
        """One search that succeeds ends it: the service, dropped by mistake later, keeps the case open."""
        two.retire()
        case_id = await two.planned()
        with pytest.raises(StillOpen, match="not_open_slack"):
            await two.at(two.google).run(case_id)
        assert two.slack.holders["u1"].active

    async def test_that_was_used_makes_no_look_quiet(self, two: Two) -> None:
        """After closing it is the same: what was in use at the cut and is not open now is not looked at, and that is said."""
        two.retire()
        case_id = two.at(two.both).report().id
        two.office.clock.pass_by(hours=10)
        await two.at(two.both).run(case_id)
        two.office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(replace(two.google, own_accounts={})))["not_looked"] == [case_id]

    async def test_is_not_ended_by_a_search_that_fails(self, two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
        """A tenant that gives no answer is none that is in use."""
        two.retire()

        async def fail(leaver: Leaver) -> list[Match]:
            raise Unreachable("slack: cannot list users: 503")

        monkeypatch.setattr(two.slack, "find_accounts", fail)
        await two.planned()
        assert two.retired(two.google) == {SLACK}

    async def test_is_not_ended_by_the_use_of_another(self, two: Two) -> None:
        """A search in one service says nothing of another one."""
        two.retire()
        await find_in(two.google, two.at(two.google).report().id, GOOGLE)
        assert two.retired(two.google) == {SLACK}

    async def test_can_be_agreed_anew(self, two: Two) -> None:
        """What has ended is asked for and approved again, and counts."""
        two.retire()
        case_id = await two.planned()
        assert not two.retired(two.google)
        two.retire()
        await two.at(two.google).run(case_id)

    def test_counts_not_where_it_is_in_use(self, two: Two) -> None:
        """A terminal opens no service: what its settings name is in use all the same, and so is what is open."""
        two.retire()
        assert two.retired(two.google) == {SLACK}
        assert not two.retired(replace(two.both, connectors={}))
        assert not two.retired(replace(two.both, configured=frozenset()))

    async def test_contains_nobody_from_a_terminal(self, two: Two) -> None:
        """What is signed at a terminal while the cut is under way makes no case contained: Slack was not seen blocked yet."""
        case_id = await two.planned()
        two.retire()
        async with runbook.claim(two.both, case_id, "run"):
            await runbook.contain(two.both, case_id, GOOGLE)
            terminal = replace(two.both, connectors={}, leases={})
            row = f"{GOOGLE}:g1:group:sales"
            signatures.attest(terminal, case_id=case_id, entitlement_id=row, statement="done", by="it")
        assert two.both.case(case_id).contained_at is None


class TestApprovingARetirement:
    @pytest.mark.parametrize("opened", [True, False])
    def test_of_what_is_in_use(self, two: Two, opened: bool) -> None:
        """The second person approves what holds now: a service that is configured again, or open, is not retired."""
        request = signatures.request_retirement(two.google, SLACK, by="a", reason="tenant closed")
        context = replace(two.both, configured=frozenset()) if opened else replace(two.both, connectors={})
        with pytest.raises(BadRequest, match="is configured"):
            signatures.approve(context, request.id, by="b")
        assert not two.retired(two.google)

    async def test_of_what_was_used_since_it_was_asked(self, two: Two) -> None:
        """A request is overtaken by the next use: whoever approves it later would approve what was true then."""
        request = signatures.request_retirement(two.google, SLACK, by="a", reason="tenant closed")
        await two.planned()
        with pytest.raises(BadRequest, match="was used since"):
            signatures.approve(two.google, request.id, by="b")
        assert not two.retired(two.google)


class TestAServiceThatIsNotOpenHere:
    async def test_keeps_nothing_from_the_others(self, two: Two) -> None:
        """The others are cut and observed, with what a look adds; its own rows stay open."""
        case_id = await two.planned()
        here = await _cut_google(two, case_id)
        held = two.office.paper.holders["g1"].held[EntitlementKind.GROUP]
        held.add("late")
        await _observe(here, case_id)
        assert not held
        assert all(row.state in SETTLED for row in two.rows(case_id, GOOGLE))
        assert not any(row.state in SETTLED for row in two.rows(case_id, SLACK))
        with pytest.raises(StillOpen, match="not_open_slack"):
            closing.close(here, case_id)

    async def test_is_not_waited_for(self, two: Two) -> None:
        """What its vendor accepted in another process cannot be seen in this one, however long it waits."""
        case_id = await two.planned()
        with two.both.store.write() as session:
            for row in rows_of(session, case_id):
                if row.connection == SLACK and row.kind is EntitlementKind.SIGN_IN:
                    row.result, row.commanded_at, row.attempts = RevocationResult.COMMANDED, two.office.clock(), 1
        here = await _cut_google(two, case_id)
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            await two.office.clock.sleep(seconds)

        await _observe(replace(here, sleep=sleep), case_id)
        assert slept == []

    @pytest.mark.parametrize("verb", [cutting.contain, cutting.deprovision])
    async def test_is_not_cut(self, two: Two, verb: Callable[[Context, str, ConnectionId], Awaitable[None]]) -> None:
        """Containing or deprovisioning it does nothing, and fails nothing."""
        case_id = await two.planned()
        before = [row.model_dump() for row in two.rows(case_id, SLACK)]
        await verb(two.google, case_id, SLACK)
        assert [row.model_dump() for row in two.rows(case_id, SLACK)] == before


async def _cut_google(two: Two, case_id: str) -> Context:
    """Cut in a process where Google alone is open; return its context."""
    here = replace(two.google, own_accounts={}, leases={})
    async with runbook.claim(here, case_id, "cut"):
        await runbook.contain(here, case_id, GOOGLE)
        await runbook.deprovision(here, case_id, GOOGLE)
    return here


async def _observe(context: Context, case_id: str) -> None:
    async with runbook.claim(context, case_id, "observe"):
        await runbook.observe_until_closed(context, case_id)
