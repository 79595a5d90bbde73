"""What only people may decide: whose an account is, what is accepted, what is given back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from casework import claims, runbook, sweeping
from casework.access import rechecking
from casework.access import restore as restoring
from casework.decisions import signatures as waiving
from casework.errors import BadRequest, QuestionsOpen, StillOpen
from casework.intake.moving import reschedule, withdraw
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.matching import answering
from casework.policy import BlastRadiusPolicy, Policy, ProtectionPolicy
from models.tables import Case, Plan
from models.vocabulary import CaseState, EntitlementKind, EntitlementState, Guard, OpenReason, RunState, Service
from tests.casework.conftest import Office
from tests.casework.shown import open_questions, show

K = EntitlementKind
GOOGLE = Service.GOOGLE_WORKSPACE


def sealed_plans(office: Office, case_id: str) -> list[str]:
    """The digests of the case's sealed plans."""
    with office.context.store.read() as session:
        return [plan.sha256 for plan in session.exec(select(Plan).where(Plan.case_id == case_id)).all()]


class TestWhoseAccount:
    async def test_a_namesake_stops_the_case_and_is_untouched(self, office: Office) -> None:
        """With two people of one name and nothing surer, both are shown, none is cut, and the run waits."""
        office.paper.holders.clear()
        office.paper.add("g8", email="ken.a@example.test", name="佐藤 健")
        office.paper.add("g9", email="ken.b@example.test", name="佐藤 健")
        case = office.report(name="佐藤 健", email=None)
        office.clock.pass_by(hours=10)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        assert office.paper.writes == []
        question = show(office.context, case.id)["questions"][0]
        assert {o["account"] for o in question["options"]} == {"g8", "g9"}

        answering.answer(office.context, question["id"], chosen=["g8"], by="it@example.test")
        await office.run(case.id)
        assert {write.split(":")[1] for write in office.paper.writes} == {"g8"}
        assert office.paper.holders["g9"].active

    async def test_the_sure_account_is_cut_while_the_doubtful_waits(self, office: Office) -> None:
        """A question about one account never delays the cut of another."""
        office.paper.add("g3", email="adm-e1@example.test", name="星 空子")
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        assert not office.paper.holders["g1"].active
        assert office.paper.holders["g3"].active
        assert show(office.context, case.id)["state"] == "cutting"

    async def test_another_employee_number_is_never_asked_about(self, office: Office) -> None:
        """A namesake with a number of his own is shown as a look-alike and left alone without a question."""
        office.paper.add("g3", employee_no="E77", email="other@example.test", name="星 空子")
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        standing = {a["id"]: a["standing"] for a in show(office.context, case.id)["accounts"]}
        assert standing == {"g1": "accepted", "g3": "look_alike"}

    async def test_a_number_given_twice_needs_a_second_fact(self, office: Office) -> None:
        """Two more accounts bear the leaver's number: the one that bears the name too is the leaver's, the other is asked about."""
        office.paper.add("g3", employee_no="E1", email="e1b@example.test", name="星 空子")
        office.paper.add("g4", employee_no="E1", email="e4@example.test", name="日向 葵")
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        standing = {a["id"]: a["standing"] for a in show(office.context, case.id)["accounts"]}
        assert standing == {"g1": "accepted", "g3": "accepted", "g4": "asked"}
        assert office.paper.holders["g4"].active

    async def test_a_mistyped_address_does_not_cut_a_colleague(self, office: Office) -> None:
        """The notice's address names a colleague's account without a number, the number the leaver's own: a person looks."""
        office.paper.add("g3", email="e3@example.test", name="日向 子")
        case = office.report(email="e3@example.test")
        office.clock.pass_by(hours=10)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        assert office.paper.holders["g3"].active

    async def test_an_answer_is_taken_once_and_only_for_what_was_asked(self, office: Office) -> None:
        """An unknown account, or a second answer, is refused with what to do."""
        office.paper.add("g3", email="adm-e1@example.test", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        (question,) = open_questions(office.context, case.id)
        with pytest.raises(BadRequest, match="g2 was not asked about"):
            answering.answer(office.context, question.id, chosen=["g2"], by="it")
        answering.answer(office.context, question.id, chosen=[], by="it")
        with pytest.raises(BadRequest, match="answered already"):
            answering.answer(office.context, question.id, chosen=["g3"], by="it")

    async def test_an_account_decided_about_is_planned_before_it_is_touched(self, office: Office) -> None:
        """After the answer the account is listed and its plan sealed first, then cut in the usual order."""
        office.paper.add("g3", email="adm-e1@example.test", name="星 空子")
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        answering.answer(office.context, open_questions(office.context, case.id)[0].id, chosen=["g3"], by="it")
        plans = len(sealed_plans(office, case.id))
        await runbook.contain(office.context, case.id, GOOGLE)
        assert len(sealed_plans(office, case.id)) == plans + 1
        kinds = [w.split(":")[2] for w in office.paper.writes if ":g3:" in w]
        assert set(kinds[: kinds.index("sign_in")]) == {"password", "grant", "backup_code"}

    async def test_an_account_made_since_the_plan_is_cut_too(self, office: Office) -> None:
        """The plan may be weeks old: an account that appeared since is found after the cut and contained at once."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        await runbook.contain(office.context, case.id, GOOGLE)
        office.paper.add("g4", employee_no="E1", email="late@example.test", name="星 空子")
        office.paper.holders["g1"].profile = replace(office.paper.holders["g1"].profile, employee_no=None, emails=())
        await runbook.deprovision(office.context, case.id, GOOGLE)
        assert not office.paper.holders["g4"].active

    async def test_a_later_look_does_not_undo_the_answer(self, office: Office) -> None:
        """What a person decided stays decided when the directory is searched again."""
        office.paper.add("g3", email="adm-e1@example.test", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        answering.answer(office.context, open_questions(office.context, case.id)[0].id, chosen=[], by="it")
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert office.paper.holders["g3"].active


class TestWaivers:
    async def test_count_only_with_a_second_person(self, office: Office) -> None:
        """The one who asks for a waiver cannot approve it; until a second does, the case stays open."""
        office.paper.blind[K.GRANT] = EntitlementState.NO_API
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        until = office.clock().date() + timedelta(days=90)
        waiver = waiving.waive_for_tenant(
            office.context,
            connection=GOOGLE,
            kind=K.GRANT,
            accepts=OpenReason.NO_API,
            reason="no API",
            until=until,
            by="Ito",
            compensating="console",
        )
        with pytest.raises(StillOpen):
            await office.run(case.id)
        with pytest.raises(BadRequest, match="same person"):
            waiving.approve(office.context, waiver.id, by="ito ")
        waiving.approve(office.context, waiver.id, by="Kobayashi")
        await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"

    async def test_a_standing_one_never_covers_what_a_read_shows_open(self, office: Office) -> None:
        """A tenant's waiver settles what cannot be done or seen, not a grant that is still there."""
        until = office.clock().date() + timedelta(days=90)
        waiver = waiving.waive_for_tenant(
            office.context, connection=GOOGLE, kind=K.GRANT, accepts=OpenReason.NO_API, reason="x", until=until, by="a"
        )
        waiving.approve(office.context, waiver.id, by="b")
        office.paper.late = 10_000
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="still_open"):
            await office.run(case.id)

    async def test_ends_on_its_day(self, office: Office) -> None:
        """After its last day a waiver no longer settles an open case."""
        office.paper.blind[K.GRANT] = EntitlementState.NO_API
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        until = office.clock().date()
        waiver = waiving.waive_for_tenant(
            office.context, connection=GOOGLE, kind=K.GRANT, accepts=OpenReason.NO_API, reason="x", until=until, by="a"
        )
        waiving.approve(office.context, waiver.id, by="b")
        case = office.report(employment_ends_on="2026-11-29")
        with pytest.raises(StillOpen, match=r"unreadable 1$"):
            await office.run(case.id)
        office.clock.pass_by(days=2)
        with pytest.raises(StillOpen, match=r"no_api 1, unreadable 1"):
            await office.run(case.id)

    @pytest.mark.parametrize("days", [-1, 366])
    def test_has_an_end_within_policy(self, office: Office, days: int) -> None:
        """A waiver for the past, or longer than policy allows, is refused."""
        until = office.clock().date() + timedelta(days=days)
        with pytest.raises(BadRequest, match="cannot end on"):
            waiving.waive_for_tenant(
                office.context,
                connection=GOOGLE,
                kind=K.GRANT,
                accepts=OpenReason.NO_API,
                reason="x",
                until=until,
                by="a",
            )


class TestAttestation:
    async def test_settles_a_manual_step_until_a_read_contradicts_it(self, office: Office) -> None:
        """A signed statement settles a row; a later read that still shows it open wins."""
        office.paper.holders["g1"].guards["sales"] = Guard.DYNAMIC
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="still_open 1"):
            await office.run(case.id)
        row = "google_workspace:g1:group:sales"
        waiving.attest(office.context, case_id=case.id, entitlement_id=row, statement="cleared the attribute", by="it")
        office.paper.holders["g1"].held[K.GROUP].discard("sales")
        await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"

    async def test_an_account_mastered_elsewhere_needs_one(self, office: Office) -> None:
        """A cut in the cloud of a synced account is a finding until somebody signs that it was cut where it is mastered."""
        office.paper.holders.clear()
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子", synced=True)
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="mastered_elsewhere 1"):
            await office.run(case.id)
        assert not office.paper.holders["g1"].active
        row = "google_workspace:g1:sign_in:account"
        waiving.attest(office.context, case_id=case.id, entitlement_id=row, statement="disabled in AD 18:00", by="it")
        await office.run(case.id)


class TestRestore:
    async def test_gives_back_what_can_be_given_back(self, office: Office) -> None:
        """A restore needs a second person, re-enables, gives groups back, and says what the person must enrol anew."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="wrong person")
        with pytest.raises(BadRequest, match="second person"):
            await restoring.restore(office.context, case.id)
        waiving.approve(office.context, request.id, by="it")
        await restoring.restore(office.context, case.id)
        assert office.paper.holders["g1"].active
        assert office.paper.holders["g1"].held[K.GROUP] == {"sales", "all-hands"}
        shown = show(office.context, case.id)
        assert shown["state"] == "restored"
        verdicts = {e["kind"]: e["detail"]["restored"] for e in shown["accounts"][0]["entitlements"]}
        assert verdicts["sign_in"] == "restored"
        assert verdicts["grant"] == "re_enrol"

    async def test_a_withdrawal_after_the_cut_is_a_restore(self, office: Office) -> None:
        """Before the cut a withdrawal ends the case; after it, it is refused and points to the restore."""
        case = office.report()
        withdraw(office.context, case.id, by="hr", reason="stays")
        assert show(office.context, case.id)["state"] == "withdrawn"
        again = office.report()
        assert again.id != case.id
        office.clock.pass_by(hours=10)
        await office.run(again.id)
        with pytest.raises(BadRequest, match="cannot withdraw"):
            withdraw(office.context, again.id, by="hr", reason="stays")

    async def test_leave_is_disabled_and_returned(self, office: Office) -> None:
        """A leave of absence blocks sign-in and ends sessions, takes nothing apart, and is returned."""
        reading = read_options(
            employee_no="E1", name="星 空子", email="e1@example.test", employment_ends_on="2026-11-30", kind="leave"
        )
        assert open_cases(office.context, reading, reported_by="hr", for_real=True).refused
        intake = open_cases(office.context, reading, reported_by="hr", for_real=True, leave=True)
        case = intake.opened[0].case
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert {w.split(":")[2] for w in office.paper.writes} == {"sign_in", "session"}
        restoring.request_return(office.context, case.id, by="hr")
        await restoring.restore(office.context, case.id)
        assert office.paper.holders["g1"].active


class TestRails:
    async def test_protected_accounts_are_refused(self, make_office: Callable[..., Office]) -> None:
        """An account on policy's list is not touched, by id or by address."""
        office = make_office(Policy(protected=ProtectionPolicy(accounts=frozenset({"e1@example.test"}))))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="guarded"):
            await office.run(case.id)
        assert office.paper.writes == []

    async def test_our_own_account_is_refused(self, office: Office) -> None:
        """The account that our credentials belong to is never cut."""
        office.paper.own = frozenset({"g1"})
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="guarded"):
            await office.run(case.id)
        assert office.paper.writes == []

    async def test_too_many_at_once_stop_and_ask(self, make_office: Callable[..., Office]) -> None:
        """More cuts in one window than policy allows change nothing until a second person releases them."""
        office = make_office(Policy(blast_radius=BlastRadiusPolicy(departures=2)))
        for n in (1, 2, 3):
            office.paper.add(f"g{n}", employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}")
        cases = [office.report(employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}") for n in (1, 2, 3)]
        office.clock.pass_by(hours=10)
        with pytest.raises(QuestionsOpen):
            await office.run(cases[0].id)
        assert office.paper.writes == []
        (question,) = open_questions(office.context, cases[0].id)
        with pytest.raises(BadRequest, match="same person"):
            waiving.approve(office.context, question.id, by="hr")
        waiving.approve(office.context, question.id, by="security")
        await office.run(cases[0].id)


class TestNotices:
    def test_the_same_notice_twice_is_one_case(self, office: Office) -> None:
        """Same person, same last day: one case, and the second says so."""
        assert office.report().id == office.report().id

    def test_another_date_is_a_reschedule(self, office: Office) -> None:
        """Another date for an open case is refused with the verb that moves it."""
        case = office.report()
        reading = read_options(employee_no="E1", name="星 空子", employment_ends_on="2026-12-31", kind="resignation")
        intake = open_cases(office.context, reading, reported_by="hr")
        assert not intake.opened
        assert case.id in intake.refused[0].remedy.en
        moved = reschedule(
            office.context, case.id, ends_on=reading.notices[0].employment_ends_on, last_working_at=None, by="hr"
        )
        assert moved.due_at.isoformat() == "2026-12-31T15:00:00+00:00"

    async def test_a_rehire_who_leaves_again_is_a_new_case(self, office: Office) -> None:
        """A closed case is history: another last day opens a new one."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert office.report(employment_ends_on="2027-11-30").id != case.id
        assert office.report().id == case.id

    def test_one_bad_row_leaves_everything_as_it_was(self, office: Office) -> None:
        """All or nothing: with one refusal, no case and no event is written."""
        office.report()
        reading = read_options(employee_no="E1", name="星 空子", employment_ends_on="2026-12-31", kind="resignation")
        with office.context.store.read() as session:
            before = office.context.store.trail.size(session.connection())
        open_cases(office.context, reading, reported_by="hr")
        with office.context.store.read() as session:
            assert office.context.store.trail.size(session.connection()) == before


class TestSweep:
    async def test_a_question_from_planning_does_not_keep_a_due_case_from_its_cut(self, office: Office) -> None:
        """A plan that paused on a doubtful account is offered for the cut at its instant all the same."""
        office.paper.add("g3", email="adm-e1@example.test", name="星 空子")
        case = office.report()
        async with runbook.claim(office.context, case.id, "plan"):
            await runbook.make_plan(office.context, case.id)
        assert sweeping.due_for_run(office.context) == []
        office.clock.pass_by(hours=9)
        assert [g.purpose for g in sweeping.due_for_run(office.context)] == ["offboard"]

    async def test_a_withdrawal_while_a_run_waits_stops_it(self, office: Office) -> None:
        """What HR withdraws or moves between two steps of a run is not cut by it."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        withdraw(office.context, case.id, by="hr", reason="stays")
        with pytest.raises(BadRequest, match="nothing may be taken away"):
            await runbook.contain(office.context, case.id, GOOGLE)
        assert office.paper.writes == []

    def test_an_open_case_is_offered_for_planning_and_a_due_one_for_cutting(self, office: Office) -> None:
        """The sweep offers a plan at once and the cut shortly before its instant, cases of one instant together."""
        office.report()
        office.report(employee_no="E2", email="e2@example.test", name="月 影子")
        assert {group.purpose for group in sweeping.due_for_run(office.context)} == {"plan"}
        office.clock.pass_by(hours=8, minutes=55)
        (group,) = sweeping.due_for_run(office.context)
        assert (group.purpose, len(group.case_ids)) == ("offboard", 2)

    def test_a_dead_run_is_replaced_under_another_key(self, office: Office) -> None:
        """A run that died is released, and the next one is another: a cancelled key is never used again."""
        case = office.report()
        office.clock.pass_by(hours=10)
        (first,) = sweeping.due_for_run(office.context)
        claims.record_run(office.context, first.case_ids, "run-1")
        assert sweeping.due_for_run(office.context) == []
        assert sweeping.runs_to_check(office.context) == [(case.id, "run-1")]
        claims.release_run(office.context, case.id)
        (second,) = sweeping.due_for_run(office.context)
        assert second.key != first.key

    @pytest.mark.parametrize("state", [CaseState.OPEN, CaseState.CONTAINED])
    @pytest.mark.parametrize("run_id", [None, "a run that somebody moved to 2030"])
    async def test_what_a_killed_process_left_is_taken_up_again(
        self, office: Office, state: CaseState, run_id: str | None
    ) -> None:
        """A terminal or a serving process that dies has no run that could be asked: its lease, once over, says enough."""
        case = office.report()
        if state is CaseState.CONTAINED:
            office.clock.pass_by(hours=10)
        with office.context.store.write() as session:
            case = session.get_one(Case, case.id)
            case.state, case.run_state, case.run_id = state, RunState.RUNNING, run_id
            case.lease_holder, case.lease_until = "serve-1", office.clock.at + timedelta(seconds=20)
        office.clock.pass_by(seconds=19)
        assert sweeping.due_for_run(office.context) == []
        office.clock.pass_by(seconds=2)
        assert [group.case_ids for group in sweeping.due_for_run(office.context)] == [(case.id,)]

    async def test_a_case_with_findings_is_taken_up_again_later(self, office: Office) -> None:
        """After a run with findings the next one waits, longer each time."""
        office.paper.blind[K.GROUP] = EntitlementState.UNREADABLE
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert sweeping.due_for_run(office.context) == []
        office.clock.pass_by(seconds=61)
        assert [g.case_ids for g in sweeping.due_for_run(office.context)] == [(case.id,)]

    async def test_looks_after_closing_are_quiet_or_reopen(self, office: Office) -> None:
        """At +1 h nothing has come back; at +24 h the account was enabled again: the case opens again and is cut again."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        office.clock.pass_by(hours=1, minutes=1)
        assert (await rechecking.look_again(office.context))["reopened"] == []
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=24)
        assert (await rechecking.look_again(office.context))["reopened"] == [case.id]
        assert show(office.context, case.id)["state"] == "deprovisioned"
        await office.run(case.id)
        assert not office.paper.holders["g1"].active
        assert show(office.context, case.id)["state"] == "closed"
