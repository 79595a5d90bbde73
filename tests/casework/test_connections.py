"""Two Slack workspaces: each is a connection of its own, seen end to end through the real SDK on two emulated tenants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from audit.events import EventType
from audit.trail import Trail
from casework import runbook
from casework.bootstrap import open_context
from casework.context import Context
from casework.decisions import signatures
from casework.errors import Misconfigured
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.matching import answering
from casework.policy import ObservationPolicy, Policy, ProtectionPolicy
from casework.settings import read_settings
from casework.store import Store, open_engine
from casework.view.reading.case import case_view
from connectors.contract import Connector
from connectors.errors import Denied, NotConfigured
from connectors.further_connector import FurtherConnector
from connectors.registry import open_connectors
from connectors.settings import prefix_of
from emulators.company import person
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.slack import Tenant
from models.tables import CallBudget
from models.vocabulary import Account, ActivityKind, EntitlementKind, Leaver, Service
from portal.document import Clock
from portal.sections.access import truth_table
from tests.casework.conftest import Office
from tests.casework.ledger import Ledger, event
from tests.casework.paper import Paper
from tests.casework.quiet import cut, read
from tests.casework.shown import show
from tests.casework.test_truth_tenants import Tenancy

SLACK, ACQUIRED = "slack", "slack.acquired"
LEAVER = "E1001"
QUICK = ObservationPolicy(deadline_seconds=3, first_wait_seconds=0.1, longest_wait_seconds=0.5)


@dataclass
class Two:
    """One leaver's case, and the two workspaces in which they have an account of the same id."""

    case: Tenancy
    tenants: dict[str, Tenant]
    stages: dict[str, FaultProxy]

    def blocked(self, connection: str) -> bool:
        return self.tenants[connection].members[self.case.account_id].deactivated_at is not None

    def writes(self, connection: str) -> int:
        return sum(request.method in {"PATCH", "PUT", "DELETE"} for request in self.stages[connection].journal)

    async def step(self) -> None:
        """Plan and contain, as a run does: what fails in one connection is told in its rows."""
        context = replace(self.case.context, own_accounts={})
        await runbook.make_plan(context, self.case.case_id)
        steps = (runbook.contain(context, self.case.case_id, connection) for connection in context.connectors)
        await asyncio.gather(*steps, return_exceptions=True)


def configure(environment: pytest.MonkeyPatch, connection: str, tenant: Tenant, root: str) -> None:
    roots = {"web_endpoint": f"{root}/api/", "scim_endpoint": f"{root}/scim/", "audit_endpoint": f"{root}/audit/v1/"}
    for name, value in (roots | tenant.credentials()).items():
        environment.setenv(f"{prefix_of(connection)}{name.upper()}", value)


@asynccontextmanager
async def two_workspaces(
    folder: Path, empty_database: Path, environment: pytest.MonkeyPatch, policy: Policy | None = None
) -> AsyncIterator[Two]:
    (folder / "case.db").write_bytes(empty_database.read_bytes())
    environment.chdir(folder)
    async with AsyncExitStack() as stack:
        tenants = {connection: Tenant(plan="business_plus") for connection in (SLACK, ACQUIRED)}
        stages = {connection: FaultProxy(tenant.app) for connection, tenant in tenants.items()}
        for connection, stage in stages.items():
            configure(environment, connection, tenants[connection], stack.enter_context(served(stage)))
        connectors = await stack.enter_async_context(open_connectors(tenants))
        engine = open_engine(f"sqlite:///{folder}/case.db")
        stack.callback(engine.dispose)
        store = Store(engine, Trail("test.example/audit/2026"))
        evidence = EvidenceStore(store, folder / "evidence", KeyFile(folder / "evidence.key", lambda: True))
        context = Context(
            store, policy or Policy(observe=QUICK), connectors, evidence=evidence, configured=frozenset(tenants)
        )
        who, ends_on = person(LEAVER), str((datetime.now(UTC) - timedelta(days=2)).date())
        notice = read_options(employee_no=LEAVER, name=who.name, email=who.email, employment_ends_on=ends_on, kind="resignation")  # fmt: skip
        case = open_cases(context, notice, reported_by="hr", for_real=True).opened[0].case.id
        account = tenants[SLACK].account_id(LEAVER)
        assert tenants[ACQUIRED].account_id(LEAVER) == account  # nothing but the connection tells them apart
        yield Two(Tenancy(context, tenants[SLACK], stages[SLACK], case, account), tenants, stages)


class TestTwoWorkspaces:
    async def test_are_both_cut_and_named(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One leaver with an account in each: both are found, cut and seen closed, and everything that is told names both."""
        async with two_workspaces(tmp_path, empty_database, monkeypatch) as t:
            await t.case.close()
            assert t.blocked(SLACK)
            assert t.blocked(ACQUIRED)
            shown = show(t.case.context, t.case.case_id)["accounts"]
            assert {(a["service"], a.get("connection")) for a in shown if a["standing"] == "accepted"} == {
                (SLACK, None), (SLACK, ACQUIRED),
            }  # fmt: skip
            states = {row["id"]: row["state"] for a in shown for row in a["entitlements"] if row["kind"] == "sign_in"}
            assert states == {
                f"{connection}:{t.case.account_id}:sign_in:account": "observed_closed"
                for connection in (SLACK, ACQUIRED)
            }
            record = str(truth_table(case_view(t.case.context, t.case.case_id), Clock("Asia/Tokyo")))
            assert "Slack (acquired)" in record
            with t.case.context.store.read() as session:
                entries = t.case.context.store.trail.entries(session.connection(), t.case.case_id)
                fields = [entry.record for entry in entries if entry.record["type"] == EventType.REVOKE_INTENT]
            assert {(told["service"], told.get("connection")) for told in fields} == {(SLACK, None), (SLACK, ACQUIRED)}

    async def test_one_id_in_both_is_never_mixed_up(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is said of an account holds in its connection alone: the other one with the same id is cut, this one is not."""
        account = Tenant(plan="business_plus").account_id(LEAVER)
        protected = ProtectionPolicy(accounts=frozenset({f"{ACQUIRED}:{account}"}))
        policy = Policy(observe=QUICK, protected=protected)
        async with two_workspaces(tmp_path, empty_database, monkeypatch, policy) as t:
            await t.step()
            assert t.blocked(SLACK)
            assert not t.blocked(ACQUIRED)
            assert t.writes(ACQUIRED) == 0

    async def test_one_that_is_gone_is_not_quiet(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A connection that is no longer configured is not looked at, and that is said, until two people retire it alone."""
        async with two_workspaces(tmp_path, empty_database, monkeypatch) as t:
            await t.case.close()
            context = t.case.context
            left = replace(context, connectors={SLACK: context.connectors[SLACK]}, configured=frozenset({SLACK}))
            assert (await t.case.look(left))["not_looked"] == [t.case.case_id]
            request = signatures.request_retirement(left, ACQUIRED, by="a", reason="workspace merged")
            signatures.approve(left, request.id, by="b")
            assert (await t.case.look(left))["looked"] == [t.case.case_id]

    async def test_one_that_fails_stops_not_the_other(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other workspace is cut, and the failure is told of the one that failed."""
        async with two_workspaces(tmp_path, empty_database, monkeypatch) as t:
            t.stages[ACQUIRED].faults.append(Fault(".", status=503, times=None))
            await t.step()
            assert t.blocked(SLACK)
            findings = show(t.case.context, t.case.case_id)["findings"]
            assert {f.get("connection") for f in findings if f["kind"] == "unmatched"} == {ACQUIRED}

    async def test_one_that_hangs_holds_not_up_the_other(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other workspace is cut while this one has not answered yet."""
        async with two_workspaces(tmp_path, empty_database, monkeypatch) as t:
            context, case_id = t.case.context, t.case.case_id
            await runbook.make_plan(context, case_id)
            t.stages[ACQUIRED].faults.append(Fault(".", delay=5, times=None))
            hanging = asyncio.ensure_future(runbook.contain(context, case_id, ACQUIRED))
            await runbook.contain(context, case_id, SLACK)
            assert t.blocked(SLACK)
            assert not hanging.done()
            hanging.cancel()

    async def test_a_probe_that_hangs_holds_up_its_own_alone(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A run that has probed nothing yet cuts the other workspace while this one's probe has not answered."""
        async with two_workspaces(tmp_path, empty_database, monkeypatch) as t:
            context, case_id = t.case.context, t.case.case_id
            await runbook.make_plan(context, case_id)
            t.stages[ACQUIRED].faults.append(Fault(".", delay=10, times=None))
            running = asyncio.ensure_future(runbook.offboard(replace(context, own_accounts={}), case_id))
            async with asyncio.timeout(8):
                while not t.blocked(SLACK):
                    await asyncio.sleep(0.05)
            running.cancel()
            t.stages[ACQUIRED].faults.clear()
            await asyncio.wait({running})

    async def test_what_a_search_rests_on(self, office: Office) -> None:
        """A further tenant's search brings its own exchanges, and how many accounts it looked through."""
        bought = "google_workspace.bought"
        found = await FurtherConnector(office.paper, bought).find_accounts(Leaver("E1", "星 空子"))
        assert (len(found.evidence), found.looked_through) == (1, 2)
        assert {match.account.connection for match in found} == {bought}

    async def test_what_a_log_tells_is_of_its_own_connection(self, logged: Office) -> None:
        """Two accounts of one id: a sign-in after the cut in one tenant breaks that one's silence, and not the other's."""
        bought, other = "google_workspace.bought", Ledger(now=logged.clock)
        other.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        connectors: dict[str, Connector] = {"google_workspace": logged.paper, bought: FurtherConnector(other, bought)}
        logged.context = replace(logged.context, connectors=connectors)
        case, effective_by = await cut(logged)
        other.happened("g1", [event(1, effective_by + timedelta(hours=1), ActivityKind.SIGN_IN)])
        logged.clock.pass_by(hours=25)
        shown = await read(logged, case)
        states = {quiet.get("connection"): quiet["state"] for quiet in shown["downloads"]["silence"]}
        assert states == {None: "silent", bought: "broken"}
        ((finding, about),) = [(f, f["entitlement"]) for f in shown["findings"]]
        assert (finding["kind"], finding["connection"]) == ("activity_after_cut", bought)
        signatures.attest(logged.context, case_id=case.id, entitlement_id=about, statement="a test of ours", by="it")
        assert show(logged.context, case.id)["findings"] == []

    async def test_a_person_answers_for_one_of_them(self, office: Office) -> None:
        """Two doubtful accounts of one id are two candidates: the one that is named is the leaver's, the other is not."""
        bought, other = "google_workspace.bought", Paper(now=office.clock)
        for paper in (office.paper, other):
            paper.add("g9", name="星 空子", email="hoshi@example.test")
        connectors: dict[str, Connector] = {"google_workspace": office.paper, bought: FurtherConnector(other, bought)}
        context = replace(office.context, connectors=connectors)
        case_id = office.report().id
        await runbook.make_plan(context, case_id)
        (question,) = show(context, case_id)["questions"]
        answering.answer(context, question["id"], chosen=[f"{bought}:g9"], by="it")
        standings = {
            (a.get("connection"), a["standing"]) for a in show(context, case_id)["accounts"] if a["id"] == "g9"
        }
        assert standings == {(bought, "accepted"), (None, "rejected")}


class TestSettings:
    @pytest.mark.parametrize(
        "named", ["slack,slack", "slack.a,slack.a", "acquired", "slack.", "slack.Acquired", "slack.a.b", "slack.a_b", ".a", "slack:a"]
    )  # fmt: skip
    def test_a_bad_or_double_id_is_refused(self, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """An id that is none, or stands twice, stops the start and says which setting it is."""
        monkeypatch.setenv("LASTDAY_SERVICES", named)
        with pytest.raises(Misconfigured, match="LASTDAY_SERVICES"):
            read_settings()

    def test_several_of_one_vendor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A further tenant stands beside the first one of its vendor, or without it."""
        monkeypatch.setenv("LASTDAY_SERVICES", "google_workspace,slack, slack.acquired")
        assert read_settings().services == ("google_workspace", "slack", "slack.acquired")

    async def test_each_has_its_own(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A further tenant is never opened with the first one's secrets: what is missing is named."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("LASTDAY_SLACK_TOKEN", "xoxp-first")
        with pytest.raises(NotConfigured, match="LASTDAY_SLACK_ACQUIRED_TOKEN"):
            async with open_connectors([ACQUIRED]):
                raise AssertionError("it was opened")

    async def test_a_name_that_reads_the_firsts(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A name that would make LASTDAY_SLACK_SCIM_TOKEN a setting of two is refused."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("LASTDAY_SLACK_SCIM_TOKEN", "xoxp-first")
        with pytest.raises(NotConfigured, match="cannot be opened"):
            async with open_connectors(["slack.scim"]):
                raise AssertionError("it was opened")


class TestLedger:
    async def test_of_the_context_that_is_open(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two cases of one process share a connector: what it asks is booked in the database, after the first one's context is closed too."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "case.db").write_bytes(empty_database.read_bytes())
        for name, value in {
            "DATABASE_URL": f"sqlite:///{tmp_path}/case.db", "AUDIT_ORIGIN": "test.example/audit/2026", "SERVICES": SLACK,
        }.items():  # fmt: skip
            monkeypatch.setenv(f"LASTDAY_{name}", value)
        tenant = Tenant()
        with served(FaultProxy(tenant.app)) as root:
            configure(monkeypatch, SLACK, tenant, root)
            who = Account(Service.SLACK, tenant.account_id(LEAVER))
            async with AsyncExitStack() as second:
                async with open_context() as first:
                    context = await second.enter_async_context(open_context())
                    assert context.connectors[SLACK] is first.connectors[SLACK]
                    await first.connectors[SLACK].list_access(who, frozenset({EntitlementKind.SIGN_IN}))
                    before = booked(context)
                assert before > 0
                await context.connectors[SLACK].list_access(who, frozenset({EntitlementKind.SIGN_IN}))
                assert booked(context) > before


def booked(context: Context) -> int:
    """Return how many reads of one user the database has booked."""
    with context.store.read() as session:
        rows = session.exec(select(CallBudget).where(col(CallBudget.connection) == SLACK)).all()
        return sum(sum(row.slots.values()) for row in rows if row.name in {"users.info", "GET /Users/{id}"})


class TestWords:
    async def test_failures_and_remedies_name_the_connection(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever reads a failure knows which tenant it was, and which of its settings to mend."""
        async with two_workspaces(tmp_path, empty_database, monkeypatch) as t:
            refused = Fault("users.list", status=200, body='{"ok": false, "error": "missing_scope"}', times=None)
            t.stages[ACQUIRED].faults.append(refused)
            with pytest.raises(Denied, match=r"^slack\.acquired: "):
                await t.case.context.connectors[ACQUIRED].find_accounts(Leaver(LEAVER, "x"))
