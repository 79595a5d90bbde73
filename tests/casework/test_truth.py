"""What is true of a row: reads outrank commands and signatures, and what was not looked at is not known."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from audit.leaf import read
from casework import runbook
from casework.access import rechecking
from casework.decisions import signatures as waiving
from casework.errors import BadRequest, StillOpen
from casework.health import health
from casework.settings import CaseworkSettings
from casework.truth.rows import accepted_accounts, rows_of
from connectors.contract import Kinds, Listing
from connectors.errors import Unreachable
from models.tables import Attestation, Case, CaseEntitlement, Look
from models.vocabulary import (
    Account,
    EntitlementKind,
    EntitlementState,
    OpenReason,
    Service,
)
from tests.casework.conftest import Office
from tests.casework.shown import show
from tests.casework.test_rails import find

K = EntitlementKind
GOOGLE = Service.GOOGLE_WORKSPACE
BLOCK = "google_workspace:g1:sign_in:account"


async def closed(office: Office) -> str:
    """Carry E1's case to its end and return its id."""
    case = office.report()
    office.clock.pass_by(hours=10)
    await office.run(case.id)
    assert office.context.case(case.id).state == "closed"
    return case.id


def stored(office: Office, case_id: str, row_id: str) -> CaseEntitlement:
    """Return the row as it stands in the database."""
    with office.context.store.read() as session:
        return session.get_one(CaseEntitlement, (case_id, row_id))


def standing(office: Office, kind: K, accepts: OpenReason, *, days: int = 30) -> str:
    """Accept *kind* for the tenant, by two people."""
    waiver = waiving.waive_for_tenant(
        office.context, connection=GOOGLE, kind=kind, accepts=accepts, reason="tenant", by="a",
        until=office.clock().date() + timedelta(days=days),
    )  # fmt: skip
    waiving.approve(office.context, waiver.id, by="b")
    return waiver.id


class TestSignatures:
    async def test_what_can_be_read_is_not_signed_for(self, office: Office) -> None:
        """Scenario 7: an attested account that the vendor shows active is open; the attestation only orders a read."""
        office.paper.by_hand = frozenset({K.SIGN_IN})
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        waiving.attest(office.context, case_id=case.id, entitlement_id=BLOCK, statement="blocked by hand", by="it")
        assert find(office, case.id, "sign_in")["state"] == "still_open"
        with pytest.raises(StillOpen, match="not_on_plan"):
            await office.run(case.id)
        assert not any(":sign_in:" in write for write in office.paper.writes)
        office.paper.holders["g1"].active = False
        await office.run(case.id)
        assert find(office, case.id, "sign_in")["state"] == "observed_closed"

    async def test_a_contradicted_one_never_counts_again(self, office: Office) -> None:
        """Scenario 10: an attestation that a read disproved is ended for good, however often the account goes and comes."""
        office.paper.holders.clear()
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子", synced=True)
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="mastered_elsewhere"):
            await office.run(case.id)
        waiving.attest(office.context, case_id=case.id, entitlement_id=BLOCK, statement="disabled in AD", by="it")
        await office.run(case.id)
        for _ in range(4):
            office.paper.holders["g1"].active = True  # the next synchronisation
            office.clock.pass_by(days=1)
            await rechecking.look_again(office.context)
            with pytest.raises(StillOpen, match="mastered_elsewhere"):
                await office.run(case.id)
        with office.context.store.read() as session:
            assert [a.ended_at is not None for a in session.exec(select(Attestation)).all()] == [True]

    async def test_before_the_instant_does_not_count(self, office: Office) -> None:
        """Scenario 14: what was signed a month before the cut says nothing about the cut."""
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        case = office.report(employment_ends_on="2026-12-30")
        await runbook.make_plan(office.context, case.id)
        whole = "google_workspace:g1:group:*"
        waiving.attest(office.context, case_id=case.id, entitlement_id=whole, statement="none", by="it")
        office.clock.pass_by(days=31)
        with pytest.raises(StillOpen, match="unreadable 1"):
            await office.run(case.id)
        waiving.attest(office.context, case_id=case.id, entitlement_id=whole, statement="none, seen now", by="it")
        await office.run(case.id)

    @pytest.mark.parametrize("accepts", [OpenReason.NOT_ON_PLAN, OpenReason.NO_API, OpenReason.DYNAMIC])
    async def test_a_waiver_is_for_one_reason(self, office: Office, accepts: OpenReason) -> None:
        """Scenario 13: a standing waiver for a plan without eligible roles does not close what could not be read."""
        standing(office, K.GROUP, accepts)
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="unreadable 1"):
            await office.run(case.id)

    @pytest.mark.parametrize("accepts", [OpenReason.STILL_OPEN, OpenReason.REFUSED, OpenReason.GUARDED])
    def test_what_lies_in_an_account_never_stands(self, office: Office, accepts: OpenReason) -> None:
        """What is open in one account is accepted in one case, not for a tenant."""
        with pytest.raises(BadRequest, match="cannot stand"):
            standing(office, K.GROUP, accepts)

    @pytest.mark.parametrize("kind", [K.SIGN_IN, K.SESSION])
    def test_the_door_itself_never_stands(self, office: Office, kind: K) -> None:
        """Sign-in and sessions are accepted in a case or not at all."""
        with pytest.raises(BadRequest, match="whole tenant"):
            standing(office, kind, OpenReason.NOT_ON_PLAN)

    async def test_a_waiver_ends_when_its_reason_does(self, office: Office) -> None:
        """What was accepted as unreadable and is read as open is open: the waiver was for not knowing."""
        case = office.report()
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        waiver = waiving.waive(
            office.context, case_id=case.id, entitlement_id="google_workspace:g1:group:*", reason="x", by="a",
            until=office.clock().date() + timedelta(days=30),
        )  # fmt: skip
        waiving.approve(office.context, waiver.id, by="b")
        await office.run(case.id)
        office.paper.blind.clear()
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context))["reopened"] == [case.id]

    async def test_frozen_counts_while_the_block_is_seen(self, office: Office) -> None:
        """A waiver for what the block froze holds only as long as the block does."""
        case = office.report(kind="dismissal")
        with pytest.raises(StillOpen, match="still_open 1"):
            await office.run(case.id)
        code = "google_workspace:g1:backup_code:all"
        with office.context.store.read() as session:
            assert session.get_one(CaseEntitlement, (case.id, code)).reason is OpenReason.FROZEN_BY_BLOCK
        waiver = waiving.waive(
            office.context, case_id=case.id, entitlement_id=code, reason="inert", by="a",
            until=office.clock().date() + timedelta(days=30),
        )  # fmt: skip
        waiving.approve(office.context, waiver.id, by="b")
        await office.run(case.id)
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=2)
        await rechecking.look_again(office.context)
        assert find(office, case.id, "backup_code")["state"] != "waived"


class TestLooks:
    async def test_a_failed_look_is_neither_quiet_nor_a_reason_to_reopen(self, office: Office) -> None:
        """What could not be looked at is said, and looked at again; the case stays as it was."""
        case_id = await closed(office)
        office.paper.list_error = Unreachable("paper: cannot list: 503")
        office.clock.pass_by(hours=2)
        report = await rechecking.look_again(office.context)
        assert (report["looked"], report["not_looked"], report["reopened"]) == ([], [case_id], [])
        assert office.context.case(case_id).state == "closed"
        office.paper.list_error = None
        assert (await rechecking.look_again(office.context))["looked"] == []  # not at once
        office.clock.pass_by(minutes=6)
        assert (await rechecking.look_again(office.context))["looked"] == [case_id]

    async def test_one_that_found_something_open_is_made_whatever_it_missed(self, office: Office) -> None:
        """A look that opens the case again has been made, though a service could not be searched; one that saw nothing counts nothing."""
        case_id = await closed(office)
        office.paper.search_error = Unreachable("paper: cannot search: 503")
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context))["not_looked"] == [case_id]
        office.paper.holders["g1"].active = True
        office.clock.pass_by(minutes=6)
        assert (await rechecking.look_again(office.context))["reopened"] == [case_id]
        with office.context.store.read() as session:
            (made,) = [one for one in session.exec(select(Look)).all() if one.verdict is not None]
            leaves = [read(e.leaf) for e in office.context.store.trail.entries(session.connection(), case_id)]
        assert (made.verdict, made.looked_at is not None, made.blind) == ("reopened", True, [])
        told = [leaf for leaf in leaves if leaf["type"] == "case.looked"]
        assert [("count" in leaf, leaf["state"]) for leaf in told] == [(False, "not_looked"), (True, "reopened")]

    async def test_one_connection_is_told_of_after_a_day(self, office: Office) -> None:
        """A day of failed looks is one finding for the connection, not one a case."""
        await closed(office)
        office.paper.list_error = Unreachable("paper: cannot list: 503")
        for hours in (2, 1, 23, 2):
            office.clock.pass_by(hours=hours)
            await rechecking.look_again(office.context)
        settings = CaseworkSettings(witness_policy_file=None, timestamp_urls=())
        told = {alarm.code: alarm.facts for alarm in health(office.context, settings).alarms}
        assert told["connections_blind"]["connections"] == ("google_workspace",)

    async def test_each_that_was_made_is_sealed(self, office: Office) -> None:
        """A look that is asked for twice, by two restores of other cases, was made twice: the record tells of both."""
        case_id = await closed(office)
        for _ in range(2):
            with office.context.store.write() as session:
                session.merge(Look(case_id=case_id, label="restore", due_at=office.clock()))
            assert (await rechecking.look_again(office.context))["looked"] == [case_id]
        with office.context.store.read() as session:
            leaves = [read(e.leaf) for e in office.context.store.trail.entries(session.connection(), case_id)]
        assert [leaf["type"] for leaf in leaves].count("case.looked") == 2

    async def test_a_service_that_is_gone_is_not_quiet(self, office: Office) -> None:
        """Scenario 12: a service dropped from the settings is not looked at, and that is said, until two people retire it."""
        case_id = await closed(office)
        bare = replace(office.context, connectors={})
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(bare))["not_looked"] == [case_id]
        request = waiving.request_retirement(bare, GOOGLE, by="a", reason="tenant closed")
        with pytest.raises(BadRequest, match="same person"):
            waiving.approve(bare, request.id, by="a")
        waiving.approve(bare, request.id, by="b")
        office.clock.pass_by(minutes=6)
        assert (await rechecking.look_again(bare))["looked"] == [case_id]

    async def test_an_account_made_after_closing_is_found(self, office: Office) -> None:
        """Scenario 16: a look searches anew; a second account with the leaver's own number opens the case again."""
        case_id = await closed(office)
        office.paper.add("g9", employee_no="E1", email="e1.new@example.test", name="星 空子")
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context))["reopened"] == [case_id]

    async def test_a_look_knows_what_the_cut_knew(self, office: Office) -> None:
        """Scenario 11: a look probes first: what a connector can list depends on the plan, which it learns by probing."""
        case_id = await closed(office)
        office.clock.pass_by(hours=2)
        fresh = replace(office.context, own_accounts={})
        probed = []
        probe = office.paper.probe

        async def noting() -> object:
            probed.append(office.paper.reads)
            return await probe()

        office.paper.probe = noting  # type: ignore[method-assign, assignment]  # to see when it is called
        before = office.paper.reads
        assert (await rechecking.look_again(fresh))["looked"] == [case_id]
        assert probed == [before]

    async def test_one_that_fails_stops_no_other(self, office: Office) -> None:
        """An exception in one case's look is that case's: the others are looked at."""
        first = await closed(office)
        office.clock.pass_by(hours=2)
        with office.context.store.write() as session:
            other = session.get_one(Case, first).model_dump() | {"id": "case-0000000000000000", "employee_key": "e0"}
            other["leaver"] = {"employee_no": "E0"}  # what nobody can be made of
            session.add(Case(**other))
            session.add(Look(case_id=other["id"], label="+1h", due_at=office.clock()))
        report = await rechecking.look_again(office.context)
        assert (report["looked"], report["not_looked"]) == ([first], ["case-0000000000000000"])

    async def test_one_that_hangs_stops_no_other(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """A service that is silent about one account delays no other case's look."""
        first = await closed(office)
        second = office.report(employee_no="E2", name="月 影子", email="e2@example.test")
        office.clock.pass_by(hours=10)
        await office.run(second.id)
        office.clock.pass_by(hours=2)
        hangs, other = sorted([first, second.id])
        with office.context.store.read() as session:
            (silent,) = {row.account_id for row in rows_of(session, hangs, *accepted_accounts(session, hangs))}
        read = office.paper.list_access

        async def hanging(account: Account, kinds: Kinds | None = None) -> Listing:
            if account.id == silent:
                await asyncio.Event().wait()
            return await read(account, kinds)

        monkeypatch.setattr(office.paper, "list_access", hanging)

        def looked() -> bool:
            with office.context.store.read() as session:
                return session.get_one(Look, (other, "+1h")).looked_at is not None

        looking = asyncio.ensure_future(rechecking.look_again(office.context))
        async with asyncio.timeout(20):
            while not looked():
                await asyncio.sleep(0.02)
        assert not looking.done()
        looking.cancel()


class TestComingBack:
    async def test_is_told(self, office: Office) -> None:
        """Scenario 54: an account that came back and was cut again says so: when."""
        case_id = await closed(office)
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=2)
        await rechecking.look_again(office.context)
        finding = [f["text"] for f in show(office.context, case_id)["findings"] if f["entitlement"] == BLOCK]
        await office.run(case_id)
        row = show(office.context, case_id)["accounts"][0]["entitlements"]
        came = [e["detail"]["came_back_at"] for e in row if e["id"] == BLOCK]
        assert came[0] is not None
        assert all("came back" in text for text in finding)

    async def test_blocked_at_plan_and_enabled_later_is_one_row(self, office: Office) -> None:
        """Scenario 33: an account has one sign-in, whatever it was when it was first seen."""
        office.paper.holders["g1"].active = False
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        rows = [e for e in show(office.context, case.id)["accounts"][0]["entitlements"] if e["kind"] == "sign_in"]
        assert [(e["id"], e["state"]) for e in rows] == [(BLOCK, "observed_closed")]
