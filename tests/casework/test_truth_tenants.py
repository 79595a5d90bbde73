"""What is true of a row, seen end to end: the vendors' SDKs on the emulated tenants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from audit.events import EventType
from audit.trail import Trail
from casework import runbook
from casework.access import rechecking
from casework.activity import openers
from casework.activity.collecting import collect
from casework.context import Context
from casework.decisions import signatures
from casework.errors import StillOpen
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.policy import ObservationPolicy, Policy
from casework.store import Store, open_engine
from casework.trail.comparing import differences
from casework.truth.rows import accepted_rows
from casework.view.reading.case import case_view
from cli.tables import document_page
from connectors.slack import connect as connect_slack
from connectors.slack.activity.sources import sources_for
from connectors.slack.manifest import SlackPlan
from emulators.company import person
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.google_workspace.state import user_id
from models.tables import CaseEntitlement, Collection, Comeback, Look
from models.vocabulary import SETTLED, Opener, OpenReason, Service
from models.vocabulary import EntitlementKind as K
from models.vocabulary import EntitlementState as S
from portal.record.composing import compose
from portal.record.pages import page
from portal.sections.front import at_work
from tests.casework.records import gather
from tests.casework.shown import show
from tests.contract import rig_google_workspace, rig_microsoft365, rig_slack

POLICY = Policy(observe=ObservationPolicy(deadline_seconds=3, first_wait_seconds=0.1, longest_wait_seconds=0.5))


@dataclass
class Tenancy:
    """One emulated tenant, a context that is led to it, and one leaver's case."""

    context: Context
    tenant: Any
    stage: FaultProxy
    case_id: str
    account_id: str

    async def run(self) -> None:
        """Carry the case's runbook; raises what it raises."""
        context = replace(self.context, own_accounts={}, leases={})
        async with runbook.claim(context, self.case_id, context.name("run")) as ours:
            assert ours
            await runbook.offboard(context, self.case_id)

    def rows(self, kind: K) -> list[CaseEntitlement]:
        with self.context.store.read() as session:
            return [row for row in accepted_rows(session, self.case_id) if row.kind is kind]

    def state(self, kind: K = K.SIGN_IN) -> tuple[S, OpenReason | None]:
        (row,) = self.rows(kind)
        return row.state, row.reason

    def back(self) -> tuple[Opener | None, str | None]:
        """Return what the view says of who let the account in again."""
        rows = [row for one in case_view(self.context, self.case_id).taken for row in one.entitlements]
        (told,) = [row.detail for row in rows if row.kind is K.SIGN_IN]
        return told.opener, told.came_back_by

    def later(self, **after: float) -> Context:
        """Return the context at a later time."""
        return replace(self.context, now=lambda: self.context.now() + timedelta(**after))

    def ask_again(self) -> None:
        with self.context.store.write() as session:
            for one in session.exec(select(Comeback)).all():
                one.ask_at = self.context.now()
                session.add(one)

    def attest(self) -> None:
        row = self.rows(K.SIGN_IN)[0].id
        signatures.attest(self.context, case_id=self.case_id, entitlement_id=row, statement="blocked by hand", by="it")

    def accept_the_rest(self) -> None:
        """Have two people accept what is open besides the block: this test is not about it."""
        with self.context.store.read() as session:
            rest = [
                r for r in accepted_rows(session, self.case_id) if r.state not in SETTLED and r.kind is not K.SIGN_IN
            ]
        for row in rest:
            waiver = signatures.waive(self.context, case_id=self.case_id, entitlement_id=row.id, reason="not this test's", by="a",
                                      until=self.context.now().date() + timedelta(days=30))  # fmt: skip
            signatures.approve(self.context, waiver.id, by="b")

    def standing(self, kind: K, accepts: OpenReason) -> None:
        (service,) = self.context.connectors
        waiver = signatures.waive_for_tenant(self.context, connection=service, kind=kind, accepts=accepts, reason="plan", by="a",
                                             until=self.context.now().date() + timedelta(days=30))  # fmt: skip
        signatures.approve(self.context, waiver.id, by="b")

    async def close(self) -> None:
        """Close the case, with all signatures that it takes besides the block's."""
        try:
            await self.run()
        except StillOpen:
            self.accept_the_rest()
            await self.run()
        assert self.context.case(self.case_id).state == "closed"

    async def look(self, context: Context | None = None) -> dict[str, list[str]]:
        """Make the next look now."""
        with self.context.store.write() as session:
            look = session.exec(select(Look).where(Look.case_id == self.case_id).order_by(Look.due_at)).all()  # type: ignore[arg-type]  # a column
            due = next(one for one in look if one.looked_at is None)
            due.due_at = self.context.now()
            session.add(due)
        return await rechecking.look_again(context or self.context)


def _google(employee_no: str) -> str:
    return user_id(person(employee_no).mailbox)


def _in_google(t: Tenancy) -> str:
    by = t.tenant.users[_google("E1003")]
    t.tenant.suspend(t.tenant.users[t.account_id], by, suspended=False)
    return str(by.email)


def _in_slack(t: Tenancy) -> str:
    by = t.tenant.members[t.tenant.account_id("E1003")]
    t.tenant.activate(t.tenant.members[t.account_id], by.id)
    return str(by.email)


def _in_microsoft(t: Tenancy) -> str:
    by = next(user for user in t.tenant.directory.users.values() if user["id"] != t.account_id)
    t.tenant.enable(t.account_id, by["id"])
    return str(by["userPrincipalName"])


LET_IN: Mapping[Service, Callable[[Tenancy], str]] = {
    Service.GOOGLE_WORKSPACE: _in_google,
    Service.SLACK: _in_slack,
    Service.MICROSOFT365: _in_microsoft,
}
"""An administrator enables the account again; who that was, as the vendor's log has it."""


@asynccontextmanager
async def tenancy(
    folder: Path, empty_database: Path, service: Service, employee_no: str, **options: Any
) -> AsyncIterator[Tenancy]:
    modules = {
        Service.SLACK: rig_slack,
        Service.GOOGLE_WORKSPACE: rig_google_workspace,
        Service.MICROSOFT365: rig_microsoft365,
    }
    async with AsyncExitStack() as stack:
        r = await stack.enter_async_context(modules[service].rig(**options))
        engine = open_engine(f"sqlite:///{folder}/case.db")
        stack.callback(engine.dispose)
        store = Store(engine, Trail("test.example/audit/2026"))
        evidence = EvidenceStore(store, folder / "evidence", KeyFile(folder / "evidence.key", lambda: True))
        context = Context(store, POLICY, {service: r.connector}, evidence=evidence)
        who = person(employee_no)
        ends_on = str((datetime.now(UTC) - timedelta(days=2)).date())
        reading = read_options(
            employee_no=employee_no, name=who.name, email=who.email, employment_ends_on=ends_on, kind="resignation"
        )
        case_id = open_cases(context, reading, reported_by="hr", for_real=True).opened[0].case.id
        yield Tenancy(context, r.tenant, r.stage, case_id, r.account_id(employee_no))


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    (tmp_path / "case.db").write_bytes(empty_database.read_bytes())
    return tmp_path


class TestSlackPro:
    async def test_what_slack_shows_active_is_open_whatever_was_signed(
        self, folder: Path, empty_database: Path
    ) -> None:
        """Scenario 7: on Pro an attested account that Slack shows active stays open; once it is seen deactivated it is closed."""
        async with tenancy(folder, empty_database, Service.SLACK, "E1001", plan="pro") as t:
            with pytest.raises(StillOpen):
                await t.run()
            t.attest()
            t.accept_the_rest()
            for _ in range(2):
                with pytest.raises(StillOpen):
                    await t.run()
                assert t.state() == (S.STILL_OPEN, OpenReason.NOT_ON_PLAN)
            t.tenant.deactivate(t.tenant.members[t.account_id], "console")
            await t.run()
            assert t.state() == (S.OBSERVED_CLOSED, None)

    async def test_one_that_comes_back_is_found_by_the_look(self, folder: Path, empty_database: Path) -> None:
        """Scenario 7: and reactivated, it opens the case again, though somebody once attested it."""
        async with tenancy(folder, empty_database, Service.SLACK, "E1001", plan="pro") as t:
            with pytest.raises(StillOpen):
                await t.run()
            t.tenant.deactivate(t.tenant.members[t.account_id], "console")
            t.attest()
            await t.close()
            t.tenant.members[t.account_id].deactivated_at = None
            assert (await t.look())["reopened"] == [t.case_id]
            assert t.state() == (S.STILL_OPEN, OpenReason.NOT_ON_PLAN)


class TestMicrosoftSynced:
    async def test_a_disproved_word_never_counts_again(self, folder: Path, empty_database: Path) -> None:
        """Scenario 10: a synced user, attested and brought back by the sync, is open again, however often that happens."""
        async with tenancy(folder, empty_database, Service.MICROSOFT365, "E1004") as t:
            with pytest.raises(StillOpen):
                await t.run()
            t.attest()
            await t.close()
            for _ in range(3):
                t.tenant.directory.users[t.account_id]["accountEnabled"] = True  # the next synchronisation
                if t.context.case(t.case_id).state == "closed":
                    assert (await t.look())["reopened"] == [t.case_id]
                with pytest.raises(StillOpen, match="mastered_elsewhere"):
                    await t.run()
                with t.context.store.read() as session:  # the sessions close anew at once: their new time is sealed too
                    assert [*differences(session, t.case_id)] == []


class TestSlackEnterprise:
    async def test_a_look_knows_what_the_cut_knew(self, folder: Path, empty_database: Path) -> None:
        """Scenario 11: a connector that nobody has probed yet sees a role that came back."""
        async with AsyncExitStack() as stack:
            t = await stack.enter_async_context(tenancy(folder, empty_database, Service.SLACK, "E1007"))
            held = [a for a in t.tenant.assignments if a.user_id == t.account_id]
            assert held
            await t.close()
            t.tenant.assignments.extend(held)
            root = stack.enter_context(served(t.stage))
            connector = await connect_slack(rig_slack.settings_for(t.tenant, root))
            stack.push_async_callback(connector.aclose)
            fresh = replace(t.context, connectors={Service.SLACK: connector}, own_accounts={})
            assert (await t.look(fresh))["reopened"] == [t.case_id]
            assert {row.state for row in t.rows(K.ROLE)} == {S.STILL_OPEN}


class TestEntraWithoutEligibleRoles:
    @pytest.mark.parametrize("plan", ["P1", "free"])
    async def test_a_waiver_for_the_plan_is_none_for_an_outage(
        self, folder: Path, empty_database: Path, plan: str
    ) -> None:
        """Scenario 13: where no eligible roles are on the plan, unreadable active roles still keep the case open."""
        async with tenancy(folder, empty_database, Service.MICROSOFT365, "E1001", plan=plan) as t:
            t.standing(K.ROLE, OpenReason.NOT_ON_PLAN)
            fault = Fault(r"GET /v1.0/roleManagement/directory/roleAssignments", status=403, times=None)
            t.stage.faults.append(fault)
            with pytest.raises(StillOpen, match="unreadable"):
                await t.run()
            assert any(row.state is S.UNREADABLE for row in t.rows(K.ROLE))
            t.stage.faults.remove(fault)
            await t.run()
            assert t.context.case(t.case_id).state == "closed"
            assert {row.reason for row in t.rows(K.ROLE) if row.state is S.WAIVED} == {OpenReason.NOT_ON_PLAN}


class TestComingBack:
    async def test_is_told_and_cut_again(self, folder: Path, empty_database: Path) -> None:
        """Scenario 54: an account that was enabled again says since when, and once cut again, when it came back."""
        async with tenancy(folder, empty_database, Service.GOOGLE_WORKSPACE, "E1002") as t:
            await t.close()
            cut_at = t.rows(K.SIGN_IN)[0].observed_at
            t.tenant.users[t.account_id].suspended = False
            assert (await t.look())["reopened"] == [t.case_id]
            (row,) = t.rows(K.SIGN_IN)
            assert (row.state, row.observed_at, row.result) == (S.STILL_OPEN, None, None)
            await t.run()
            (row,) = t.rows(K.SIGN_IN)
            assert row.state is S.OBSERVED_CLOSED
            assert cut_at is not None
            assert row.came_back_at is not None
            assert row.observed_at is not None
            assert cut_at < row.came_back_at < row.observed_at
            told = [e for a in show(t.context, t.case_id)["accounts"] for e in a["entitlements"] if e["id"] == row.id]
            assert told[0]["detail"]["came_back_at"] is not None

    @pytest.mark.parametrize("service", list(Service))
    async def test_names_who_let_it_in(
        self, folder: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, service: Service
    ) -> None:
        """Scenario 54: who enabled it stands in the vendor's own log, then in the view, the terminal, the record and, sealed, the trail."""
        monkeypatch.setenv("LASTDAY_LANGUAGE", "en")
        async with tenancy(folder, empty_database, service, "E1001") as t:
            await t.close()
            by = LET_IN[service](t)
            assert (await t.look())["reopened"] == [t.case_id]
            assert t.back() == (Opener.NOT_ASKED, None)
            await openers.ask(t.context)
            assert t.back() == (Opener.NAMED, by)
            await t.run()
            assert (t.state(), t.back()) == ((S.OBSERVED_CLOSED, None), (Opener.NAMED, by))
            facts = gather(t.context, t.case_id)
            (line,) = [
                part for part in document_page(at_work(facts.view)) if isinstance(part, str) and "came back" in part
            ]
            assert "cut again at" in line
            assert line.endswith(f"; by {by}.")
            assert f"; by {by}" in page(compose(facts)).decode()
            (sealed,) = [one for one in facts.told if one.type == EventType.OBSERVE_OPENER]
            assert (sealed.by, sealed.fields["state"]) == (by, Opener.NAMED)
            assert sealed.fields["evidence"]["count"] > 0
            t.stage.journal.clear()
            await openers.ask(t.context)
            assert t.stage.journal == [], "who is known is not asked for again"

    async def test_waits_for_a_log_that_is_late(self, folder: Path, empty_database: Path) -> None:
        """Until the log tells, by whom is unknown and said to be so; it is asked again, and then says."""
        async with tenancy(folder, empty_database, Service.GOOGLE_WORKSPACE, "E1002") as t:
            await t.close()
            by = LET_IN[Service.GOOGLE_WORKSPACE](t)
            line = t.tenant.events.pop()
            await t.look()
            await openers.ask(t.context)
            assert t.back() == (Opener.LATE, None)
            t.tenant.events.append(line)
            await openers.ask(t.context)
            assert t.back() == (Opener.LATE, None), "not asked at each turn"
            await openers.ask(t.later(minutes=16))
            assert t.back() == (Opener.NAMED, by)

    async def test_names_nobody_for_an_earlier_time(self, folder: Path, empty_database: Path) -> None:
        """An account that came back twice: who let it in the first time is not taken for who did the second time."""
        async with tenancy(folder, empty_database, Service.GOOGLE_WORKSPACE, "E1002") as t:
            await t.close()
            LET_IN[Service.GOOGLE_WORKSPACE](t)
            await t.look()
            await asyncio.sleep(2.1)  # further apart than two clocks may be
            await t.run()
            t.tenant.users[t.account_id].suspended = False
            await t.look()
            await openers.ask(t.context)
            assert t.back() == (Opener.LATE, None)

    async def test_gives_up_after_a_day(self, folder: Path, empty_database: Path) -> None:
        """A log that names nobody a day later is asked no more, and nobody is named: not who enabled another account."""
        async with tenancy(folder, empty_database, Service.GOOGLE_WORKSPACE, "E1002") as t:
            await t.close()
            leaver, other = t.tenant.users[t.account_id], t.tenant.users[_google("E1003")]
            leaver.suspended = False
            t.tenant.suspend(other, leaver, suspended=False)
            await t.look()
            await openers.ask(t.later(days=1))
            assert t.back() == (Opener.NOT_TOLD, None)
            t.stage.journal.clear()
            await openers.ask(t.later(days=9))
            assert t.stage.journal == []

    async def test_says_why_nobody_can_tell(self, folder: Path, empty_database: Path) -> None:
        """A plan without a log, and a log that cannot be read, are told as what they are, and stop no cut."""
        async with tenancy(folder, empty_database, Service.SLACK, "E1001") as t:
            await t.close()
            LET_IN[Service.SLACK](t)
            await t.look()
            for status, body, told in (
                (500, "", Opener.NOT_READ),
                (403, '{"ok": false, "error": "missing_scope"}', Opener.DENIED),
                (403, '{"ok": false, "error": "feature_not_enabled"}', Opener.NOT_ON_PLAN),
            ):
                fault = Fault("GET /audit/v1/logs", status=status, body=body, times=None)
                t.stage.faults.append(fault)
                t.ask_again()
                await openers.ask(t.context)
                assert t.back() == (told, None)
                t.stage.faults.remove(fault)
            await t.run()
            assert t.context.case(t.case_id).state == "closed"


class TestWaiting:
    async def test_holds_no_run_for_what_it_cannot_settle(self, folder: Path, empty_database: Path) -> None:
        """Scenario 56: refused, dynamic and guarded rows cost a run its reads, and each later run the same few again."""
        waits = list[float]()

        async def waiting(seconds: float) -> None:
            waits.append(seconds)
            await asyncio.sleep(seconds)

        async with tenancy(folder, empty_database, Service.MICROSOFT365, "E1001", plan="P1") as t:
            t.context = replace(t.context, sleep=waiting)
            with pytest.raises(StillOpen):
                await t.run()
            waits.clear()
            for _ in range(2):
                t.stage.journal.clear()
                with pytest.raises(StillOpen):
                    await t.run()
                assert sum(waits) < POLICY.observe.deadline_seconds / 3
                waits.clear()
                whole = [exchange for exchange in t.stage.journal if exchange.path.endswith("/memberOf")]
                assert len(whole) == 1, "listed once after the cut"


class TestLogs:
    async def test_are_those_of_the_plan_at_a_fresh_start(self, folder: Path, empty_database: Path) -> None:
        """Scenario 45: a process that has probed nothing yet reads the logs of the tenant's plan, not those of a bigger one."""
        async with AsyncExitStack() as stack:
            t = await stack.enter_async_context(
                tenancy(folder, empty_database, Service.SLACK, "E1001", plan="business_plus")
            )
            await t.close()
            root = stack.enter_context(served(t.stage))
            connector = await connect_slack(rig_slack.settings_for(t.tenant, root))
            stack.push_async_callback(connector.aclose)
            fresh = replace(t.context, connectors={Service.SLACK: connector}, own_accounts={})
            await collect(fresh, t.case_id, seconds=60)
            with t.context.store.read() as session:
                read = {
                    row.source for row in session.exec(select(Collection).where(Collection.case_id == t.case_id)).all()
                }
            assert read == {source.name for source in sources_for(SlackPlan.BUSINESS_PLUS)}
