"""The emergency brake: one person stops every write, two let it go on, and nothing that only reads is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from audit.events import EventType
from casework import runbook
from casework.access import restore as restoring
from casework.access import revoking
from casework.decisions import pausing, signatures
from casework.errors import BadRequest, Paused, StillOpen
from casework.policy import CutPolicy, Policy
from casework.store import Store
from casework.sweeping import due_for_run, unclaimed
from casework.truth.rows import accepted_accounts, rows_of
from casework.view.prefect_view import opaque_view
from casework.view.reading.case import case_view
from connectors.errors import Unreachable
from models.actor import actor_of
from models.tables import Case, Pause
from models.vocabulary import CaseState, Entitlement, EntitlementKind, RestoreOutcome
from tests.casework.conftest import Office
from tests.casework.records import told
from tests.casework.shown import show

K = EntitlementKind
WHY = "the wrong person?"


def pause(office: Office, case_id: str | None = None, **about: str) -> str:
    return pausing.pause(office.context, by="taro", reason=WHY, case_id=case_id, **about).id


def resume(office: Office, pause_id: str, *, asked_by: str = "taro", by: str = "hanako") -> None:
    request = pausing.request_resumption(office.context, pause_id, by=asked_by, reason="it was right")
    signatures.approve(office.context, request.id, by=by)


async def planned(office: Office, **fields: Any) -> Case:
    """Report and plan a departure, and stand ten seconds behind its instant."""
    case = office.report(**fields)
    await runbook.make_plan(office.context, case.id)
    office.clock.at = max(office.clock.at, case.due_at + timedelta(seconds=10))
    return case


async def stopped(office: Office, case: Case) -> None:
    """Run the case: it takes nothing, and ends with what holds it."""
    writes = [*office.paper.writes]
    with pytest.raises(StillOpen, match=r"pause-[0-9a-f]+ 1"):
        await office.run(case.id)
    assert office.paper.writes == writes


def events(office: Office, case_id: str, *types: EventType) -> list[Any]:
    with office.context.store.read() as session:
        return [event for event in told(session.connection(), case_id) if event.type in types]


def paused_while_an_intent_waits(office: Office, case: Case, other_machine: Store) -> None:
    """Let a pause be committed by another machine while the intent waits for the writers' lock; the intent must see it."""
    holds, commits = threading.Event(), threading.Event()

    def brake() -> None:
        with other_machine.write() as session:
            session.add(Pause(id="pause-0", paused_by=actor_of("taro"), reason=WHY, paused_at=office.clock.at))
            session.flush()
            holds.set()
            assert commits.wait(10)

    with office.context.store.read() as session:
        (account,) = accepted_accounts(session, case.id, *office.context.connectors)
        rows = [row for row in rows_of(session, case.id, account) if row.kind is K.SIGN_IN]
    with ThreadPoolExecutor(2) as pool:
        braking = pool.submit(brake)
        assert holds.wait(10)
        intent = pool.submit(revoking.begin, office.context, account, rows)
        commits.set()
        braking.result(10)
        with pytest.raises(Paused):
            intent.result(20)
    assert show(office.context, case.id)["open_intents"] == 0


class TestWho:
    async def test_one_person_pauses(self, office: Office) -> None:
        """Nobody has to agree: the case is stopped at once, and says since when, by whom and why, sealed."""
        case = await planned(office)
        made = pause(office, case.id)
        view = case_view(office.context, case.id)
        (held,) = view.paused
        assert (held.id, held.scope, held.paused_by, held.reason) == (made, "case", "taro", WHY)
        (sealed,) = events(office, case.id, EventType.CASE_PAUSED)
        assert (sealed.fields["pause"], sealed.fields["scope"], sealed.by, sealed.reason) == (made, "case", "taro", WHY)
        await stopped(office, case)

    async def test_nobody_resumes_alone(self, office: Office) -> None:
        """Neither the one who paused nor anybody else both asks and approves."""
        case = await planned(office)
        made = pause(office, case.id)
        for alone in ("taro", "hanako"):
            with pytest.raises(BadRequest, match="same person"):
                resume(office, made, asked_by=alone, by=alone)
        await stopped(office, case)

    @pytest.mark.parametrize(("asked_by", "by"), [("taro", "hanako"), ("hanako", "taro"), ("hanako", "jiro")])
    async def test_two_resume(self, office: Office, asked_by: str, by: str) -> None:
        """Whoever had paused may be either of them; the resumption is sealed with both, and the case is cut."""
        case = await planned(office)
        made = pause(office, case.id)
        resume(office, made, asked_by=asked_by, by=by)
        asked, resumed = events(office, case.id, EventType.CASE_APPROVAL_REQUESTED, EventType.CASE_RESUMED)
        assert (asked.by, resumed.by, asked.fields["pause"], resumed.fields["pause"]) == (asked_by, by, made, made)
        view = case_view(office.context, case.id)
        assert (view.paused, [one.id for one in view.pauses]) == ((), [made])
        await office.run(case.id)
        assert office.context.case(case.id).state is CaseState.CLOSED

    async def test_what_has_ended_does_not_end_twice(self, office: Office) -> None:
        """Of two requests the second finds nothing to end, and a pause made since stands."""
        case = await planned(office)
        first = pause(office, case.id)
        late = pausing.request_resumption(office.context, first, by="jiro", reason="r")
        resume(office, first)
        second = pause(office, case.id)
        with pytest.raises(BadRequest, match="no such pause"):
            signatures.approve(office.context, late.id, by="hanako")
        assert [held.id for held in case_view(office.context, case.id).paused] == [second]

    @pytest.mark.parametrize("about", [{"case_id": "case-0"}, {"case_id": ""}, {"company": "defualt"}, {"company": ""}])
    def test_what_stops_nothing_is_refused(self, office: Office, about: dict[str, str]) -> None:
        """A name that is mistyped, or empty, would leave its writer believing that all is stopped; nor does one pause without a reason."""
        case = office.report()
        with pytest.raises(BadRequest, match=r"no such case|there is no case of"):
            pausing.pause(office.context, by="taro", reason=WHY, **about)
        with pytest.raises(BadRequest, match="no reason"):
            pausing.pause(office.context, by="taro", reason=" ", case_id=case.id)
        assert case_view(office.context, case.id).paused == ()

    def test_an_erased_case_is_not_paused(self, office: Office) -> None:
        """Of an erased case nothing is to be stopped, and no person's reason is written to it any more."""
        case = office.report()
        with office.context.store.write() as session:
            session.get_one(Case, case.id).erased_at = office.clock()
        with pytest.raises(BadRequest, match="erased"):
            pause(office, case.id)


class TestWhat:
    @pytest.mark.parametrize("about", ["case", "company", "everything"])
    async def test_it_holds(self, office: Office, about: str) -> None:
        """A case, a company's cases or all of them: those and no others."""
        mine = await planned(office)
        other = await planned(office, employee_no="E2", name="月 影子", email="e2@example.test")
        with office.context.store.write() as session:
            session.get_one(Case, other.id).company = "another"
        office.clock.pass_by(seconds=10)
        match about:
            case "case":
                made = pause(office, mine.id)
            case "company":
                made = pause(office, company=mine.company)
            case _:
                made = pause(office)
        held = {mine.id} | ({other.id} if about == "everything" else set())
        assert set(unclaimed(office.context)) == {mine.id, other.id} - held
        await stopped(office, mine)
        if about != "everything":
            await office.run(other.id)
            assert office.context.case(other.id).state is CaseState.CLOSED
        resume(office, made)
        await office.run(mine.id)
        assert office.context.case(mine.id).state is CaseState.CLOSED

    async def test_each_holds_for_itself(self, office: Office) -> None:
        """The end of the pause of everything does not end the one of a case."""
        case = await planned(office)
        pause(office, case.id)
        resume(office, pause(office))
        await stopped(office, case)

    async def test_a_case_reported_meanwhile(self, office: Office) -> None:
        """A departure that comes in while everything is paused is planned, and waits as well."""
        office.report(employee_no="E2", name="月 影子", email="e2@example.test")
        pause(office)
        case = office.report()
        office.clock.at = case.due_at + timedelta(seconds=10)
        assert {group.purpose for group in due_for_run(office.context)} == {"plan"}
        await runbook.make_plan(office.context, case.id)
        assert len(show(office.context, case.id)["pauses"]) == 1
        assert [group for group in due_for_run(office.context) if case.id in group.case_ids] == []


class TestAnIntent:
    async def test_after_the_pause_is_never_sealed(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pause between the last read and the intent stops the write; reads go on, and the run tells what holds it."""
        case = await planned(office)
        listing = office.paper.list_access

        async def paused_at(account: Any, kinds: Any = None) -> Any:
            seen = await listing(account, kinds)
            if not case_view(office.context, case.id).paused:
                pause(office, case.id)
            return seen

        monkeypatch.setattr(office.paper, "list_access", paused_at)
        await stopped(office, case)
        assert office.paper.writes == []
        assert not events(office, case.id, EventType.REVOKE_INTENT)

    async def test_that_waits_for_the_lock_sees_it(self, office: Office) -> None:
        """The pause is read in the intent's own transaction: one that another machine has just committed counts."""
        case = await planned(office)
        paused_while_an_intent_waits(office, case, office.context.store)

    async def test_between_two_writes_of_an_account(self, office: Office) -> None:
        """What was sent is concluded, what comes after it is not begun; resumed, the rest is taken."""
        case = await planned(office)
        made: list[str] = []

        def brake(row: Entitlement) -> None:
            if row.kind is K.SIGN_IN:
                made.append(pause(office, case.id))

        office.paper.after = brake
        with pytest.raises(StillOpen, match=r"pause-[0-9a-f]+ 1"):
            await office.run(case.id)
        assert any(":sign_in:" in write for write in office.paper.writes)
        assert not any(":session:" in write or ":group:" in write for write in office.paper.writes)
        assert show(office.context, case.id)["open_intents"] == 0
        office.paper.after = lambda _: None
        resume(office, *made)
        await office.run(case.id)
        assert office.context.case(case.id).state is CaseState.CLOSED

    async def test_of_many_rows_are_begun_a_few_at_a_time(self, office: Office) -> None:
        """A pause does not wait for the thousands of groups of one account: of those no more than twenty are begun together."""
        case = await planned(office)
        office.paper.holders["g1"].held[K.GROUP] = {f"group-{n:03d}" for n in range(100)}
        made: list[str] = []

        def brake(row: Entitlement) -> None:
            if row.kind is K.GROUP and not made:
                made.append(pause(office, case.id))

        office.paper.after = brake
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert len([write for write in office.paper.writes if ":group:" in write]) == 20
        assert show(office.context, case.id)["open_intents"] == 0
        resume(office, *made)
        await office.run(case.id)
        assert office.context.case(case.id).state is CaseState.CLOSED

    async def test_of_an_early_kind(self, make_office: Callable[..., Office]) -> None:
        """What policy takes on the last working day waits too, and makes no run again and again."""
        office = make_office(Policy(cut=CutPolicy(early=(K.GROUP,))))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report(last_working_at="2026-11-27", employment_ends_on="2026-12-31")
        await runbook.make_plan(office.context, case.id)
        assert [group.purpose for group in due_for_run(office.context)] == ["plan"]
        made = pause(office, case.id)
        with pytest.raises(Paused):
            await runbook.take_early(office.context, case.id)
        assert (office.paper.writes, due_for_run(office.context)) == ([], [])
        resume(office, made)
        assert [group.purpose for group in due_for_run(office.context)] == ["plan"]


class TestARestore:
    async def consented(self, office: Office) -> Case:
        case = await planned(office)
        await office.run(case.id)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="wrong person")
        signatures.approve(office.context, request.id, by="it")
        return case

    async def test_does_not_begin(self, office: Office) -> None:
        """Everything stops, giving back too; the error says who has paused and what to do."""
        case = await self.consented(office)
        made = pause(office)
        with pytest.raises(Paused, match="paused since") as stopped_by:
            await restoring.restore(office.context, case.id)
        assert f"By taro: {WHY}. `lastday resume {made}`" in stopped_by.value.remedy
        assert "taro" not in str(stopped_by.value)
        assert office.paper.given == []
        resume(office, made)
        await restoring.restore(office.context, case.id)
        assert office.context.case(case.id).state is CaseState.RESTORED

    async def test_that_has_lifted_nothing_takes_nothing(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pause that comes in before the block is lifted stops the new password too: the account stays as it is."""
        case = await self.consented(office)
        office.paper.writes.clear()
        listing = office.paper.list_access

        async def paused_at(account: Any, kinds: Any = None) -> Any:
            if not case_view(office.context, case.id).paused:
                pause(office, case.id)
            return await listing(account, kinds)

        monkeypatch.setattr(office.paper, "list_access", paused_at)
        await restoring.restore(office.context, case.id)
        assert (office.paper.writes, office.paper.given) == ([], [])
        (problem,) = {row["detail"]["problem"] for row in self.rows(office, case) if row["kind"] == "sign_in"}
        assert "paused since" in problem

    async def test_that_has_lifted_the_block_takes_the_exits_and_gives_nothing_more(self, office: Office) -> None:
        """An account whose block was lifted does not keep its exits for a pause; roles and groups are not given back."""
        case = await self.consented(office)
        made: list[str] = []

        def brake(row: Entitlement) -> None:
            assert row.kind is K.SIGN_IN
            office.paper.holders["g1"].held[K.GRANT] = {"revived"}
            made.append(pause(office, case.id))

        office.paper.after_giving = brake
        await restoring.restore(office.context, case.id)
        assert office.paper.holders["g1"].active
        assert office.paper.holders["g1"].held[K.GRANT] == set()
        assert office.paper.holders["g1"].held[K.GROUP] == set()
        groups = [row for row in self.rows(office, case) if row["kind"] == "group"]
        assert {row["detail"]["restored"] for row in groups} == {RestoreOutcome.PROBLEM}
        assert all("paused since" in row["detail"]["problem"] for row in groups)
        resume(office, *made)
        office.paper.after_giving = lambda _: None
        await restoring.restore(office.context, case.id)
        assert office.paper.holders["g1"].held[K.GROUP] == {"sales", "all-hands"}

    def rows(self, office: Office, case: Case) -> list[dict[str, Any]]:
        return [row for one in show(office.context, case.id)["accounts"] for row in one["entitlements"]]


class TestWhoCarriesIt:
    async def test_rests_until_it_is_resumed(self, office: Office) -> None:
        """No serving process takes a paused case and no run is made for it, however late it is; resumed, it is taken at once."""
        case = await planned(office)
        made = pause(office, case.id)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        office.clock.pass_by(days=2)
        assert (unclaimed(office.context), due_for_run(office.context)) == ([], [])
        with pytest.raises(StillOpen):
            await office.run(case.id)
        resume(office, made)
        assert unclaimed(office.context) == [case.id]
        assert [group.purpose for group in due_for_run(office.context)] == ["offboard"]

    async def test_resumed_under_a_run_is_taken_when_that_ends(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A run that had passed its cut while the case was paused leaves it to the next one, which does not rest before."""
        case = await planned(office)
        made = pause(office, case.id)

        async def resumed_meanwhile(*_: object) -> None:
            resume(office, made)
            monkeypatch.undo()

        monkeypatch.setattr(runbook, "look_at_papers", resumed_meanwhile)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert unclaimed(office.context) == [case.id]
        assert [group.purpose for group in due_for_run(office.context)] == ["offboard"]

    async def test_what_had_failed_before_waits_no_longer(self, office: Office) -> None:
        """The rest after a failed try ends with the pause: two people have just said that it is to be cut."""

        def down(row: Entitlement) -> None:
            raise Unreachable(f"paper: cannot take {row.kind}: 503", code="503")

        case = await planned(office)
        office.paper.before = down
        with pytest.raises(StillOpen):
            await office.run(case.id)
        made = pause(office, case.id)
        assert unclaimed(office.context) == []
        resume(office, made)
        assert unclaimed(office.context) == [case.id]

    async def test_what_is_contained_rests_too(self, office: Office) -> None:
        """The rest of a cut makes no run while it is paused."""
        case = await planned(office)
        office.paper.by_hand = frozenset({K.GROUP})
        with pytest.raises(StillOpen):
            await office.run(case.id)
        office.clock.pass_by(days=1)
        assert [group.purpose for group in due_for_run(office.context)] == ["again"]
        made = pause(office)
        assert due_for_run(office.context) == []
        resume(office, made)
        assert [group.purpose for group in due_for_run(office.context)] == ["again"]

    async def test_does_not_close(self, office: Office) -> None:
        """A case whose rows are all settled waits as well: closing says what holds it."""
        case = await planned(office)
        closed = [False]

        def brake(row: Entitlement) -> None:
            if row.kind is K.GROUP and not closed[0]:
                closed[0] = True
                pause(office, case.id)

        office.paper.after = brake
        with pytest.raises(StillOpen) as missing:
            await office.run(case.id)
        assert missing.value.findings == {show(office.context, case.id)["pauses"][0]["id"]: 1}

    async def test_prefect_learns_when_and_not_who(self, office: Office) -> None:
        """Its page says that the case is paused; who has paused it and why are not for it."""
        case = await planned(office)
        pause(office, case.id)
        page = opaque_view(office.context, case.id).model_dump_json()
        assert '"paused_at":"2026' in page
        assert "taro" not in page
        assert WHY not in page
