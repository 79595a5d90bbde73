"""Ways in which a case could end wrongly done, or wrongly cut, each closed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import date, timedelta
from unittest.mock import AsyncMock

import pytest

from casework import runbook
from casework.access import rechecking
from casework.access import restore as restoring
from casework.decisions import signatures as waiving
from casework.errors import BadRequest, QuestionsOpen, StillOpen
from casework.intake.moving import reschedule
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.matching import answering
from casework.policy import BlastRadiusPolicy, CutPolicy, Policy, ProtectionPolicy
from casework.truth.reasons import NO_ACCOUNT
from connectors.errors import Unreachable
from models.vocabulary import Entitlement, EntitlementKind, EntitlementState, Guard, OpenReason, Service
from tests.casework.conftest import Office
from tests.casework.paper import Killed
from tests.casework.shown import open_questions, show

K = EntitlementKind
GOOGLE = Service.GOOGLE_WORKSPACE


def find(office: Office, case_id: str, kind: str) -> dict[str, str]:
    """The one row of this kind, as shown."""
    rows = [e for a in show(office.context, case_id)["accounts"] for e in a["entitlements"] if e["kind"] == kind]
    return dict(rows[0])


class TestNobody:
    async def test_a_namesake_alone_is_nobody(self, office: Office) -> None:
        """
        Only a namesake with another number was found: somebody is asked, since the notice's number may be the wrong one; if it
        is another person, the leaver has no account, and nobody says "clean".
        """
        case = office.report(employee_no="E9", name="月 影子", email=None)
        office.clock.pass_by(hours=10)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        answering.answer(office.context, open_questions(office.context, case.id)[0].id, chosen=[], by="it")
        with pytest.raises(StillOpen, match="no_account 1"):
            await office.run(case.id)
        assert office.paper.writes == []

    async def test_is_signed_for_by_a_person(self, office: Office) -> None:
        """A person truly without accounts is attested, and only then the case closes."""
        case = office.report(employee_no="E9", name="誰か", email=None)
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        waiving.attest(office.context, case_id=case.id, entitlement_id=NO_ACCOUNT, statement="never had one", by="it")
        await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"


class TestSessions:
    async def test_ended_before_the_block_do_not_count(self, office: Office) -> None:
        """Sessions that were ended while sign-in was still possible are ended again once it is blocked."""
        down = [True]

        def fail(row: object) -> None:
            if getattr(row, "kind", None) is K.SIGN_IN and down[0]:
                raise Unreachable("paper: cannot block: 503", code="503")

        office.paper.before = fail
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert find(office, case.id, "session")["state"] != "observed_closed"
        down[0] = False
        office.clock.pass_by(minutes=10)
        await office.run(case.id)
        assert sum(":session:" in write for write in office.paper.writes) == 2

    async def test_opened_after_a_re_enabling_are_ended_too(self, office: Office) -> None:
        """An account enabled again after closing is blocked again, and the sessions made meanwhile are ended."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context))["reopened"] == [case.id]
        await office.run(case.id)
        assert sum(":session:" in write for write in office.paper.writes) == 2


class TestWithoutARequest:
    async def test_what_ends_with_the_block_is_closed_and_opened_with_it(self, office: Office) -> None:
        """A role that the vendor documents to end with the account is never asked for, and closes and opens with the block."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        role = find(office, case.id, "role")
        assert (role["state"], role["confirmed_by"]) == ("observed_closed", "implied_by")
        assert not any(":role:" in write for write in office.paper.writes)
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=2)
        await rechecking.look_again(office.context)
        assert find(office, case.id, "role")["state"] == "still_open"

    async def test_an_account_blocked_before_us_has_its_row_too(self, office: Office) -> None:
        """Somebody had blocked the account already: the record shows that we looked, and the rest is taken away."""
        office.paper.holders["g1"].active = False
        office.paper.holders["g1"].held[K.BACKUP_CODE] = set()
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert find(office, case.id, "sign_in")["state"] == "observed_closed"
        assert not any(":sign_in:" in write for write in office.paper.writes)
        assert office.paper.holders["g1"].held[K.GROUP] == set()

    async def test_a_look_that_fails_as_a_whole_is_rows(self, office: Office) -> None:
        """A connector that cannot list an account at all leaves a row for each kind, and the case does not close on it."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        office.paper.list_error = Unreachable("paper: cannot list: 503", code="503")
        with pytest.raises(StillOpen, match="unreadable"):
            await office.run(case.id)
        office.paper.list_error = None
        office.clock.pass_by(minutes=10)
        await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"


class TestUnforeseen:
    @pytest.mark.parametrize("kind", [K.GROUP, K.PASSWORD])
    async def test_in_one_request_is_that_rows_outcome(self, office: Office, kind: K) -> None:
        """Whatever goes wrong in one request, or in one for several kinds, has an outcome, stops no other, and is made good by the next run."""
        left = iter(["once"])

        def strike(row: Entitlement) -> None:
            if row.kind is kind and next(left, None):
                raise AttributeError("nobody foresaw this")

        office.paper.before = strike
        case = office.report()
        office.clock.pass_by(hours=10)
        with contextlib.suppress(StillOpen):
            await office.run(case.id)
        assert not office.paper.holders["g1"].active
        with office.context.store.read() as session:
            assert not office.context.store.trail.open_intents(session.connection(), case.id)
        await office.run(case.id)
        assert office.context.case(case.id).state == "closed"

    async def test_in_one_request_without_a_receipt_for_a_kind_is_that_rows_failure(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A request for several kinds that says nothing of one has an outcome for it too, told as a failure, and closes nothing."""
        monkeypatch.setattr(office.paper, "freeze", AsyncMock(return_value=[]))
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        shown = show(office.context, case.id)
        assert shown["open_intents"] == 0
        (told,) = [one["text"] for one in shown["findings"] if one["entitlement_kind"] == K.PASSWORD]
        assert "gave no receipt" in str(told)


class TestComingBack:
    async def test_is_asked_for_at_once(self, office: Office) -> None:
        """An account enabled again minutes after its block (by a sync, say) is blocked again without waiting."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        office.paper.holders["g1"].active = True
        await runbook.deprovision(office.context, case.id, GOOGLE)
        assert not office.paper.holders["g1"].active
        await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"


class TestGuards:
    async def test_that_came_up_since_the_plan_hold(self, office: Office) -> None:
        """Who became the last administrator after the plan was sealed is not cut by it."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.paper.holders["g1"].guards["account"] = Guard.LAST_ADMIN
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="guarded"):
            await office.run(case.id)
        assert office.paper.writes == []

    async def test_protection_does_not_depend_on_spelling(self, make_office: Callable[..., Office]) -> None:
        """Policy's list protects an address in any case."""
        office = make_office(Policy(protected=ProtectionPolicy(accounts=frozenset({"E1@Example.TEST"}))))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="guarded"):
            await office.run(case.id)
        assert office.paper.writes == []

    async def test_a_directory_that_learnt_better_is_believed(self, office: Office) -> None:
        """An account accepted by its address is let go when its employee number turns out to be another's."""
        holder = office.paper.add("g5", email="e9@example.test", name="誰か")
        case = office.report(employee_no="E9", name="誰か", email="e9@example.test")
        await runbook.make_plan(office.context, case.id)
        holder.profile = type(holder.profile)(holder.profile.account, "E55", ("e9@example.test",), (), ("誰か",))
        office.clock.pass_by(hours=8, minutes=59)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        assert office.paper.writes == []


class TestManyAtOnce:
    async def test_past_dates_count_when_they_arrive(self, make_office: Callable[..., Office]) -> None:
        """A wrong export with last days spread over the past is one wave of cuts, not many harmless ones."""
        office = make_office(Policy(blast_radius=BlastRadiusPolicy(departures=2)))
        cases = []
        for n in range(1, 5):
            office.paper.add(f"g{n}", employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}")
            ends = str(date(2026, 11, 30) - timedelta(days=7 * n))
            cases.append(
                office.report(employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}", employment_ends_on=ends)
            )
        with pytest.raises(QuestionsOpen):
            await office.run(cases[-1].id)
        assert office.paper.writes == []

    async def test_early_kinds_ask_too(self, make_office: Callable[..., Office]) -> None:
        """What policy takes away early is a cut like any other to the blast radius."""
        policy = Policy(blast_radius=BlastRadiusPolicy(departures=1), cut=CutPolicy(early=frozenset({K.GROUP})))
        office = make_office(policy)
        for n in (1, 2):
            office.paper.add(f"g{n}", employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}")
        first, second = (
            office.report(employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}", last_working_at="2026-11-30",
                          employment_ends_on="2026-12-20")
            for n in (1, 2)
        )  # fmt: skip
        office.clock.pass_by(hours=10)
        for case in (first, second):
            await runbook.make_plan(office.context, case.id)
            with pytest.raises(QuestionsOpen):
                await runbook.take_early(office.context, case.id)
        assert office.paper.writes == []


class TestNotices:
    async def test_a_correction_is_taken_over_before_the_cut(self, office: Office) -> None:
        """HR's second notice with the right address replaces the wrong one, and the plan is made anew."""
        office.paper.holders["g1"].profile = type(office.paper.holders["g1"].profile)(
            office.paper.holders["g1"].profile.account, None, ("e1@example.test",), (), ("星 空子",)
        )
        case = office.report(email="typo@example.test", employment_ends_on="2026-11-30")
        await runbook.make_plan(office.context, case.id)
        assert office.report(email="e1@example.test").id == case.id
        assert show(office.context, case.id)["departure"]["email"] == "e1@example.test"
        office.clock.pass_by(hours=10)
        await office.run(case.id)  # and the question about a namesake is moot
        assert show(office.context, case.id)["state"] == "closed"

    async def test_a_case_is_not_moved_while_it_is_being_cut(self, office: Office) -> None:
        """Once anything was taken away, another date is refused: nothing stays half cut until next year."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        with pytest.raises(BadRequest, match="cannot reschedule"):
            reschedule(office.context, case.id, ends_on=date(2027, 3, 31), last_working_at=None, by="hr")

    def test_another_day_forgets_the_old_last_day_worked(self, make_office: Callable[..., Office]) -> None:
        """Where policy cuts at the last day worked, a moved case is not cut at the old one."""
        office = make_office(Policy(cut=CutPolicy(at="last_working")))
        case = office.report(last_working_at="2026-11-30", employment_ends_on="2026-12-20")
        moved = reschedule(office.context, case.id, ends_on=date(2027, 3, 31), last_working_at=None, by="hr")
        assert moved.due_at.date() == date(2027, 3, 31)

    def test_leave_and_departure_are_two_things(self, office: Office) -> None:
        """An open leave of absence does not stand in the way of a departure, nor is it taken for one."""
        reading = read_options(
            employee_no="E1", name="星 空子", email="e1@example.test", employment_ends_on="2026-11-30", kind="leave"
        )
        leave = open_cases(office.context, reading, reported_by="hr", leave=True).opened[0].case
        assert office.report().id != leave.id

    def test_a_number_is_one_person_however_it_is_typed(self, office: Office) -> None:
        """`E1` and `e1` are one person."""
        assert office.report().id == office.report(employee_no="e1").id


class TestSigned:
    async def test_an_attested_stamp_stays_attested(self, office: Office) -> None:
        """What cannot be listed one by one does not contradict a person's signature by being listed."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        office.paper.holders["g1"].stamps.clear()
        row = "google_workspace:g1:session:account"
        waiving.attest(office.context, case_id=case.id, entitlement_id=row, statement="ended in the console", by="it")
        await runbook.deprovision(office.context, case.id, GOOGLE)
        assert find(office, case.id, "session")["state"] == "attested"

    async def test_a_waiver_that_ends_after_closing_opens_the_case_again(self, office: Office) -> None:
        """The sweep sees that what a waiver had settled is not settled any more."""
        office.paper.blind[K.GRANT] = EntitlementState.NO_API
        until = office.clock().date() + timedelta(days=3)
        waiver = waiving.waive_for_tenant(
            office.context, connection=GOOGLE, kind=K.GRANT, accepts=OpenReason.NO_API, reason="x", until=until, by="a"
        )
        waiving.approve(office.context, waiver.id, by="b")
        with pytest.raises(BadRequest, match="answered already"):
            waiving.approve(office.context, waiver.id, by="c")
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        office.clock.pass_by(days=5)
        assert case.id in (await rechecking.look_again(office.context))["reopened"]
        assert show(office.context, case.id)["findings"][0]["kind"] == "no_api"


class TestRestore:
    async def test_after_a_crash_asks_about_what_was_half_done(self, office: Office) -> None:
        """
        Killed after the block had reached the vendor: nobody knows that it was ours, so the restore asks; a person says so, and it
        is lifted.  No intent stays without outcome.
        """

        def kill(row: object) -> None:
            if getattr(row, "kind", None) is K.SIGN_IN:
                office.paper.kill()

        office.paper.after = kill
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(Killed):
            await office.run(case.id)
        office.paper.dead = False
        office.clock.pass_by(minutes=2)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="wrong person")
        waiving.approve(office.context, request.id, by="it")
        await restoring.restore(office.context, case.id)
        shown = show(office.context, case.id)
        assert (shown["state"], shown["open_intents"]) == ("restored", 0)
        (asked,) = [f["entitlement"] for f in shown["findings"]]
        assert (asked, office.paper.holders["g1"].active) == ("google_workspace:g1:sign_in:account", False)
        restoring.confirm(office.context, case.id, asked, by="it", ours=True)
        await restoring.restore(office.context, case.id)
        assert office.paper.holders["g1"].active
        assert show(office.context, case.id)["findings"] == []

    async def test_that_fails_is_told_and_signed_for_by_hand(self, office: Office) -> None:
        """What the vendor does not take back has an end, a problem on its row; a person gives it back by hand and signs for it."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="wrong person")
        waiving.approve(office.context, request.id, by="it")
        office.paper.restore_error = Unreachable("paper: cannot restore: 503", code="503")
        began = office.clock.at
        await restoring.restore(office.context, case.id)
        assert office.clock.at - began < timedelta(seconds=office.context.policy.restore.deadline_seconds + 60)
        shown = show(office.context, case.id)
        assert shown["state"] == "restored"
        problems = [e for a in shown["accounts"] for e in a["entitlements"] if e["detail"]["restored"] == "problem"]
        assert {e["kind"] for e in problems} == {"sign_in", "group"}
        assert {f["kind"] for f in shown["findings"]} == {"not_given_back"}
        for row in problems:
            waiving.attest(office.context, case_id=case.id, entitlement_id=row["id"], statement="by hand", by="it")
        assert show(office.context, case.id)["findings"] == []

    async def test_is_refused_without_reason_or_twice(self, office: Office) -> None:
        """A restore has a reason; a restored case is not restored again; a departure is no leave to return from."""
        case = office.report()
        with pytest.raises(BadRequest, match="no reason"):
            restoring.request_restore(office.context, case.id, by="hr", reason=" ")
        with pytest.raises(BadRequest, match="no leave"):
            restoring.request_return(office.context, case.id, by="hr")
        with pytest.raises(BadRequest, match="no such case"):
            restoring.request_restore(office.context, "case-0", by="hr", reason="x")

    async def test_in_progress_does_not_swallow_the_next_departure(self, office: Office) -> None:
        """A new notice for somebody whose former case is being given back opens a case of its own."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="wrong person")
        waiving.approve(office.context, request.id, by="it")
        office.paper.holders["g1"].held[K.GROUP] = set()
        office.paper.late = 0
        await restoring.restore(office.context, case.id)
        assert office.report().id != case.id

    async def test_a_question_that_became_moot_closes_itself(self, office: Office) -> None:
        """When a later look makes plain whose an account is, nobody is asked any more."""
        holder = office.paper.add("g3", email="adm-e1@example.test", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        assert open_questions(office.context, case.id)
        holder.profile = type(holder.profile)(holder.profile.account, "E77", ("adm-e1@example.test",), (), ("別 人",))
        await runbook.make_plan(office.context, case.id)
        asked = open_questions(office.context, case.id)
        assert asked == [] or answering.answer(
            office.context, asked[0].id, chosen=[], by="it", revision=asked[0].revision
        )
