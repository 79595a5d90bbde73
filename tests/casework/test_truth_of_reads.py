"""Which read counts, what a case needs to close, and the rails of its runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from casework import runbook
from casework.access import closing, planning, rechecking, revoking
from casework.decisions import signatures as waiving
from casework.errors import QuestionsOpen, StillOpen
from casework.intake.opening import decide_for_real
from casework.matching.searching import find_in
from casework.policy import BlastRadiusPolicy, Policy
from casework.truth.findings import assess, open_findings
from casework.truth.listing import take_in
from casework.truth.reasons import NO_ACCOUNT
from casework.truth.rows import accepted_rows, accounts_of, load, reads_of
from connectors.contract import Listing, cannot_look
from connectors.errors import Denied
from models.actor import actor_of
from models.tables import Attestation, Case, CaseEntitlement, Finding, Look, Search
from models.vocabulary import (
    CaseState,
    Entitlement,
    EntitlementState,
    Evidence,
    Guard,
    OpenReason,
    Receipt,
    RevocationResult,
    Service,
)
from tests.casework.conftest import Office
from tests.casework.paper import Paper
from tests.casework.test_rails import find
from tests.casework.test_truth import BLOCK, GOOGLE, K, closed, standing, stored


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
        context = replace(office.context, policy=Policy(blast_radius=BlastRadiusPolicy(departures=2)))
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

    async def test_what_a_read_adds_has_its_state_at_once(self, office: Office) -> None:
        """The rows of a first listing are worked out with it, by the reads that it brought: to do so again changes nothing."""
        case = office.report()
        await find_in(office.context, case.id, GOOGLE)
        await planning.take_inventory(office.context, case.id)
        with office.context.store.write() as session:
            before = [(row.id, row.state, row.reason) for row in accepted_rows(session, case.id)]
            assess(office.context, session, case.id)
            assert [(row.id, row.state, row.reason) for row in accepted_rows(session, case.id)] == before
            assert before

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
        assert (await rechecking.look_again(office.context))["looked"] == [case_id]

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
        revoking.finish(office.context, account, [(row, Receipt(BLOCK, RevocationResult.COMMANDED, (exchange,)))])
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

    async def test_where_nobody_has_an_account_the_plan_is_all_there_is(self, office: Office) -> None:
        """Every service was searched and nothing is there to be blocked: with its plan a case that is due is contained."""
        office.paper.holders.clear()
        case = office.report()
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        assert office.context.case(case.id).contained_at is not None

    async def test_in_a_service_that_was_added_since_the_plan(self, office: Office) -> None:
        """A case is about each service that was open when it was looked into, and not whole before that was searched."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        slack = Paper(Service.SLACK, office.clock)
        more = replace(office.context, connectors={**office.context.connectors, Service.SLACK: slack})
        await runbook.make_plan(more, case.id)
        assert office.context.case(case.id).connections == [GOOGLE, Service.SLACK]

    async def test_by_a_person_after_the_instant_where_nobody_has_an_account(self, office: Office) -> None:
        """Somebody's word that there is no account counts from the instant on: weeks before, one may still be made."""
        office.paper.holders.clear()
        case = office.report()
        told = []
        for hours in (0, 10):
            office.clock.pass_by(hours=hours)
            await runbook.make_plan(office.context, case.id)
            with office.context.store.write() as session:
                session.add(Attestation(
                    id=office.context.name("attest"), case_id=case.id, entitlement_id=NO_ACCOUNT,
                    person=actor_of("p"), statement="s", attested_at=office.clock(),
                ))  # fmt: skip
            office.clock.pass_by(hours=10 - hours)
            with office.context.store.write() as session:
                assess(office.context, session, case.id)
                told.append([one.kind for one in open_findings(session, case.id)])
        assert told == [["no_account"], []]

    async def test_what_was_readable_once_is_read_again(self, office: Office) -> None:
        """A kind that failed and recovered before the instant still needs a read from the instant on."""
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.paper.blind.clear()
        await planning.take_inventory(office.context, case.id)
        office.clock.pass_by(hours=10)
        with office.context.store.write() as session:
            names = list(closing.unread(office.context, load(office.context, session, case.id)))
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
        assert (report["reopened"], report["not_looked"]) == ([], [case_id])
        office.paper.blind[K.GROUP] = EntitlementState.NOT_ON_PLAN
        office.clock.pass_by(minutes=6)
        assert (await rechecking.look_again(office.context))["looked"] == [case_id]

    async def test_a_plan_that_shrank_is_no_quiet_look(self, office: Office) -> None:
        """What could be read at closing and is not on the plan now was not looked at."""
        case_id = await closed(office)
        office.paper.blind[K.GROUP] = EntitlementState.NOT_ON_PLAN
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context))["not_looked"] == [case_id]

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

    async def test_an_ended_standing_waiver_leaves_old_cases_alone(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Scenario 17: its end concerns cases in their looks; those that are past them are not even asked about."""
        standing(office, K.GROUP, OpenReason.UNREADABLE, days=2)
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        case_id = await closed(office)
        with office.context.store.write() as session:
            for look in session.exec(select(Look).where(Look.case_id == case_id)).all():
                look.looked_at, look.verdict = office.clock(), "quiet"
                session.add(look)
        office.clock.pass_by(days=9)
        asked: list[str] = []
        monkeypatch.setattr(rechecking, "assess", lambda _context, _session, one: asked.append(one))
        assert (await rechecking.look_again(office.context))["reopened"] == []
        assert (asked, office.context.case(case_id).state) == ([], "closed")

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
