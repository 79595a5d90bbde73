"""A case from its notice to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.leaf import read
from casework import runbook, steps
from casework.context import Context
from casework.decisions import signatures
from casework.errors import CaseNotDue, StillOpen
from casework.intake.moving import reschedule
from casework.policy import CutPolicy, Policy
from casework.sweeping import due_for_run
from casework.trail.comparing import told_of
from casework.truth.rows import accepted_rows
from connectors.contract import Kinds, Listing
from connectors.errors import Denied, OutcomeUnknown, Unreachable
from models.tables import CaseEntitlement
from models.vocabulary import SETTLED, Account, EntitlementKind, EntitlementState, Guard, Service
from tests.casework.conftest import Office
from tests.casework.paper import Killed
from tests.casework.shown import show

K = EntitlementKind
GOOGLE = Service.GOOGLE_WORKSPACE
S = EntitlementState


def states(office: Office, case_id: str) -> dict[str, str]:
    """The truth table: entitlement without the service and account, and its state."""
    shown = show(office.context, case_id)
    return {
        e["id"].split(":", 2)[2]: e["state"]
        for account in shown["accounts"] if account["standing"] == "accepted"
        for e in account["entitlements"]
    }  # fmt: skip


def events(office: Office, case_id: str) -> list[str]:
    with office.context.store.read() as session:
        return [read(e.leaf)["type"] for e in office.context.store.trail.entries(session.connection(), case_id)]


def open_rows(office: Office, case_id: str) -> list[CaseEntitlement]:
    with office.context.store.read() as session:
        return [row for row in accepted_rows(session, case_id) if row.state not in SETTLED]


class TestPlainDeparture:
    async def test_everything_is_seen_closed(self, office: Office) -> None:
        """A plain departure ends closed: each row observed closed by a read younger than its command."""
        case = office.report()
        office.clock.pass_by(hours=9, minutes=1)
        await office.run(case.id)
        assert set(states(office, case.id).values()) == {"observed_closed"}
        shown = show(office.context, case.id)
        assert shown["state"] == "closed"
        assert shown["open_intents"] == 0
        for row in shown["accounts"][0]["entitlements"]:
            assert row["confirmed_by"] == "implied_by" or row["observed_at"] > row["commanded_at"]

    async def test_block_comes_after_what_dies_with_it(self, office: Office) -> None:
        """Password, grants and codes go before the block; sessions after it; groups last."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        kinds = [write.split(":")[2] for write in office.paper.writes]
        block = kinds.index("sign_in")
        assert {"password", "grant", "backup_code"} == set(kinds[:block])
        assert kinds[block + 1] == "session"
        assert set(kinds[block + 2 :]) == {"group"}

    async def test_nobody_else_is_touched(self, office: Office) -> None:
        """No write reaches another account."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert {write.split(":")[1] for write in office.paper.writes} == {"g1"}

    async def test_plan_is_sealed_before_the_first_intent(self, office: Office) -> None:
        """The trail holds the plan before any intent, and an outcome for each intent."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        told = events(office, case.id)
        assert told[0] == "case.opened"
        assert told.index("plan.sealed") < told.index("revoke.intent")
        assert told.count("revoke.intent") == told.count("revoke.outcome") == len(office.paper.writes)
        assert told[-1] == "case.closed"
        with office.context.store.read() as session:
            assert office.context.store.trail.check(session.connection()).sound

    async def test_running_a_closed_case_again_changes_nothing(self, office: Office) -> None:
        """A closed case run again writes nothing at the vendor, and into the trail no more than when it was searched for anew."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        told, writes = events(office, case.id), list(office.paper.writes)
        await office.run(case.id)
        assert events(office, case.id)[len(told) :] == ["case.changed"]
        with office.context.store.read() as session:
            *_, (_, payload) = told_of(session.connection(), case.id)
        assert [*(payload or {})["changed"]["search"]["google_workspace"]] == ["searched_at"]
        assert office.paper.writes == writes


class TestDueInstant:
    async def test_nothing_is_cut_early(self, office: Office) -> None:
        """The last day is inclusive: at 23:59 of it nothing has been taken away, and the run waits for 00:00."""
        case = office.report()
        office.clock.pass_by(hours=8, minutes=59)
        await office.run(case.id)
        assert sum(office.clock.slept) >= 59
        assert show(office.context, case.id)["contained_at"] >= show(office.context, case.id)["due_at"]

    async def test_planning_once_more_holds_up_no_cut(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """The wait is used to plan once more; whatever goes wrong in that, the case is cut at its instant."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=8, minutes=59)

        async def broken(_context: Context, _case_id: str) -> None:
            raise AttributeError("nobody foresaw it")

        monkeypatch.setattr(steps, "find_everywhere", broken)
        await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"

    async def test_a_run_does_not_wait_for_days(self, office: Office) -> None:
        """A run that starts long before the instant ends without cutting: another is made for the instant."""
        case = office.report(employment_ends_on="2026-12-20")
        with pytest.raises(CaseNotDue):
            await office.run(case.id)
        assert office.paper.writes == []
        assert show(office.context, case.id)["state"] == "waiting"

    async def test_a_plan_only_case_changes_nothing(self, office: Office) -> None:
        """Without the recorded decision nothing is changed at a vendor, and the case does not close."""
        case = office.report(for_real=False)
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="plan_only"):
            await office.run(case.id)
        assert office.paper.writes == []

    async def test_a_past_date_opens_at_once_and_says_how_late_the_notice_came(self, office: Office) -> None:
        """
        A notice for a past date is cut when it comes, and is shown so.  How late HR was, and for how long access outlived its
        instant, are two figures, the second one unknown until the cut.
        """
        case = office.report(employment_ends_on="2026-11-25")
        before = show(office.context, case.id)
        assert before["due_at"] == "2026-11-25T15:00:00+00:00"
        assert before["cut_at"] == before["departure"]["opened_at"] == case.opened_at.isoformat()
        assert before["exposure_minutes"] is None
        await office.run(case.id)
        shown = show(office.context, case.id)
        assert shown["state"] == "closed"
        late = 4 * 24 * 60 + 15 * 60
        assert shown["departure"]["notice_late_minutes"] == late
        assert late < shown["exposure_minutes"] <= late + 5


class TestEarlyKinds:
    async def test_go_at_the_end_of_the_last_day_worked(self, make_office: Callable[..., Office]) -> None:
        """Policy may take chosen kinds away while paid leave is run down; sign-in stays until employment ends."""
        office = make_office(Policy(cut=CutPolicy(early=frozenset({K.GROUP}))))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report(last_working_at="2026-11-30", employment_ends_on="2026-12-20")
        await runbook.make_plan(office.context, case.id)
        await runbook.take_early(office.context, case.id)
        assert office.paper.writes == []
        office.clock.pass_by(hours=9, minutes=1)
        sweeping = replace(office.context, connectors={})  # it has no service open
        assert [group.purpose for group in due_for_run(sweeping)] == ["plan"]
        await runbook.take_early(office.context, case.id)
        assert {write.split(":")[2] for write in office.paper.writes} == {"group"}
        assert office.paper.holders["g1"].active
        assert show(office.context, case.id)["state"] == "waiting"
        office.clock.pass_by(days=20)
        await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"


class TestEmergency:
    async def test_the_block_comes_first(self, office: Office) -> None:
        """A dismissal blocks before anything else; what died with the block is an open item, not a silence."""
        case = office.report(kind="dismissal", employment_ends_on="2026-12-31")
        with pytest.raises(StillOpen, match="still_open 1"):
            await office.run(case.id)
        kinds = [write.split(":")[2] for write in office.paper.writes]
        assert kinds[0] == "sign_in"
        assert "backup_code" not in kinds
        assert states(office, case.id)["backup_code:all"] == "still_open"
        assert {"grant", "password", "group"} <= set(kinds)

    async def test_a_resignation_made_one_is_cut_like_one(self, office: Office) -> None:
        """What is cut at once is a matter of the instant, not of the reason why somebody leaves."""
        case = office.report(employment_ends_on="2026-12-31")
        reschedule(
            office.context, case.id, ends_on=case.employment_ends_on, last_working_at=None, by="security", now=True
        )  # fmt: skip
        with pytest.raises(StillOpen, match="still_open 1"):
            await office.run(case.id)
        assert office.paper.writes[0].split(":")[2] == "sign_in"
        assert states(office, case.id)["backup_code:all"] == "still_open"

    async def test_two_plans_are_sealed(self, office: Office) -> None:
        """The containment plan is sealed before the cut, the full plan after it and before the rest."""
        case = office.report(kind="dismissal")
        with pytest.raises(StillOpen):
            await office.run(case.id)
        told = events(office, case.id)
        first, second = [i for i, t in enumerate(told) if t == "plan.sealed"][:2]
        intents = [i for i, t in enumerate(told) if t == "revoke.intent"]
        assert first < intents[0] < second
        assert any(i > second for i in intents)


class TestCannotLook:
    @pytest.mark.parametrize("state", [S.UNREADABLE, S.NOT_ON_PLAN, S.NO_API])
    async def test_is_a_row_and_a_finding(self, office: Office, state: EntitlementState) -> None:
        """A kind that cannot be looked at is a row with a finding; the case does not close on it."""
        office.paper.blind[K.GROUP] = state
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match=f"{state} 1"):
            await office.run(case.id)
        assert states(office, case.id)["group:*"] == state

    async def test_closes_once_it_can_be_read(self, office: Office) -> None:
        """When the kind can be read again, the case is taken to its end."""
        office.paper.blind[K.GROUP] = S.UNREADABLE
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        office.paper.blind.clear()
        await office.run(case.id)
        assert set(states(office, case.id).values()) == {"observed_closed"}

    async def test_an_unsearchable_service_is_a_finding(self, office: Office) -> None:
        """A directory that could not be searched is never "no account"."""
        office.paper.search_error = Denied("paper: cannot search: scope", code="scope")
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="unmatched 1"):
            await office.run(case.id)
        office.paper.search_error = None
        await office.run(case.id)

    async def test_nobody_found_anywhere_is_a_finding(self, office: Office) -> None:
        """A leaver whom no service knows is more likely a wrong notice than a person without accounts."""
        case = office.report(employee_no="E9", name="誰か", email="nobody@example.test")
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="no_account 1"):
            await office.run(case.id)


class TestLateReads:
    async def test_are_waited_for(self, office: Office) -> None:
        """
        A vendor that shows the old state for a while is looked at again, not commanded again; only what was taken
        before the block is asked for once more after it, since it may have come back in between.
        """
        office.paper.late = 3
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        twice = {write.split(":")[2] for write in office.paper.writes if office.paper.writes.count(write) > 1}
        assert twice <= {"grant", "backup_code", "password"}
        assert max(office.paper.writes.count(write) for write in office.paper.writes) == 2
        assert set(states(office, case.id).values()) == {"observed_closed"}

    async def test_are_of_every_open_row(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each look while observing reads whatever is still open, not some of it: what two kinds show late costs no more looks than one."""
        office.paper.late = 4
        case, looks = office.report(), list[Kinds]()
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        await runbook.contain(office.context, case.id, GOOGLE)
        await runbook.deprovision(office.context, case.id, GOOGLE)
        read = office.paper.list_access

        async def noting(account: Account, kinds: Kinds | None = None) -> Listing:
            left = {row.kind for row in open_rows(office, case.id)}
            looks.append(kinds or frozenset(office.paper.manifest.kinds))
            assert looks[-1] >= left, "a row that is open is not read"
            return await read(account, kinds)

        monkeypatch.setattr(office.paper, "list_access", noting)
        await runbook.observe_until_closed(office.context, case.id)
        assert open_rows(office, case.id) == []
        assert any(len(kinds) > 1 for kinds in looks[1:])

    async def test_have_an_end(self, office: Office) -> None:
        """What never shows closed is a finding at the deadline, not a success."""
        office.paper.late = 10_000
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="still_open"):
            await office.run(case.id)


class TestFailures:
    async def test_a_lost_answer_is_read_back(self, office: Office) -> None:
        """A write whose answer is lost is not sent again before a read: the read settles it."""

        def lose(row: object) -> None:
            if getattr(row, "kind", None) is K.GRANT:
                raise OutcomeUnknown("paper: cannot tell: connection lost")

        office.paper.after = lose
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        grants = [write for write in office.paper.writes if ":grant:" in write]
        assert len(grants) == 2
        assert states(office, case.id)["grant:app-1"] == "observed_closed"

    async def test_a_refusal_is_a_finding_with_the_vendors_word(self, office: Office) -> None:
        """A refused revocation leaves a finding with its reason and remedy, and stops nothing else."""

        def refuse(row: object) -> None:
            if getattr(row, "vendor_id", None) == "sales":
                raise Denied("paper: cannot remove member: forbidden", code="forbidden")

        office.paper.before = refuse
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="refused 1"):
            await office.run(case.id)
        finding = show(office.context, case.id)["findings"][0]
        assert "forbidden" in finding["text"]
        assert "scope or role" in finding["remedy"]
        assert states(office, case.id)["group:all-hands"] == "observed_closed"

    async def test_a_failing_block_is_tried_again_within_the_minute(self, office: Office) -> None:
        """The block is the one thing that is not left to the next run."""
        failures = iter([True, True])

        def fail(row: object) -> None:
            if getattr(row, "kind", None) is K.SIGN_IN and next(failures, False):
                raise Unreachable("paper: cannot block: 503", code="503")

        office.paper.before = fail
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert states(office, case.id)["sign_in:account"] == "observed_closed"

    @pytest.mark.parametrize("guard", [Guard.OWN_CREDENTIAL, Guard.LAST_ADMIN, Guard.PRIMARY_OWNER])
    async def test_a_guarded_account_is_left_whole(self, office: Office, guard: Guard) -> None:
        """An account that must not be cut is not half cut either: nothing of it is touched, and a finding says why."""
        office.paper.holders["g1"].guards["account"] = guard
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="guarded 1"):
            await office.run(case.id)
        assert office.paper.writes == []

    async def test_the_last_owner_of_a_group_stays_until_there_is_another(self, office: Office) -> None:
        """A guard on one row stops that row alone."""
        office.paper.holders["g1"].guards["sales"] = Guard.LAST_OWNER
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen, match="guarded 1"):
            await office.run(case.id)
        assert office.paper.holders["g1"].held[EntitlementKind.GROUP] == {"sales"}
        assert not office.paper.holders["g1"].active


class TestKilled:
    @pytest.mark.parametrize("moment", ["before", "after"])
    @pytest.mark.parametrize("n", range(8))
    async def test_at_any_write_then_again_ends_the_same(self, office: Office, moment: str, n: int) -> None:
        """Killed before or after the n-th request, then run again: same end, an outcome for each intent."""
        left = [n]

        def kill(_: object) -> None:
            left[0] -= 1
            if left[0] == -1:
                office.paper.kill()

        setattr(office.paper, moment, kill)
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(Killed):
            await office.run(case.id)
        office.paper.dead = False
        office.clock.pass_by(minutes=2)
        await office.run(case.id)
        assert set(states(office, case.id).values()) == {"observed_closed"}
        told = events(office, case.id)
        assert told.count("revoke.outcome") >= 7
        with office.context.store.read() as session:
            assert office.context.store.trail.check(session.connection()).sound
            assert office.context.store.trail.open_intents(session.connection(), case.id) == []

    async def test_what_goes_in_one_request_is_read_before_it_is_asked_again(self, office: Office) -> None:
        """Also of the kinds that the vendor takes in one request: the next run reads them first."""
        told: list[str] = []
        listing = office.paper.list_access

        async def listed(account: Account, kinds: Kinds | None = None) -> Listing:
            if kinds == frozenset({EntitlementKind.PASSWORD}):
                told.append("read")
            return await listing(account, kinds)

        office.paper.after = lambda _: office.paper.kill()
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(Killed):
            await office.run(case.id)
        office.paper.dead, office.paper.after = False, lambda row: told.append(row.kind)
        office.paper.list_access = listed  # type: ignore[method-assign]  # reads are told
        office.clock.pass_by(minutes=2)
        await office.run(case.id)
        assert told[:2] == ["read", EntitlementKind.PASSWORD]

    async def test_what_was_signed_for_meanwhile_has_its_outcome_by_a_read_alone(self, office: Office) -> None:
        """An intent that a crash left open, of what two people accept since, is ended by a read: it is asked for no more."""
        office.paper.before = lambda row: office.paper.kill() if row.kind is K.GROUP else None
        case = office.report()
        office.clock.pass_by(hours=10)
        with pytest.raises(Killed):
            await office.run(case.id)
        held = {*office.paper.holders["g1"].held[K.GROUP]}
        for group in sorted(held):
            waiver = signatures.waive(
                office.context, case_id=case.id, entitlement_id=f"google_workspace:g1:group:{group}", reason="a shared list",
                until=office.clock().date() + timedelta(days=7), by="lead",
            )  # fmt: skip
            signatures.approve(office.context, waiver.id, by="ciso")
        office.paper.dead, office.paper.before = False, lambda _: None
        office.clock.pass_by(minutes=2)
        await office.run(case.id)
        shown = show(office.context, case.id)
        assert (shown["state"], shown["open_intents"]) == ("closed", 0)
        assert office.paper.holders["g1"].held[K.GROUP] == held

    async def test_a_second_run_does_not_start_beside_a_living_one(self, office: Office) -> None:
        """One case has one run: the second finds the lease and leaves."""
        case = office.report()
        async with (
            runbook.claim(office.context, case.id, "one") as first,
            runbook.claim(office.context, case.id, "two") as second,
        ):
            assert (first, second) == (True, False)
