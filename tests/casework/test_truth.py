"""What is true of a row: reads outrank commands and signatures, and what was not looked at is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from casework import runbook
from casework.access import closing, planning, rechecking, revoking
from casework.decisions import signatures as waiving
from casework.errors import BadRequest, QuestionsOpen, StillOpen
from casework.intake.opening import decide_for_real
from casework.matching.searching import find_in
from casework.policy import BlastRadius, Policy
from casework.truth.findings import assess
from casework.truth.listing import take_in
from casework.truth.rows import accepted_rows, accounts_of, reads_of
from casework.truth.table import load
from connectors.contract import Listing, cannot_look
from connectors.errors import Denied, Unreachable
from models.tables import Attestation, Case, CaseEntitlement, Finding, Look, Search
from models.vocabulary import (
    CaseState,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Evidence,
    Guard,
    OpenReason,
    Receipt,
    RevocationResult,
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
        assert (await rechecking.look_again(office.context)).reopened == [case.id]

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
        assert (report.looked, report.not_looked, report.reopened) == ([], [case_id], [])
        assert office.context.case(case_id).state == "closed"
        office.paper.list_error = None
        assert (await rechecking.look_again(office.context)).looked == []  # not at once
        office.clock.pass_by(minutes=6)
        assert (await rechecking.look_again(office.context)).looked == [case_id]

    async def test_one_connection_is_told_of_after_a_day(self, office: Office) -> None:
        """A day of failed looks is one finding for the connection, not one a case."""
        await closed(office)
        office.paper.list_error = Unreachable("paper: cannot list: 503")
        for hours in (2, 1, 23, 2):
            office.clock.pass_by(hours=hours)
            await rechecking.look_again(office.context)
        assert list(rechecking.blind_connections(office.context)) == ["google_workspace"]

    async def test_a_service_that_is_gone_is_not_quiet(self, office: Office) -> None:
        """Scenario 12: a service dropped from the settings is not looked at, and that is said, until two people retire it."""
        case_id = await closed(office)
        bare = replace(office.context, connectors={})
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(bare)).not_looked == [case_id]
        request = waiving.request_retirement(bare, GOOGLE, by="a", reason="tenant closed")
        with pytest.raises(BadRequest, match="same person"):
            waiving.approve(bare, request.id, by="a")
        waiving.approve(bare, request.id, by="b")
        office.clock.pass_by(minutes=6)
        assert (await rechecking.look_again(bare)).looked == [case_id]

    async def test_an_account_made_after_closing_is_found(self, office: Office) -> None:
        """Scenario 16: a look searches anew; a second account with the leaver's own number opens the case again."""
        case_id = await closed(office)
        office.paper.add("g9", employee_no="E1", email="e1.new@example.test", name="星 空子")
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context)).reopened == [case_id]

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
        assert (await rechecking.look_again(fresh)).looked == [case_id]
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
        assert (report.looked, report.not_looked) == ([first], ["case-0000000000000000"])


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


class TestRails:
    async def test_without_connectors_nothing_is_contained(self, office: Office) -> None:
        """Scenario 31: an answer given where no service is open says nothing about services."""
        office.paper.add("g3", email="", name="星 空子")
        case = office.report(email=None)
        office.paper.holders["g1"].profile = replace(office.paper.holders["g1"].profile, employee_no=None)
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        bare = replace(office.context, connectors={})
        with bare.store.write() as session:
            assess(bare, session, case.id)
        assert office.context.case(case.id).state != "contained"

    async def test_cases_decided_together_count_together(self, office: Office) -> None:
        """Scenario 30: the radius counts when people decide: old plans decided in one minute are one wave."""
        context = replace(office.context, policy=Policy(blast_radius=BlastRadius(departures=2)))
        cases = []
        for n in range(4):
            office.paper.add(f"p{n}", employee_no=f"P{n}", email=f"p{n}@example.test", name=f"人 {n}")
            cases.append(office.report(
                employee_no=f"P{n}", name=f"人 {n}", email=f"p{n}@example.test", for_real=False,
                employment_ends_on=f"2026-11-{20 + n}",
            ))  # fmt: skip
            office.clock.pass_by(days=3)
        for case in cases:
            with context.store.write() as session:
                decide_for_real(context, session, session.get_one(Case, case.id), "it")
        asked = 0
        for case in cases:
            try:
                await Office(context, office.paper, office.clock).run(case.id)
            except QuestionsOpen:
                asked += 1
        assert asked == 4

    async def test_a_guard_that_goes_within_the_run(self, office: Office) -> None:
        """Scenario 55: what was refused because of a guard is asked again in the same run, once the guard has gone."""
        holder = office.paper.holders["g1"]
        holder.guards["account"] = Guard.PRIVILEGED

        def refuse(row: object) -> None:
            if getattr(row, "kind", None) is K.SIGN_IN and holder.held[K.GROUP]:
                raise Denied("paper: cannot block an administrator", code="403")
            if getattr(row, "kind", None) is K.GROUP:
                holder.guards.pop("account", None)

        office.paper.before = refuse
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert office.context.case(case.id).state == "closed"

    @pytest.mark.parametrize("guard", [Guard.DYNAMIC, Guard.LAST_OWNER])
    async def test_what_waiting_cannot_settle_is_not_waited_for(self, office: Office, guard: Guard) -> None:
        """Scenario 56: rows that only a person can settle hold no run to its deadline."""
        office.paper.holders["g1"].guards["sales"] = guard
        case = office.report()
        office.clock.pass_by(hours=10)
        office.clock.slept.clear()
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert sum(office.clock.slept) < 10

    async def test_nor_for_the_sessions_of_an_account_that_a_person_must_block(self, office: Office) -> None:
        """Scenario 56: sessions end for good only after the block: while that is a person's, no run waits for their stamp."""
        office.paper.by_hand = frozenset({K.SIGN_IN})
        case = office.report()
        office.clock.pass_by(hours=10)
        office.clock.slept.clear()
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert sum(office.clock.slept) < 10

    async def test_progress_is_no_finding(self, office: Office) -> None:
        """Found, commanded and seen closed within seconds: a plain case never had a finding."""
        office.paper.late = 2
        case_id = await closed(office)
        with office.context.store.read() as session:
            found = session.exec(select(Finding).where(Finding.case_id == case_id)).all()
        assert [(f.key, f.text) for f in found] == []


class TestOrderOfReads:
    def take(self, office: Office, case_id: str, *shown: str, sent: float, failed: bool = False) -> None:
        """Take in a listing of the groups that was sent so many seconds after the instant."""
        now = office.clock()
        at = office.context.case(case_id).due_at + timedelta(seconds=sent)
        exchange = Evidence("GET /paper", at, at, 503 if failed else 200, None, "0" * 64, "1" * 64)
        rows = [Entitlement(GOOGLE, "g1", K.GROUP, name) for name in shown]
        if failed:
            rows = [cannot_look(GOOGLE, "g1", K.GROUP, EntitlementState.UNREADABLE, problem="503", remedy="wait")]
        assert at <= now
        with office.context.store.write() as session:
            (account,) = [a for a in accounts_of(session, case_id) if a.vendor_id == "g1"]
            take_in(office.context, session, account, Listing(rows, {K.GROUP: (exchange,)}), frozenset({K.GROUP}))
            assess(office.context, session, case_id)

    async def test_a_success_that_comes_after_a_younger_failure_counts(self, office: Office) -> None:
        """A read that shows a group, overtaken by a failure, is still the newest that saw anything."""
        case_id = await closed(office)
        office.clock.pass_by(days=1)
        self.take(office, case_id, sent=40000, failed=True)
        self.take(office, case_id, "sales", sent=39999)
        assert stored(office, case_id, "google_workspace:g1:group:sales").state is EntitlementState.STILL_OPEN

    async def test_an_older_read_adds_nothing(self, office: Office) -> None:
        """What only an older read shows gets no row: a younger one has looked since."""
        case_id = await closed(office)
        office.clock.pass_by(days=1)
        self.take(office, case_id, "left long ago", sent=1)
        with office.context.store.read() as session:
            assert not [row for row in accepted_rows(session, case_id) if row.vendor_id == "left long ago"]

    async def test_a_listing_without_any_exchange_is_no_look(self, office: Office) -> None:
        """An empty list that nothing proves says nothing: the kind was not read."""
        case_id = await closed(office)
        with office.context.store.write() as session:
            (account,) = [a for a in accounts_of(session, case_id) if a.vendor_id == "g1"]
            take_in(office.context, session, account, Listing(), frozenset({K.GROUP}))
            assert reads_of(session, case_id)[GOOGLE, "g1", K.GROUP].failed_as is EntitlementState.UNREADABLE

    async def test_an_ending_once_told_has_happened(self, office: Office) -> None:
        """A log that no longer reaches back to the end of the sessions does not open them again."""
        case_id = await closed(office)
        office.paper.holders["g1"].stamps.clear()
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context)).looked == [case_id]

    async def test_a_request_on_its_way_closes_nothing(self, office: Office) -> None:
        """While the vendor has not answered, a read that does not show it may be from before: only one after the answer counts."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        with office.context.store.write() as session:
            row = session.get_one(CaseEntitlement, (case.id, BLOCK))
            row.op, row.attempts = office.context.name("op"), 1
            session.add(row)
        office.paper.holders["g1"].active = False
        await planning.take_inventory(office.context, case.id)
        assert find(office, case.id, "sign_in")["state"] == "commanded"
        with office.context.store.read() as session:
            account, row = accounts_of(session, case.id)[0], session.get_one(CaseEntitlement, (case.id, BLOCK))
        now = office.clock()
        exchange = Evidence("POST /paper", now, now, 200, None, "0" * 64, "1" * 64)
        revoking.finish(office.context, account, row, Receipt(BLOCK, RevocationResult.COMMANDED, (exchange,)))
        for _ in range(2):
            with office.context.store.write() as session:
                assess(office.context, session, case.id)
            assert find(office, case.id, "sign_in")["state"] == "commanded"
        await planning.take_inventory(office.context, case.id)
        assert find(office, case.id, "sign_in")["state"] == "observed_closed"

    async def test_sessions_of_a_return_are_ended_again(self, office: Office) -> None:
        """What ended the sessions before the account came back does not end those since, however late its stamp is."""
        case_id = await closed(office)
        holder = office.paper.holders["g1"]
        holder.active = True
        office.clock.pass_by(hours=2)
        await rechecking.look_again(office.context)
        holder.active = False  # somebody else blocks it again
        office.paper.writes.clear()
        await office.run(case_id)
        assert [write for write in office.paper.writes if ":session:" in write]


class TestClosingNeedsALook:
    async def test_in_every_service_that_was_searched(self, office: Office) -> None:
        """A service of the case that is not open here cannot be read: the case is not closed without it."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        with office.context.store.write() as session:
            known = session.get_one(Case, case.id)
            known.connections = ["google_workspace", "slack"]
            session.add(known)
            session.add(Search(case_id=case.id, connection=Service.SLACK, searched_at=office.clock(), found=0))
        with pytest.raises(StillOpen, match="not_open_slack"):
            await office.run(case.id)
        request = waiving.request_retirement(office.context, Service.SLACK, by="a", reason="tenant closed")
        waiving.approve(office.context, request.id, by="b")
        await office.run(case.id)

    async def test_a_case_of_the_first_core_gets_its_services(self, office: Office) -> None:
        """A case that was planned before services were written down is contained and closed like any other."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        with office.context.store.write() as session:
            known = session.get_one(Case, case.id)
            known.connections = None
            session.add(known)
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert office.context.case(case.id).connections == ["google_workspace"]

    async def test_an_account_without_any_row_is_not_contained(self, office: Office) -> None:
        """An accepted account that nobody has listed yet is not contained because nothing is known of it."""
        case = office.report()
        await find_in(office.context, case.id, GOOGLE)
        with office.context.store.write() as session:
            known = session.get_one(Case, case.id)
            known.state = CaseState.WAITING
            session.add(known)
        office.clock.pass_by(hours=10)
        with office.context.store.write() as session:
            assess(office.context, session, case.id)
        assert office.context.case(case.id).state == "waiting"

    async def test_what_was_readable_once_is_read_again(self, office: Office) -> None:
        """A kind that failed and recovered before the instant still needs a read from the instant on."""
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.paper.blind.clear()
        await planning.take_inventory(office.context, case.id)
        office.clock.pass_by(hours=10)
        with office.context.store.write() as session:
            names = list(closing.unread(office.context, load(office.context, session, session.get_one(Case, case.id))))
        assert K.GROUP in names


class TestLooksAndPlans:
    async def test_another_failure_of_a_signed_kind_does_not_reopen(self, office: Office) -> None:
        """A kind that was accepted as not on the plan, and fails for another reason at a look, was not looked at."""
        standing(office, K.GROUP, OpenReason.NOT_ON_PLAN)
        office.paper.blind[K.GROUP] = EntitlementState.NOT_ON_PLAN
        case_id = await closed(office)
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        office.clock.pass_by(hours=2)
        report = await rechecking.look_again(office.context)
        assert (report.reopened, report.not_looked) == ([], [case_id])
        office.paper.blind[K.GROUP] = EntitlementState.NOT_ON_PLAN
        office.clock.pass_by(minutes=6)
        assert (await rechecking.look_again(office.context)).looked == [case_id]

    async def test_a_plan_that_shrank_is_no_quiet_look(self, office: Office) -> None:
        """What could be read at closing and is not on the plan now was not looked at."""
        case_id = await closed(office)
        office.paper.blind[K.GROUP] = EntitlementState.NOT_ON_PLAN
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context)).not_looked == [case_id]

    async def test_a_group_mastered_elsewhere_can_be_accepted_for_the_tenant(self, office: Office) -> None:
        """What an identity provider rules over is open for that reason, which a standing waiver may name."""
        office.paper.holders["g1"].guards["sales"] = Guard.MASTERED_ELSEWHERE

        def refuse(row: Entitlement) -> None:
            if row.vendor_id == "sales":
                raise Denied("paper: mastered elsewhere", code="403")

        office.paper.before = refuse
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="mastered_elsewhere 1"):
            await office.run(case.id)
        standing(office, K.GROUP, OpenReason.MASTERED_ELSEWHERE)
        await office.run(case.id)

    async def test_an_ended_standing_waiver_leaves_old_cases_alone(self, office: Office) -> None:
        """Scenario 17: its end concerns cases in their looks; those that are past them are not even asked about."""
        standing(office, K.GROUP, OpenReason.UNREADABLE, days=2)
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        case_id = await closed(office)
        with office.context.store.write() as session:
            for look in session.exec(select(Look).where(Look.case_id == case_id)).all():
                look.looked_at, look.verdict = office.clock(), "quiet"
                session.add(look)
        office.clock.pass_by(days=9)
        assert (await rechecking.look_again(office.context)).reopened == []
        assert office.context.case(case_id).state == "closed"

    async def test_nor_does_an_outage_make_a_word_stronger(self, office: Office) -> None:
        """What a read showed open is not closed by an attestation because the vendor does not answer now."""
        case = office.report()
        office.paper.by_hand = frozenset({K.SIGN_IN})
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        office.paper.blind[K.SIGN_IN] = EntitlementState.UNREADABLE
        waiving.attest(office.context, case_id=case.id, entitlement_id=BLOCK, statement="blocked", by="it")
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert stored(office, case.id, BLOCK).state is EntitlementState.STILL_OPEN
