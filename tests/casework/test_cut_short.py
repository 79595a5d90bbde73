"""Who is stopped in the middle of asking loses no answer, leaves no request behind, and no state that its rows do not come to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from unittest.mock import AsyncMock

import pytest

from casework import runbook
from casework.access import cutting, revoking
from casework.context import Context
from casework.errors import Paused
from casework.truth.findings import assess
from casework.truth.rows import accepted_accounts, rows_of
from connectors.contract import Listing
from models.tables import Case, CaseAccount, CaseEntitlement
from models.vocabulary import Entitlement, EntitlementKind, EntitlementState, Receipt, RevocationResult
from tests.casework.conftest import Office
from tests.casework.paper import Paper
from tests.casework.test_pause import pause, planned

K = EntitlementKind
SALES, ALL_HANDS = "google_workspace:g1:group:sales", "google_workspace:g1:group:all-hands"


@dataclass
class Slow(Paper):
    """A service whose answer to a request comes when the test lets it, or which *breaks* the request off by itself."""

    answers: dict[str, asyncio.Event] = field(default_factory=dict)
    breaks: str = ""
    ended: set[str] = field(default_factory=set)

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        if entitlement.id == self.breaks:
            self.ended.add(entitlement.id)
            raise asyncio.CancelledError
        try:
            await self.answers.setdefault(entitlement.id, asyncio.Event()).wait()
            return await Paper.revoke(self, entitlement)
        except asyncio.CancelledError:
            await asyncio.sleep(0.02)  # a connection is closed in order
            raise
        finally:
            self.ended.add(entitlement.id)


@dataclass
class Asking:
    """A leaver's groups, due and planned, whose requests are under way."""

    office: Office
    paper: Slow
    case: Case
    task: asyncio.Task[None]

    def outcomes(self) -> dict[str, tuple[bool, RevocationResult | None]]:
        """Whether each group's intent has its outcome, and which."""
        return {row.id: (row.op is None, row.result) for row in groups(self.office, self.case)[1]}


def groups(office: Office, case: Case) -> tuple[CaseAccount, list[CaseEntitlement]]:
    with office.context.store.read() as session:
        (account,) = accepted_accounts(session, case.id)
        return account, [row for row in rows_of(session, case.id, account) if row.kind is K.GROUP]


@pytest.fixture
async def begin(make_office: Callable[..., Office]) -> Callable[..., object]:
    """Return what asks a slow service for the leaver's groups."""
    office = make_office(kind=Slow)
    office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
    case = await planned(office)

    def begun(**options: str) -> Asking:
        paper = office.paper
        assert isinstance(paper, Slow)
        paper.breaks = options.get("breaks", "")
        task = asyncio.ensure_future(revoking.revoke(office.context, *groups(office, case)))
        return Asking(office, paper, case, task)

    return begun


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


class TestCancelled:
    async def test_what_was_answered_is_committed(
        self, begin: Callable[..., Asking], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An answer that came while another outcome was being written is written too: the vendor is not asked for it again."""
        lets_go, finish = threading.Event(), revoking.finish

        def slowly(context: Context, account: CaseAccount, answered: Sequence[revoking.Answered]) -> None:
            assert lets_go.wait(10)
            finish(context, account, answered)

        monkeypatch.setattr(revoking, "finish", slowly)
        asking = begin()
        for one in (SALES, ALL_HANDS):
            await until(lambda: len(asking.paper.answers) == 2)
            asking.paper.answers[one].set()
            await until(partial(asking.paper.ended.__contains__, one))
            await asyncio.sleep(0.02)
        asking.task.cancel()
        await asyncio.sleep(0.02)
        lets_go.set()
        await asyncio.wait({asking.task})
        assert asking.task.cancelled()
        assert asking.outcomes() == dict.fromkeys((SALES, ALL_HANDS), (True, RevocationResult.COMMANDED))

    async def test_no_request_is_left_behind(self, begin: Callable[..., Asking]) -> None:
        """The case is let go when the requests have ended, and not before: another run would ask beside them."""
        asking = begin()
        await until(lambda: len(asking.paper.answers) == 2)
        asking.task.cancel()
        await asyncio.wait({asking.task})
        assert asking.paper.ended == {SALES, ALL_HANDS}
        assert asking.outcomes() == dict.fromkeys((SALES, ALL_HANDS), (False, None))

    async def test_a_request_that_breaks_off_by_itself_stops_no_other(self, begin: Callable[..., Asking]) -> None:
        """Its intent stays open for the read that comes next; the request beside it has its outcome."""
        asking = begin(breaks=SALES)
        await until(lambda: SALES in asking.paper.ended and asking.paper.answers)
        asking.paper.answers[ALL_HANDS].set()
        await asking.task
        assert asking.outcomes() == {SALES: (False, None), ALL_HANDS: (True, RevocationResult.COMMANDED)}

    async def test_while_it_claims_a_run_holds_nothing(self, office: Office) -> None:
        """Whoever is stopped while the claim is written lets the case go: the next run need not wait for the lease's end."""
        case, lets_go = await planned(office), threading.Event()
        first = asyncio.ensure_future(office.context.store.run(lets_go.wait, 10))
        claiming = asyncio.ensure_future(runbook.claim(office.context, case.id, "stopped").__aenter__())
        await asyncio.sleep(0.02)
        claiming.cancel()
        await asyncio.sleep(0.02)
        lets_go.set()
        await asyncio.wait({first, claiming})
        assert claiming.cancelled()
        async with runbook.claim(office.context, case.id, "next") as ours:
            assert ours

    async def test_a_transaction_that_waits_for_its_turn_is_done(self, office: Office) -> None:
        """What was given to the database's thread is done to its end, begun or not, whoever still waits for it."""
        run, lets_go, done = office.context.store.run, threading.Event(), list[str]()
        first = asyncio.ensure_future(run(lets_go.wait, 10))
        second = asyncio.ensure_future(run(done.append, "second"))
        await asyncio.sleep(0.02)
        second.cancel()
        await asyncio.wait({second})
        lets_go.set()
        await first
        await run(done.append, "third")
        assert (second.cancelled(), done) == (True, ["second", "third"])


class TestStopped:
    async def test_between_two_orders_leaves_the_states_that_the_rows_come_to(self, office: Office) -> None:
        """A pause comes when the grants were asked for, and before the groups: the grants' answers are in their states."""
        case = await planned(office)
        account, _ = groups(office, case)
        paused = set[str]()

        def after(row: Entitlement) -> None:
            if row.kind is K.GRANT and not paused:
                paused.add(pause(office))

        office.paper.after = after
        with pytest.raises(Paused):
            await cutting._take_open(office.context, account, frozenset({K.GRANT, K.GROUP}))
        with office.context.store.write() as session:
            before = [(row.id, row.state, row.result) for row in rows_of(session, case.id)]
            assess(office.context, session, case.id)
            assert [(row.id, row.state, row.result) for row in rows_of(session, case.id)] == before
        assert paused

    async def test_what_somebody_else_concluded_meanwhile_is_not_asked_for_again(self, office: Office) -> None:
        """An intent that was open when it was loaded, and has its outcome by now, keeps that one."""
        case = await planned(office)
        account, loaded = groups(office, case)
        revoking.begin(office.context, account, loaded)
        answered = [(row, await office.paper.revoke(revoking.as_entitlement(row))) for row in groups(office, case)[1]]
        revoking.finish(office.context, account, answered)
        writes = [*office.paper.writes]
        await revoking.revoke(office.context, account, loaded)
        assert office.paper.writes == writes
        assert {row.result for row in groups(office, case)[1]} == {RevocationResult.COMMANDED}


class TestInterrupted:
    """Intents that a crash left open are concluded by one read, if it tells anything."""

    async def interrupted(self, office: Office) -> tuple[Case, CaseAccount, list[CaseEntitlement]]:
        case = await planned(office)
        revoking.begin(office.context, *groups(office, case))
        return case, *groups(office, case)

    async def test_what_is_gone_is_closed_by_that_read(self, office: Office) -> None:
        """It is not asked for again, and its state says at once what the read saw."""
        case, account, rows = await self.interrupted(office)
        office.paper.holders["g1"].held[K.GROUP].clear()
        await revoking.revoke(office.context, account, rows)
        assert office.paper.writes == []
        assert {row.state for row in groups(office, case)[1]} == {EntitlementState.OBSERVED_CLOSED}

    @pytest.mark.parametrize("how", ["failed", "without any exchange"])
    async def test_a_read_that_tells_nothing_concludes_nothing(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        """What is not listed by a look that failed, or that asked nobody, is not gone: it is asked for."""
        _, account, rows = await self.interrupted(office)
        office.paper.blind = {K.GROUP: EntitlementState.UNREADABLE}
        if how != "failed":
            monkeypatch.setattr(office.paper, "list_access", AsyncMock(return_value=Listing()))
        await revoking.revoke(office.context, account, rows)
        assert {*office.paper.writes} == {SALES, ALL_HANDS}
