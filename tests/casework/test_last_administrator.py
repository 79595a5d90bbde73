"""The last administrator stays, whichever machines cut: the rail is the database's, in the intent's own transaction."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.trail import Trail
from casework import runbook
from casework.access.revoking import begin
from casework.context import Context
from casework.errors import StillOpen
from casework.policy import ObservationPolicy, Policy
from casework.schema import migrate
from casework.store import Store, open_engine
from casework.truth.rows import accepted_accounts, rows_of
from connectors.contract import Kinds, Listing
from connectors.microsoft365 import connect
from emulators.ca import certificate
from emulators.company import person
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.microsoft365 import Tenant
from emulators.microsoft365.directory import GLOBAL_ADMINISTRATOR
from models.tables import Case, CaseAccount, CaseEntitlement
from models.vocabulary import Account, EntitlementKind, Service
from tests.audit.conftest import postgres, postgres_url
from tests.casework.conftest import Clock, Office
from tests.casework.paper import Paper
from tests.casework.shown import show
from tests.contract.rig_microsoft365 import FAST, settings_for

__all__ = ["postgres", "postgres_url"]

GOOGLE, M365 = Service.GOOGLE_WORKSPACE, Service.MICROSOFT365
QUICK = Policy(observe=ObservationPolicy(deadline_seconds=3, first_wait_seconds=0.05, longest_wait_seconds=0.2))
ROLES = ("Privileged Authentication Administrator",)


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """An office on each database, with two administrators and nobody else who could be one."""
    url = f"sqlite:///{tmp_path}/case.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine, clock = open_engine(url), Clock()
    migrate(engine)
    store = Store(engine, Trail("test.example/audit/2026", clock=clock, skew=None))
    paper = Paper(now=clock, rulers=frozenset({"g1", "g2"}))
    for n in (1, 2, 3):
        paper.add(f"g{n}", employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}")
    yield Office(Context(store, Policy(), {GOOGLE: paper}, now=clock, sleep=clock.sleep), paper, clock)
    engine.dispose()


def leaves(office: Office, number: int, on: str = "2026-11-30", *, for_real: bool = True) -> str:
    given = {"employee_no": f"E{number}", "name": f"人 {number}", "email": f"e{number}@example.test"}
    return office.report(**given, employment_ends_on=on, for_real=for_real).id


def machine(context: Context) -> Context:
    """Return a context of another machine on the same database."""
    return replace(context, own_accounts={}, leases={}, probing={})


def active(office: Office) -> list[str]:
    return [name for name, holder in office.paper.holders.items() if holder.active]


def guarded(context: Context, case_id: str) -> list[str]:
    return [one["remedy"] for one in show(context, case_id)["findings"] if one["kind"] == "guarded"]


def block_of(context: Context, case_id: str) -> tuple[CaseAccount, list[CaseEntitlement]]:
    with context.store.read() as session:
        (account,) = accepted_accounts(session, case_id)
        return account, [r for r in rows_of(session, case_id, account) if r.kind is EntitlementKind.SIGN_IN]


class TestTwoWhoLeave:
    async def test_at_once_by_two_machines_leave_one(self, office: Office) -> None:
        """Of two last administrators who leave at one instant, by two machines, one is cut; the other's finding says what to do."""
        cases = [leaves(office, n) for n in (1, 2)]
        machines = [machine(office.context) for _ in cases]
        for each, case in zip(machines, cases, strict=True):
            await runbook.make_plan(each, case)
        office.clock.pass_by(hours=10)
        await asyncio.gather(*(runbook.contain(each, case, GOOGLE) for each, case in zip(machines, cases, strict=True)))
        assert len(active(office)) == 2
        assert "g3" in active(office)
        left = next(case for case in cases if guarded(office.context, case))
        assert ["Make somebody who stays" in remedy for remedy in guarded(office.context, left)] == [True]
        assert all(guarded(office.context, case) == [] for case in cases if case != left)
        with office.context.store.read() as session:
            assert office.context.store.trail.open_intents(session.connection()) == []

    async def test_are_both_cut_once_another_stays(self, office: Office) -> None:
        """Once somebody who stays was made an administrator, the one who was left is cut by the next run."""
        cases = [leaves(office, n) for n in (1, 2)]
        office.clock.pass_by(hours=10)
        for _ in range(2):
            for case in cases:
                await runbook.make_plan(office.context, case)
                await runbook.contain(office.context, case, GOOGLE)
            office.paper.rulers |= {"g3"}
        assert active(office) == ["g3"]

    async def test_one_after_the_other_are_told_ahead(self, office: Office) -> None:
        """Who leaves first is cut; the one whose only fellow leaves before is told of when planned, and not cut."""
        first, second = leaves(office, 1), leaves(office, 2, on="2026-12-15")
        for case in (first, second):
            await runbook.make_plan(office.context, case)
        assert (guarded(office.context, first), len(guarded(office.context, second))) == ([], 1)
        office.clock.pass_by(hours=10)
        await runbook.contain(office.context, first, GOOGLE)
        office.paper.rulers -= {"g1"}
        office.clock.pass_by(days=15)
        await runbook.contain(office.context, second, GOOGLE)
        assert active(office) == ["g2", "g3"]

    async def test_one_whose_notice_came_late_counts_the_cut_of_the_other(self, office: Office) -> None:
        """A block that was asked for counts although the vendor still shows the account: a late notice for the other waits."""
        second = leaves(office, 2)
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, second)
        await runbook.contain(office.context, second, GOOGLE)
        late = leaves(office, 1, on="2026-11-20")
        await runbook.make_plan(office.context, late)
        await runbook.contain(office.context, late, GOOGLE)
        assert active(office) == ["g1", "g3"]


class TestTheIntent:
    @pytest.mark.parametrize("seconds", [59, 61])
    async def test_needs_a_read_of_the_last_minute(self, office: Office, seconds: int) -> None:
        """Who else rules was read within a minute before the intent, or there is no intent."""
        office.paper.rulers |= {"g3"}
        case = leaves(office, 1)
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case)
        office.clock.pass_by(seconds=seconds)
        assert len(begin(office.context, *block_of(office.context, case))) == (seconds < 60)
        (block,) = block_of(office.context, case)[1]
        assert (block.op is not None) == (seconds < 60)

    async def test_that_was_put_off_is_told(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """An administrator who is not cut because every read takes too long is a finding, until one is read in time."""
        office.paper.rulers |= {"g3"}
        case, read = leaves(office, 1), office.paper.list_access
        office.clock.pass_by(hours=10)

        async def slowly(account: Account, kinds: Kinds | None = None) -> Listing:
            listing = await read(account, kinds)
            office.clock.pass_by(seconds=61)
            return listing

        monkeypatch.setattr(office.paper, "list_access", slowly)
        with pytest.raises(StillOpen):
            await office.run(case)
        (found,) = show(office.context, case)["findings"]
        assert (found["kind"], "more than a minute ago" in found["text"]) == ("failed", True)
        assert "g1" in active(office)
        monkeypatch.undo()
        await office.run(case)
        assert "g1" not in active(office)
        assert show(office.context, case)["findings"] == []

    async def test_is_weighed_with_those_of_other_machines(self, office: Office) -> None:
        """An intent that another machine committed since the read is seen by this one's, whatever its own read showed."""
        early, late = leaves(office, 1, on="2026-11-20", for_real=False), leaves(office, 2)
        office.clock.pass_by(hours=10)
        for case in (early, late):
            await runbook.make_plan(office.context, case)
        assert len(begin(machine(office.context), *block_of(office.context, late))) == 1
        with office.context.store.write() as session:
            session.get_one(Case, early).for_real = True
        assert begin(machine(office.context), *block_of(office.context, early)) == []
        (block,) = block_of(office.context, early)[1]
        assert (block.guard, block.op) == ("last_admin", None)


class TestOnATenant:
    @pytest.mark.parametrize("status", [None, 403, 503])
    async def test_two_processes_leave_one_global_administrator(
        self, tmp_path: Path, empty_database: Path, status: int | None
    ) -> None:
        """
        Two Global Administrators, the only ones, leave by two processes with a connector each: one of them is cut, also if who is
        an administrator cannot be read any more since they were planned.
        """
        async with two_machines(tmp_path, empty_database) as (stage, tenant, machines):
            cases = [machines[0].report(**of(number)).id for number in ("E1001", "E1002")]
            for each, case in zip(machines, cases, strict=True):
                await runbook.make_plan(each.context, case)
            if status is not None:
                stage.faults.append(Fault("GET .*/directory/roleAssignments", status=status, body="{}", times=None))
            await asyncio.gather(
                *(runbook.contain(each.context, case, M365) for each, case in zip(machines, cases, strict=True))
            )
            users = [tenant.directory.users[tenant.user_id(number)] for number in ("E1001", "E1002")]
            assert sorted(user["accountEnabled"] for user in users) == [False, True]
            told = [guarded(machines[0].context, case) for case in cases]
            assert sorted(map(len, told)) == [0, 1]


def of(number: str) -> dict[str, Any]:
    who, day = person(number), datetime.now(UTC).date() - timedelta(days=2)
    return {"employee_no": number, "name": who.name, "email": who.email, "employment_ends_on": str(day)}


@asynccontextmanager
async def two_machines(tmp_path: Path, empty: Path) -> AsyncIterator[tuple[FaultProxy, Tenant, list[Office]]]:
    """One tenant with two administrators and one database; a connector and a context for each of two processes."""
    tenant = Tenant(own_roles=ROLES)
    for number in ("E1009", "break-glass"):
        tenant.directory.users[tenant.user_id(number)]["accountEnabled"] = False
    for number in ("E1001", "E1002"):
        tenant.directory.assign(tenant.user_id(number), GLOBAL_ADMINISTRATOR)
    shutil.copy(empty, tmp_path / "case.db")
    papers = certificate(tmp_path)
    async with AsyncExitStack() as stack:
        stage = FaultProxy(tenant.app)
        root = stack.enter_context(served(stage, certificate=papers.pair))
        machines = []
        for _ in range(2):
            connector = await connect(settings_for(tenant, root, papers.ca), pace=FAST)
            stack.push_async_callback(connector.aclose)
            engine = open_engine(f"sqlite:///{tmp_path}/case.db")
            stack.callback(engine.dispose)
            context = Context(Store(engine, Trail("test.example/audit/2026")), QUICK, {M365: connector})
            machines.append(Office(context, Paper(), Clock()))
        yield stage, tenant, machines
