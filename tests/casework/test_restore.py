"""What a restore gives back, what it leaves, and what it asks: never more than our own accepted command took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework import runbook
from casework.access import rechecking
from casework.access import restore as restoring
from casework.decisions import signatures as waiving
from casework.errors import BadRequest, StillOpen
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.matching import answering
from casework.policy import Policy, RestorePolicy
from casework.truth import restore_outcomes
from casework.truth.rows import rows_of
from connectors.contract import KindManifest, Kinds, Listing
from connectors.errors import Denied, NotOnPlan, OutcomeUnknown, Unreachable
from models.tables import Case, CaseEntitlement
from models.vocabulary import (
    Account,
    Confirmation,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Guard,
    RestoreOutcome,
    RevocationResult,
    Service,
)
from tests.casework.conftest import Office
from tests.casework.shown import show

K = EntitlementKind
GOOGLE = Service.GOOGLE_WORKSPACE


async def cut(office: Office, **fields: Any) -> Case:
    """Carry a departure to its end."""
    case = office.report(**fields)
    office.clock.pass_by(hours=10)
    await office.run(case.id)
    return case


async def given_back(office: Office, case: Case, account: str | None = None) -> dict[str, Any]:
    """Restore, with a second person's consent, and return the case as it stands then."""
    request = restoring.request_restore(office.context, case.id, by="hr", reason="wrong person", account=account)
    waiving.approve(office.context, request.id, by="it")
    await restoring.restore(office.context, case.id)
    return show(office.context, case.id)


def fate(shown: dict[str, Any], account: str = "g1") -> dict[str, str]:
    """Return each row's fate by `kind:vendor id`."""
    rows = [row for one in shown["accounts"] if one["id"] == account for row in one["entitlements"]]
    return {":".join(row["id"].split(":")[2:]): row["detail"]["restored"] for row in rows if row["detail"]["restored"]}


class TestOneAccount:
    async def both_cut(self, office: Office) -> Case:
        """A case that took the leaver's account, and a colleague's whose number was mistyped into it."""
        office.paper.add("g3", employee_no="E1", email="e3@example.test", name="日向 子")
        case = office.report()
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        (question,) = show(office.context, case.id)["questions"]
        doubtful = [option["account"] for option in question["options"] if option["standing"] == "asked"]
        answering.answer(office.context, question["id"], chosen=doubtful, by="it")
        await office.run(case.id)
        assert not office.paper.holders["g1"].active
        assert not office.paper.holders["g3"].active
        return case

    async def test_leaves_the_leaver_cut(self, office: Office) -> None:
        """Restoring the innocent account of a case gives the leaver's own account nothing back, and the case stays as it was."""
        case = await self.both_cut(office)
        shown = await given_back(office, case, "google_workspace:g3")
        assert office.paper.holders["g3"].active
        assert office.paper.holders["g3"].held[K.GROUP] == {"sales", "all-hands"}
        assert not office.paper.holders["g1"].active
        assert office.paper.holders["g1"].held[K.GROUP] == set()
        assert shown["state"] == "closed"
        assert {a["id"]: a["standing"] for a in shown["accounts"]} == {"g1": "accepted", "g3": "rejected"}

    async def test_is_not_cut_again(self, office: Office) -> None:
        """A look after the restore finds the account active and leaves it: a person said that it is not the leaver's."""
        case = await self.both_cut(office)
        await given_back(office, case, "google_workspace:g3")
        office.clock.pass_by(days=2)
        assert (await rechecking.look_again(office.context))["reopened"] == []
        assert office.paper.holders["g3"].active

    async def test_needs_a_second_person_of_its_own(self, office: Office) -> None:
        """Consent to one account is no consent to the other, nor to the case; an account that is not of the case is refused."""
        case = await self.both_cut(office)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="x", account="google_workspace:g3")
        with pytest.raises(BadRequest, match="second person"):
            await restoring.restore(office.context, case.id)
        with pytest.raises(BadRequest, match="has no account"):
            restoring.request_restore(office.context, case.id, by="hr", reason="x", account="slack:g3")
        waiving.approve(office.context, request.id, by="it")
        await restoring.restore(office.context, case.id)
        assert not office.paper.holders["g1"].active


class TestClaims:
    async def two_cases(self, office: Office) -> tuple[Case, Case]:
        """The leaver's own case, closed, and a second one with a mistyped day that took the same account."""
        right = await cut(office)
        wrong = office.report(employment_ends_on="2026-11-29")
        await office.run(wrong.id)
        self.took(office, wrong)
        return right, wrong

    def took(self, office: Office, case: Case) -> None:
        """Let the second case's own requests have been accepted, as when both ran at once."""
        with office.context.store.write() as session:
            for row in rows_of(session, case.id):
                row.attempts, row.result = max(row.attempts, 1), RevocationResult.COMMANDED
                session.add(row)

    async def test_of_another_case_stay_cut(self, office: Office) -> None:
        """A mistyped case that is restored gives nothing back that the right case, closed and living, has taken away."""
        right, wrong = await self.two_cases(office)
        shown = await given_back(office, wrong)
        assert (shown["state"], office.paper.given) == ("restored", [])
        assert set(fate(shown).values()) == {"claimed"}
        assert not office.paper.holders["g1"].active
        assert show(office.context, right.id)["state"] == "closed"

    async def test_have_that_case_looked_at_anew(self, office: Office) -> None:
        """The case that claims the account is looked at again at once, closed as it is."""
        right, wrong = await self.two_cases(office)
        await given_back(office, wrong)
        assert right.id in (await rechecking.look_again(office.context))["looked"]

    async def test_end_with_that_case(self, office: Office) -> None:
        """Once the other case is given back too, nobody claims the account."""
        right, wrong = await self.two_cases(office)
        await given_back(office, wrong)
        await given_back(office, right)
        assert office.paper.holders["g1"].active

    @pytest.mark.parametrize(("attempts", "claims"), [(1, True), (0, False)])
    async def test_before_the_day_are_of_what_has_begun(self, office: Office, attempts: int, claims: bool) -> None:
        """A case whose instant is to come claims an account of which it has taken something early, and no other."""
        right, wrong = await self.two_cases(office)
        with office.context.store.write() as session:
            session.get_one(Case, right.id).due_at = office.clock() + timedelta(days=9)
            for row in rows_of(session, right.id):
                row.attempts = attempts
        with office.context.store.read() as session:
            others = restore_outcomes.claimants(office.context, session, rows_of(session, wrong.id)[0])
            assert [other.id for other in others] == [right.id] * claims

    async def test_are_none_before_the_day(self, office: Office) -> None:
        """A wrong dismissal is given back although the person leaves in March: until then the person works."""
        wrong = office.report(kind="dismissal")
        with pytest.raises(StillOpen):  # codes that the block froze
            await office.run(wrong.id)
        later = read_options(
            employee_no="E1",
            name="星 空子",
            email="e1@example.test",
            employment_ends_on="2027-03-31",
            kind="resignation",
        )
        waived = waiving.waive(
            office.context, case_id=wrong.id, entitlement_id="google_workspace:g1:backup_code:all", reason="frozen",
            until=office.clock().date() + timedelta(days=9), by="taro",
        )  # fmt: skip
        waiving.approve(office.context, waived.id, by="hanako")
        runbook.close(office.context, wrong.id)
        planned = open_cases(office.context, later, reported_by="hr", for_real=True).opened[0].case
        await runbook.make_plan(office.context, planned.id)
        assert {a["standing"] for a in show(office.context, planned.id)["accounts"]} == {"accepted"}
        await given_back(office, wrong)
        assert office.paper.holders["g1"].active


class TestAsked:
    async def test_what_another_administrator_removed_just_before(self, office: Office) -> None:
        """A group that was gone before our request is not given back by itself; it is listed, with how to say that it was ours."""

        def removed(row: Entitlement) -> None:
            if row.kind is K.SIGN_IN:
                office.paper.holders["g1"].held[K.GROUP].discard("sales")

        case = office.report()
        office.clock.pass_by(hours=10)
        office.paper.after = removed
        with_listing = office.paper.list_access

        async def late(account: Account, kinds: Kinds | None = None) -> Listing:
            """The vendor still lists the group: its lists are late."""
            listing = await with_listing(account, kinds)
            blocked = not office.paper.holders["g1"].active
            asked = "google_workspace:g1:group:sales" in office.paper.writes
            if (kinds is None or K.GROUP in kinds) and blocked and not asked:
                return Listing([*listing, Entitlement(GOOGLE, "g1", K.GROUP, "sales")], listing.evidence)
            return listing

        office.paper.list_access = late  # type: ignore[method-assign]  # one vendor's lists are late
        await office.run(case.id)
        shown = await given_back(office, case)
        assert fate(shown)["group:sales"] == "asked"
        assert fate(shown)["group:all-hands"] == "restored"
        assert office.paper.holders["g1"].held[K.GROUP] == {"all-hands"}
        (finding,) = shown["findings"]
        assert "--entitlement" in finding["remedy"]

        restoring.confirm(office.context, case.id, finding["entitlement"], by="it", ours=False)
        await restoring.restore(office.context, case.id)
        assert office.paper.holders["g1"].held[K.GROUP] == {"all-hands"}
        assert fate(show(office.context, case.id))["group:sales"] == "not_ours"

    async def test_is_asked_once(self, office: Office) -> None:
        """What a person said we took stays said when giving it back fails: the next restore gives it back without asking."""
        case = await cut(office)
        row = "google_workspace:g1:group:sales"
        with office.context.store.write() as session:
            session.get_one(CaseEntitlement, (case.id, row)).result = RevocationResult.UNKNOWN
        assert fate(await given_back(office, case))["group:sales"] == "asked"
        restoring.confirm(office.context, case.id, row, by="it", ours=True)
        with office.context.store.read() as session:
            taken = session.get_one(CaseEntitlement, (case.id, row))
            assert restore_outcomes.confirmed(session, taken)
            taken.commanded_at = office.clock()
            assert not restore_outcomes.confirmed(session, taken), (
                "what was said of one request says nothing of the next"
            )
        office.paper.restore_error = Denied("google_workspace: cannot add to the group")
        await restoring.restore(office.context, case.id)
        assert fate(show(office.context, case.id))["group:sales"] == "problem"
        office.paper.restore_error = None
        await restoring.restore(office.context, case.id)
        assert fate(show(office.context, case.id))["group:sales"] == "restored"

    async def test_only_what_is_asked_is_answered(self, office: Office) -> None:
        """A person's word counts for rows that a restore asks about, and for no others."""
        case = await cut(office)
        with pytest.raises(BadRequest, match="not asked about"):
            restoring.confirm(office.context, case.id, "google_workspace:g1:group:sales", by="it", ours=True)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        rows=st.lists(
            st.tuples(
                st.sampled_from([K.SIGN_IN, K.GROUP, K.ROLE, K.GRANT, K.SESSION]),
                st.sampled_from([None, *RevocationResult]),
                st.integers(0, 2),
                st.booleans(),
                st.sampled_from([None, *RestoreOutcome]),
            ),
            max_size=8,
        ),
        claimed=st.booleans(),
    )
    def test_never_more_than_ours(
        self, rows: list[tuple[K, RevocationResult | None, int, bool, RestoreOutcome | None]], claimed: bool
    ) -> None:
        """Whatever rows and results there are, only what our accepted command took, or a person confirmed, is given back."""
        for kind, result, attempts, open_intent, before in rows:
            row = CaseEntitlement(
                case_id="case-1", id="x", connection=GOOGLE, account_id="g1", kind=kind, vendor_id="v", found_at=datetime(2026, 11, 30, tzinfo=UTC),
                state=EntitlementState.OBSERVED_CLOSED, confirmation=Confirmation.READ, attempts=attempts, result=result,
                op="op-1" if open_intent else None, restored=before,
            )  # fmt: skip
            line = KindManifest(kind, 0, Confirmation.READ)
            said = before is RestoreOutcome.CONFIRMED
            if (
                not restore_outcomes.concerns(row)
                or restore_outcomes.fate_of(row, line, claimed=claimed, confirmed=said) is not None
            ):
                continue
            ours = result is RevocationResult.COMMANDED and attempts > 0 and not open_intent
            assert not claimed
            assert ours or before is RestoreOutcome.CONFIRMED
            assert before in {
                None,
                RestoreOutcome.PENDING,
                RestoreOutcome.PROBLEM,
                RestoreOutcome.CONFIRMED,
                RestoreOutcome.CLAIMED,
            }


class TestNeverMore:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(results=st.lists(st.sampled_from([None, *RevocationResult]), min_size=6, max_size=6))
    async def test_whatever_became_of_the_requests(
        self, make_office: Callable[..., Office], results: list[RevocationResult | None]
    ) -> None:
        """With any outcome on any row, the vendor is asked for nothing back but what our accepted command took."""
        office = make_office()
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = await cut(office)
        with office.context.store.write() as session:
            touched = [row for row in rows_of(session, case.id) if row.attempts]
            for row, result in zip(touched, results, strict=False):
                row.result = result
                session.add(row)
            ours = {row.id for row in touched if row.result is RevocationResult.COMMANDED}
        await given_back(office, case)
        assert set(office.paper.given) <= ours
        office.context.store.engine.dispose()


class TestEnds:
    @pytest.mark.parametrize("result", [RevocationResult.COMMANDED, RevocationResult.ALREADY_ABSENT])
    @pytest.mark.parametrize("seen", [{"prestate": {"through_group": "03x"}}, {"guard": Guard.INHERITED}])
    def test_what_is_held_through_a_group_is_never_assigned(
        self, result: RevocationResult, seen: dict[str, Any]
    ) -> None:
        """A role that came through a group is not given to the account itself, whatever became of our request."""
        row = CaseEntitlement(
            case_id="case-1", id="x", connection=GOOGLE, account_id="g1", kind=K.ROLE, vendor_id="77", attempts=1, result=result,
            state=EntitlementState.OBSERVED_CLOSED, confirmation=Confirmation.READ, found_at=datetime(2026, 11, 30, tzinfo=UTC), **seen,
        )  # fmt: skip
        assert (
            restore_outcomes.fate_of(row, KindManifest(K.ROLE, 20, Confirmation.READ), claimed=False, confirmed=False)
            is RestoreOutcome.NOT_RESTORABLE
        )

    async def test_a_role_held_through_a_group_comes_back_with_it(self, office: Office) -> None:
        """What is held through a group cannot be given back by itself: it has an end, in words, and the restore ends too."""
        case = await cut(office)
        with office.context.store.write() as session:
            session.add(
                CaseEntitlement(
                    case_id=case.id, id="google_workspace:g1:role:77", connection=GOOGLE, account_id="g1", kind=K.ROLE,
                    vendor_id="77", state=EntitlementState.OBSERVED_CLOSED, confirmation=Confirmation.READ, attempts=2,
                    result=RevocationResult.ALREADY_ABSENT, prestate={"through_group": "03x"}, found_at=office.clock(),
                )
            )  # fmt: skip
        shown = await given_back(office, case)
        assert (shown["state"], fate(shown)["role:77"]) == ("restored", "not_restorable")

    @pytest.mark.parametrize(
        "error", [Unreachable("paper: 503"), Denied("paper: 403"), NotOnPlan("paper: no"), AttributeError("x")]
    )
    async def test_within_the_deadline(self, make_office: Callable[..., Office], error: Exception) -> None:
        """Whatever the vendor answers, each row has an end within policy's deadline, and so has the restore."""
        office = make_office(Policy(restore=RestorePolicy(deadline_seconds=120)))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = await cut(office)
        office.paper.restore_error = error  # type: ignore[assignment]  # also what no connector should raise
        began = office.clock.at
        shown = await given_back(office, case)
        assert office.clock.at - began < timedelta(seconds=240)
        assert shown["state"] == "restored"
        assert {row: end for row, end in fate(shown).items() if row.startswith("group")} == {
            "group:all-hands": "problem", "group:sales": "problem",
        }  # fmt: skip
        assert shown["open_intents"] == 0

    async def test_a_request_that_was_lost_is_soon_made_again(self, office: Office) -> None:
        """What no answer came to, and no read shows back, is asked for again well within the deadline."""
        case = await cut(office)
        lost = iter(["once"])

        def lose(row: Entitlement) -> None:
            if row.vendor_id == "sales" and next(lost, None):
                office.paper.holders["g1"].held[K.GROUP].discard("sales")
                raise OutcomeUnknown("paper: no answer")

        office.paper.after_giving = lose
        assert fate(await given_back(office, case))["group:sales"] == "restored"

    async def test_never_shown_back(self, office: Office) -> None:
        """A row that the vendor takes and never shows is a problem with what to do, not a restore that goes on for ever."""
        case = await cut(office)
        office.paper.after_giving = lambda _: office.paper.holders["g1"].held[K.GROUP].discard("sales")
        shown = await given_back(office, case)
        assert (shown["state"], fate(shown)["group:sales"]) == ("restored", "problem")
        assert all(f["remedy"] for f in shown["findings"])

    async def test_a_kind_that_cannot_be_listed_is_never_restored(self, office: Office) -> None:
        """What could not be looked at is not said to be back."""
        case = await cut(office)
        office.paper.blind = {K.GROUP: EntitlementState.NOT_ON_PLAN, K.SIGN_IN: EntitlementState.UNREADABLE}
        shown = await given_back(office, case)
        assert (fate(shown)["group:sales"], fate(shown)["sign_in:account"]) == ("problem", "problem")

    async def test_a_read_that_breaks(self, office: Office) -> None:
        """A connector that breaks while we look whether a row is back ends that row, and no other one with it."""
        case = await cut(office)
        listing = office.paper.list_access

        async def broken(account: Account, kinds: Kinds | None = None) -> Listing:
            if kinds == frozenset({K.GROUP}):
                raise AttributeError("no attribute")
            return await listing(account, kinds)

        office.paper.list_access = broken  # type: ignore[method-assign]  # the connector breaks
        shown = await given_back(office, case)
        assert (shown["state"], shown["open_intents"]) == ("restored", 0)
        assert (fate(shown)["sign_in:account"], fate(shown)["group:sales"]) == ("restored", "problem")

    async def test_a_service_that_is_gone_from_the_settings(self, office: Office) -> None:
        """Rows of a service that is no longer configured end with what to do; nothing is raised."""
        case = await cut(office)
        office.context.connectors.clear()  # type: ignore[attr-defined]  # the test's own dict
        shown = await given_back(office, case)
        assert shown["state"] == "restored"
        assert set(fate(shown).values()) == {"problem"}
        assert "LASTDAY_SERVICES" in shown["findings"][0]["remedy"]

    async def test_again_takes_up_what_was_left(self, office: Office) -> None:
        """A restore that is asked to go on gives back what it could not the first time, and touches nothing that has its end."""
        case = await cut(office)
        office.paper.restore_error = Denied("paper: 403")
        await given_back(office, case)
        office.paper.restore_error = None
        await restoring.restore(office.context, case.id)
        assert office.paper.holders["g1"].active
