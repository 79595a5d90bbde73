"""What still keeps a case from closing, who is written into its record, and how long that is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from casework import consents, runbook
from casework.access import closing, rechecking
from casework.access import restore as restoring
from casework.decisions import signatures as waiving
from casework.erasure import erasing
from casework.errors import QuestionsOpen, StillOpen
from casework.intake.moving import reschedule
from casework.lifecycle import move
from casework.matching import answering
from casework.nda import rulings
from casework.nda.rulings import refuse
from casework.policy import Policy, RetentionPolicy
from casework.recording import seal_intent
from casework.truth.rows import accounts_of, reads_of, rows_of
from models.actor import Actor, at_terminal
from models.tables import Case
from models.vocabulary import (
    CaseState,
    ClosingRequirement,
    EntitlementKind,
    EntitlementState,
    QuestionKind,
    RestoreOutcome,
    TradeSecretTest,
)
from tests.casework.conftest import Office
from tests.casework.shown import show
from tests.casework.test_notices import events
from tests.casework.test_questions import DAY, GOOGLE, asked, missing, seen
from tests.casework.test_restore import cut


class TestWhoIsWritten:
    async def test_with_every_decision(self, office: Office) -> None:
        """What a person decided is sealed with who typed it, where, and that nobody has made sure; a leaf names nobody."""
        context, taro, hanako = office.context, at_terminal("it.taro"), at_terminal("ciso.hanako")
        case, question = await asked(office)
        answering.answer(context, question, chosen=["g3"], by=taro)
        answering.take_back(context, question, by=taro, reason="a namesake")
        answering.answer(context, question, chosen=[], by=taro, revision=2)
        reschedule(context, case.id, ends_on=case.employment_ends_on, last_working_at=None, by=taro, now=True)
        office.paper.late = 10_000
        with pytest.raises(StillOpen):
            await office.run(case.id)
        row = "google_workspace:g1:group:sales"
        until = office.clock().date() + timedelta(days=9)
        waiver = waiving.waive(context, entitlement_id=row, case_id=case.id, reason="x", until=until, by=taro)
        waiving.approve(context, waiver.id, by=hanako)
        waiving.attest(
            context, case_id=case.id, entitlement_id="google_workspace:g1:grant:app-1", statement="s", by=taro
        )
        refuse(context, case.id, witness="w", on=office.clock().date(), by=taro)
        rulings.answer(context, case.id, TradeSecretTest.USEFULNESS, "prices", by=hanako)
        request = restoring.request_restore(context, case.id, by=taro, reason="x")
        waiving.approve(context, request.id, by=hanako)
        erasing.hold(context, case.id, by=hanako, reason="matter 7")
        erasing.release_hold(context, case.id, by=hanako, reason="settled")
        decided = {
            kind: Actor(**payload["by"])
            for kind, _, payload in events(office, case.id)
            if payload.get("by") and kind not in {"case.opened", "case.noticed"}
        }
        assert decided == {
            "answer.recorded": taro, "case.rescheduled": taro, "case.at_once": taro, "finding.waiver_requested": taro,
            "finding.waived": hanako, "finding.attested": taro, "nda.refused": taro, "nda.answered": hanako,
            "case.restore_requested": taro, "case.approved": hanako, "case.held": hanako, "case.hold_released": hanako,
        }  # fmt: skip
        assert {taro.authenticated_by, hanako.authenticated_by} == {"unauthenticated"}
        assert (taro.host, taro.os_user) != (None, None)
        assert not [leaf for _, leaf, _ in events(office, case.id) if "it.taro" in str(leaf) or "hanako" in str(leaf)]
        stored = seen(office, request.id)
        assert (stored.asked_by, stored.answered_by) == (taro, hanako)

    async def test_with_an_erasure(self, office: Office) -> None:
        """
        Who asked for the erasure and who approved it stand in the event that outlives it, and nowhere else; what questions were
        about stays as far as it is a word of ours.
        """
        case = await cut(office)
        with office.context.store.write() as session:
            for row in rows_of(session, case.id):
                row.restored = RestoreOutcome.ASKED
                session.add(row)
        restoring.confirm(office.context, case.id, "google_workspace:g1:group:sales", by="it", ours=False)
        rulings.answer(office.context, case.id, TradeSecretTest.USEFULNESS, "prices", by="legal")
        request = erasing.request_erasure(office.context, case.id, by=at_terminal("lead"), basis="retention")
        waiving.approve(office.context, request.id, by=at_terminal("ciso"))
        erasing.erase(office.context, case.id)
        (said,) = [payload for kind, _, payload in events(office, case.id) if kind == "payload.erased"]
        assert (Actor(**said["by"]), Actor(**said["approved_by"])) == (at_terminal("lead"), at_terminal("ciso"))
        with office.context.store.read() as session:
            (about,) = consents.answered(session, case.id, QuestionKind.TAKEN_BY_US)
            (test,) = consents.answered(session, case.id, QuestionKind.TRADE_SECRET)
        assert "sales" not in str(about.subject)
        assert (test.subject, test.answer) == ("usefulness", [])
        erased = seen(office, request.id)
        assert (erased.asked_by, erased.answered_by, erased.text, erased.answered_at is None) == (None, None, "", False)


class TestRequirements:
    async def test_are_all_that_stands_in_the_way(self, office: Office) -> None:
        """Closing refuses for exactly what is shown, and closes once nothing is."""
        case, question = await asked(office)
        office.clock.pass_by(hours=10)
        office.paper.blind[EntitlementKind.GROUP] = EntitlementState.UNREADABLE
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        shown = show(office.context, case.id)["closing_requires"]
        assert {"kind": "question", "what": question} in shown
        answering.answer(office.context, question, chosen=[], by="it")
        office.clock.pass_by(hours=1)
        with pytest.raises(StillOpen) as still:
            await office.run(case.id)
        shown = show(office.context, case.id)["closing_requires"]
        told = {str(closing.Requirement(ClosingRequirement(row["kind"]), row["what"])) for row in shown}
        assert told == set(still.value.findings)
        office.paper.blind.clear()
        office.clock.pass_by(hours=1)
        await office.run(case.id)
        assert show(office.context, case.id)["closing_requires"] == []

    async def test_before_anything_was_done(self, office: Office) -> None:
        """Of a planned case, everything is still to be taken away; a plan that is no more than one says so."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        with office.context.store.read() as session:
            before = {*missing(office, session, case)}
            session.get_one(Case, case.id).for_real = False
            planned = {*missing(office, session, case)}
        assert {"not_cut_sign_in", "not_cut_group"} <= before
        assert planned - before == {"plan_only"}

    @pytest.mark.parametrize(
        ("state", "row", "told"),
        [
            (CaseState.DEPROVISIONED, EntitlementState.OBSERVED_CLOSED, ["not_read_group"]),
            (CaseState.DEPROVISIONED, EntitlementState.STILL_OPEN, ["not_cut_group"]),
            (CaseState.CONTAINED, EntitlementState.OBSERVED_CLOSED, ["not_read_group"]),
        ],
    )
    async def test_a_kind_that_was_not_read(
        self, office: Office, state: CaseState, row: EntitlementState, told: list[str]
    ) -> None:
        """A kind that no read has shown since the instant keeps the case open, and is told of once."""
        case = await cut(office)
        with office.context.store.write() as session:
            found = session.get_one(Case, case.id)
            found.state = state
            read = reads_of(session, case.id)[GOOGLE, "g1", EntitlementKind.GROUP]
            read.read_at = found.due_at - DAY
            for one in rows_of(session, case.id):
                if one.vendor_id == "sales":
                    one.state = row
            session.add_all((found, read))
            session.flush()
            assert missing(office, session, found) == told

    async def test_a_case_that_has_not_come_so_far(self, office: Office) -> None:
        """With nothing else in the way, the case's own state is."""
        case = await cut(office)
        with office.context.store.write() as session:
            found = session.get_one(Case, case.id)
            found.state = CaseState.CONTAINED
            assert missing(office, session, found) == ["only_contained"]

    async def test_an_open_intent(self, office: Office) -> None:
        """A request without an outcome keeps the case open, whatever the rows say."""
        case = await cut(office)
        with office.context.store.write() as session:
            row = rows_of(session, case.id)[0]
            row.op = office.context.name("op")
            seal_intent(office.context, session, row, accounts_of(session, case.id)[0].ref)
            move(office.context, session, session.get_one(Case, case.id), CaseState.DEPROVISIONED)
        with office.context.store.read() as session:
            assert missing(office, session, session.get_one(Case, case.id)) == ["intent_without_outcome"]


class TestRetention:
    async def test_is_set_at_closing(self, make_office: Callable[..., Office]) -> None:
        """Until when the record is kept, and why so long, is policy's, written and sealed with the closing."""
        office = make_office(Policy(retention=RetentionPolicy(years=7, basis="our rule 12")))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = await cut(office)
        closed = office.context.case(case.id)
        assert closed.closed_at is not None
        assert closed.retain_until is not None
        assert closed.retain_until.date() == date(2033, 11, 30)
        ((leaf, payload),) = [(leaf, said) for kind, leaf, said in events(office, case.id) if kind == "case.closed"]
        assert leaf["retain_until"].startswith("2033-11-30")
        assert payload["retention_basis"] == closed.retain_basis == "our rule 12"

    async def test_ends_with_the_closing(self, office: Office) -> None:
        """A case that is open again has no such day until it is closed again."""
        case = await cut(office)
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context))["reopened"] == [case.id]
        assert show(office.context, case.id)["retain_until"] is None
