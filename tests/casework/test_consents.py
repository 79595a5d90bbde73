"""A consent names what it was given for, and is used up or overtaken: an answered question is no lasting permission."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from casework import runbook
from casework.access import restore as restoring
from casework.decisions import signatures as waiving
from casework.erasure import erasing
from casework.errors import BadRequest
from casework.intake.moving import withdraw
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.lifecycle import move
from casework.matching import answering
from casework.matching.judging import judge, judge_again
from connectors.errors import Denied
from models.tables import Case, Question
from models.vocabulary import CaseState, Entitlement, Receipt
from tests.casework.conftest import Office
from tests.casework.shown import open_questions
from tests.casework.test_migrations import every
from tests.casework.test_questions import asked, seen
from tests.casework.test_restore import cut, given_back
from tests.casework.test_second_thoughts import active, asked_about, carry, standings

G3 = "google_workspace:g3"


async def both_cut(office: Office) -> tuple[Case, str]:
    """A case that cut g3 on a person's answer, and that question's id."""
    case, question = await asked_about(office)
    answering.answer(office.context, question, chosen=["g3"], by="it")
    await office.run(case.id)
    assert not active(office, "g3")
    return case, question


def consented(office: Office, case: Case, account: str | None = None) -> str:
    request = restoring.request_restore(office.context, case.id, by="it", reason="not theirs", account=account)
    waiving.approve(office.context, request.id, by="hr")
    office.clock.pass_by(minutes=1)
    return request.id


def noticed(office: Office) -> None:
    """HR's notice comes once more, with g3's address: two facts make it the leaver's, and nobody is asked."""
    again = read_options(
        employee_no="E1", name="星 空子", email="e3@example.test", employment_ends_on="2026-11-30", kind="resignation"
    )
    open_cases(office.context, again, reported_by="hr", for_real=True)


async def refused(office: Office, case: Case) -> None:
    """Nothing is given back, and a person is told to ask anew."""
    given = list(office.paper.given)
    with pytest.raises(BadRequest, match="second person") as told:
        await restoring.restore(office.context, case.id)
    assert "ask anew" in str(told.value.remedy)
    assert office.paper.given == given


class TestToRestore:
    async def test_is_used_up_when_carried_out(self, office: Office) -> None:
        """An account that is cut anew after its restore stays cut: what was consented to was carried out."""
        case, question = await both_cut(office)
        consented(office, case, G3)
        await restoring.restore(office.context, case.id)
        assert active(office, "g3")
        answering.take_back(office.context, question, by="it", reason="it was theirs after all")
        noticed(office)
        for _ in range(2):
            await carry(office, case)
            office.clock.pass_by(hours=1)
        assert not active(office, "g3")
        await refused(office, case)
        assert not active(office, "g3")

    async def test_lives_until_each_row_has_its_end(self, office: Office) -> None:
        """What could not be given back is taken up again on the same consent; with the last row it is used up."""
        case = await cut(office)
        request = consented(office, case)
        office.paper.restore_error = Denied("paper: 403")
        await restoring.restore(office.context, case.id)
        assert seen(office, request).used_at is None
        office.paper.restore_error = None
        await restoring.restore(office.context, case.id)
        assert active(office, "g1")
        assert seen(office, request).used_at is not None
        await refused(office, case)

    @pytest.mark.parametrize("account", [None, "google_workspace:g1"])
    async def test_is_overtaken_by_a_write(self, office: Office, account: str | None) -> None:
        """What is taken after the second person's word was not what they agreed to give back."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        request = consented(office, case, account)
        await office.run(case.id)
        assert seen(office, request).used_at is not None
        await refused(office, case)
        assert not active(office, "g1")

    async def test_lives_on_while_another_account_is_cut(self, office: Office) -> None:
        """A consent to one account is overtaken by what happens to that account alone."""
        case, question = await asked_about(office)
        request = consented(office, case, G3)
        answering.answer(office.context, question, chosen=[], by="it")
        await office.run(case.id)
        assert not active(office, "g1")
        assert seen(office, request).used_at is None

    async def test_is_overtaken_by_a_persons_word(self, office: Office) -> None:
        """Who says afterwards that the account is the leaver's is heard, though the restore waits approved."""
        case, question = await both_cut(office)
        consented(office, case, G3)
        answering.take_back(office.context, question, by="it", reason="look again")
        answering.answer(office.context, question, chosen=["g3"], by="it", revision=2)
        await refused(office, case)
        assert standings(office, case)["g3"] == "accepted"

    async def test_is_overtaken_by_two_facts(self, office: Office) -> None:
        """An account that a corrected notice makes the leaver's is not given back on an older word, nor set apart."""
        case, question = await both_cut(office)
        request = consented(office, case, G3)
        answering.take_back(office.context, question, by="it", reason="look again")
        noticed(office)
        await runbook.make_plan(office.context, case.id)
        assert standings(office, case)["g3"] == "accepted"
        assert seen(office, request).used_at is not None
        await refused(office, case)

    async def test_given_meanwhile_is_not_used_up(self, office: Office) -> None:
        """A consent that comes while another one is carried out waits for its own turn."""
        case, _ = await both_cut(office)
        later, asked_for = list[str](), office.paper.restore

        async def slow(row: Entitlement, prestate: Mapping[str, Any]) -> Receipt:
            if not later:
                later.append(consented(office, case, G3))
            return await asked_for(row, prestate)

        office.paper.restore = slow  # type: ignore[assignment,method-assign]  # the vendor takes its time
        first = consented(office, case, G3)
        await restoring.restore(office.context, case.id)
        assert seen(office, first).used_at is not None
        assert seen(office, later[0]).used_at is None


class TestToErase:
    def consented(self, office: Office, case: Case) -> str:
        request = erasing.request_erasure(office.context, case.id, by="legal", basis="request")
        if request.answered_at is None:
            waiving.approve(office.context, request.id, by="ciso")
        office.clock.pass_by(minutes=1)
        return request.id

    def refused(self, office: Office, case: Case) -> None:
        with pytest.raises(BadRequest, match="second person"):
            erasing.erase(office.context, case.id)

    def reopen(self, office: Office, case: Case) -> None:
        with office.context.store.write() as session:
            move(office.context, session, session.get_one(Case, case.id), CaseState.DEPROVISIONED, reason="taken_back")

    async def test_is_used_up_when_carried_out(self, office: Office) -> None:
        """An erasure says of its consent when it was used."""
        case = await cut(office)
        request = self.consented(office, case)
        erasing.erase(office.context, case.id)
        assert seen(office, request).used_at is not None
        assert erasing.erase(office.context, case.id) == 0

    async def test_is_void_once_the_case_is_held(self, office: Office) -> None:
        """Whoever releases a hold does not erase by that: two people are asked again, and then it is erased."""
        case = await cut(office)
        first = self.consented(office, case)
        erasing.hold(office.context, case.id, by="legal", reason="lawsuit")
        erasing.release_hold(office.context, case.id, by="one", reason="oops")
        self.refused(office, case)
        assert self.consented(office, case) != first
        assert erasing.erase(office.context, case.id) > 0

    async def test_is_void_once_the_case_was_open_again(self, office: Office) -> None:
        """Consent to erase the case as it was closed is no consent to erase what came after."""
        case = await cut(office)
        self.consented(office, case)
        self.reopen(office, case)
        runbook.close(office.context, case.id)
        assert office.context.case(case.id).state == "closed"
        self.refused(office, case)

    async def test_given_before_the_end_is_void(self, office: Office) -> None:
        """A request that is approved while the case is open again allows nothing once it is closed anew."""
        case = await cut(office)
        request = erasing.request_erasure(office.context, case.id, by="legal", basis="request")
        self.reopen(office, case)
        waiving.approve(office.context, request.id, by="ciso")
        runbook.close(office.context, case.id)
        self.refused(office, case)

    async def test_is_void_once_the_case_is_restored(self, office: Office) -> None:
        """Consent to erase a closed case is no consent to erase what was given back."""
        case = await cut(office)
        self.consented(office, case)
        assert (await given_back(office, case))["state"] == "restored"
        self.refused(office, case)


class TestErased:
    async def test_nothing_is_asked_or_judged_any_more(self, office: Office) -> None:
        """An erasure settles what is open; what is learnt later changes no row of an erased case, and asks nobody."""
        case, question = await asked(office)
        withdraw(office.context, case.id, by="hr", reason="stays")
        request = erasing.request_erasure(office.context, case.id, by="legal", basis="request")
        waiving.approve(office.context, request.id, by="ciso")
        erasing.erase(office.context, case.id)
        assert seen(office, question).answered_at is not None
        assert open_questions(office.context, case.id) == []
        with office.context.store.write() as session:  # as an earlier version left it
            session.get_one(Question, question).answered_at = None
        before = self.stored(office)
        office.clock.pass_by(hours=1)
        with office.context.store.write() as session:
            assert judge_again(office.context, session) == set()
            judge(office.context, session, case.id)
        assert self.stored(office) == before

    def stored(self, office: Office) -> list[dict[str, Any]]:
        return [row for table in ("question", "account") for row in every(office.context.store.engine, table)]
