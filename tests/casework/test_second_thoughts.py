"""What people say after the cut, or in the middle of it: nobody is cut on an old word, nobody stays cut who is not meant to be."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from casework import runbook
from casework.access import rechecking
from casework.access import restore as restoring
from casework.decisions import signatures as waiving
from casework.erasure import erasing
from casework.errors import BadRequest, CaseworkError
from casework.intake.moving import withdraw
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.lifecycle import move
from casework.matching import answering
from casework.matching.searching import find_in
from connectors.contract import Kinds, Listing
from connectors.errors import Unreachable
from models.tables import Case
from models.vocabulary import Account, CaseState, Service
from tests.casework.conftest import Office
from tests.casework.shown import open_questions, show
from tests.casework.test_erasing import dump
from tests.casework.test_restore import fate, given_back

GOOGLE = Service.GOOGLE_WORKSPACE


def standings(office: Office, case: Case) -> dict[str, str]:
    return {account["id"]: account["standing"] for account in show(office.context, case.id)["accounts"]}


def active(office: Office, account: str) -> bool:
    return office.paper.holders[account].active


async def carry(office: Office, case: Case) -> None:
    """Carry the case as far as it goes; what keeps it from its end is not of interest."""
    with contextlib.suppress(CaseworkError, BadRequest):
        await office.run(case.id)


async def asked_about(office: Office) -> tuple[Case, str]:
    """A departure whose plan asks about g3, a namesake without a number."""
    office.paper.add("g3", email="e3@example.test", name="星 空子")
    case = office.report()
    office.clock.pass_by(hours=10)
    await runbook.make_plan(office.context, case.id)
    (question,) = open_questions(office.context, case.id)
    return case, question.id


async def left_while_on_leave(office: Office) -> tuple[Case, Case]:
    """A leave of absence, then the same person's departure, both carried; and the leave given back while the departure holds the account."""
    office.clock.pass_by(hours=10)
    reading = read_options(
        employee_no="E1", name="星 空子", email="e1@example.test", employment_ends_on="2026-11-29", kind="leave"
    )
    (opened,) = open_cases(office.context, reading, reported_by="hr", for_real=True, leave=True).opened
    leave = opened.case
    await carry(office, leave)
    departure = office.report()
    await carry(office, departure)
    await given_back(office, leave)
    return leave, departure


async def after_all_looks(office: Office) -> None:
    for _ in range(4):
        office.clock.pass_by(days=20)
        await rechecking.look_again(office.context)


class TestTakenBack:
    async def test_a_closed_case_is_open_again(self, office: Office) -> None:
        """An answer taken back after the last look opens the case: the account that is theirs after all is cut."""
        case, question = await asked_about(office)
        answering.answer(office.context, question, chosen=[], by="it")
        await office.run(case.id)
        await after_all_looks(office)
        answering.take_back(office.context, question, by="it", reason="wrong")
        assert show(office.context, case.id)["state"] == "deprovisioned"
        answering.answer(
            office.context, open_questions(office.context, case.id)[0].id, chosen=["g3"], by="it", revision=2
        )
        await carry(office, case)
        assert not active(office, "g3")

    async def test_a_whole_restore_gives_the_doubtful_account_back_too(self, office: Office) -> None:
        """What was taken before the answer was taken back is given back with the rest."""
        case, question = await asked_about(office)
        answering.answer(office.context, question, chosen=["g3"], by="it")
        await office.run(case.id)
        assert not active(office, "g3")
        answering.take_back(office.context, question, by="it", reason="wrong")
        assert (await given_back(office, case))["state"] == "restored"
        assert active(office, "g3")

    async def test_an_account_set_apart_stays_so_in_the_next_case(self, office: Office) -> None:
        """A namesake who was given back as not the leaver's is not cut by the person's next departure on the old word."""
        case, question = await asked_about(office)
        answering.answer(office.context, question, chosen=["g3"], by="it")
        await office.run(case.id)
        await after_all_looks(office)
        await given_back(office, case, "google_workspace:g3")
        office.paper.holders["g1"].active = True
        following = office.report(employment_ends_on=str(office.clock.at.date()))
        assert following.id != case.id
        office.clock.pass_by(hours=30)
        await carry(office, following)
        assert active(office, "g3")
        assert not active(office, "g1")

    async def test_cut_again_and_restored_again(self, office: Office) -> None:
        """An account that was given back and cut once more is given back once more: an old fate says nothing of a new cut."""
        case, question = await asked_about(office)
        answering.answer(office.context, question, chosen=["g3"], by="it")
        await office.run(case.id)
        request = restoring.request_restore(
            office.context, case.id, by="it", reason="a namesake", account="google_workspace:g3"
        )
        waiving.approve(office.context, request.id, by="hr")
        await restoring.restore(office.context, case.id)
        assert active(office, "g3")
        answering.take_back(office.context, question, by="it", reason="it was theirs after all")
        answering.answer(
            office.context, open_questions(office.context, case.id)[0].id, chosen=["g3"], by="it", revision=2
        )
        office.clock.pass_by(days=2)
        await rechecking.look_again(office.context)
        await carry(office, case)
        assert not active(office, "g3")
        await given_back(office, case, "google_workspace:g1")
        assert active(office, "g1")
        assert not active(office, "g3"), "the old consent was overtaken by the new answer"
        await given_back(office, case)
        assert active(office, "g3")

    async def test_no_word_is_taken_into_an_erased_case(self, office: Office) -> None:
        """A case whose personal data was erased takes neither an answer nor an attestation."""
        office.paper.add("g3", email="second@corp.test", name="星 空子")
        case = office.report(employment_ends_on="2027-01-30")
        await runbook.make_plan(office.context, case.id)
        (question,) = open_questions(office.context, case.id)
        withdraw(office.context, case.id, by="hr", reason="stays")
        request = erasing.request_erasure(office.context, case.id, by="lead", basis="retention")
        waiving.approve(office.context, request.id, by="ciso")
        erasing.erase(office.context, case.id)
        with pytest.raises(BadRequest, match="erased"):
            answering.answer(
                office.context, question.id, chosen=[], by="it.kim", reason="星 空子 has no second@corp.test"
            )
        with pytest.raises(BadRequest, match="erased"):
            waiving.attest(
                office.context, case_id=case.id, entitlement_id="no_account", statement="星 空子: none", by="it.kim"
            )
        assert not [word for word in ("星 空子", "second@corp.test", "it.kim") if word in dump(office)]


class TestTwoCases:
    async def test_a_word_given_in_one_company_counts_in_no_other(self, office: Office) -> None:
        """Number 001 of one company is not number 001 of another, whatever their names."""
        office.paper.holders.clear()
        office.paper.add("a", email="sora@a.test", name="星 空子")

        def report(company: str, email: str) -> Case:
            reading = read_options(
                employee_no="001", name="星 空子", email=email, employment_ends_on="2026-11-30", kind="resignation"
            )
            (opened,) = open_cases(office.context, reading, reported_by="hr", for_real=True, company=company).opened
            return opened.case

        ours = report("alpha", "old@a.test")
        await runbook.make_plan(office.context, ours.id)
        (question,) = open_questions(office.context, ours.id)
        answering.answer(office.context, question.id, chosen=["a"], by="it")
        theirs = report("beta", "sora@b.test")
        await runbook.make_plan(office.context, theirs.id)
        assert standings(office, theirs)["a"] != "accepted"

    async def test_what_another_case_held_is_given_back_once_it_let_go(self, office: Office) -> None:
        """On leave, then a departure, and the person comes back: the leave is restored once more when the departure was."""
        leave, departure = await left_while_on_leave(office)
        assert not active(office, "g1")
        await given_back(office, departure)
        assert not active(office, "g1")
        await given_back(office, leave)
        assert active(office, "g1")
        with pytest.raises(BadRequest, match="restored already"):
            restoring.request_restore(office.context, leave.id, by="hr", reason="once more")

    async def test_an_erased_case_has_not_let_go(self, office: Office) -> None:
        """Somebody was on leave and then left for good: erasing the departure opens nothing that the leave had left to it."""
        leave, departure = await left_while_on_leave(office)
        with office.context.store.write() as session:
            case = session.get_one(Case, departure.id)
            if case.state is not CaseState.CLOSED:
                move(office.context, session, case, CaseState.CLOSED)
        request = erasing.request_erasure(office.context, departure.id, by="lead", basis="retention")
        waiving.approve(office.context, request.id, by="ciso")
        erasing.erase(office.context, departure.id)
        await restoring.restore(office.context, leave.id)
        assert not active(office, "g1")
        assert "asked" in fate(show(office.context, leave.id)).values()


class TestInTheMiddle:
    @pytest.mark.parametrize("search_is_down", [False, True])
    async def test_a_harmless_correction_leaves_the_block_first(self, office: Office, search_is_down: bool) -> None:
        """HR adds a reading between plan and cut: nothing rests on what was not said, and the emergency is cut, block first."""
        office.paper.holders["g1"].profile = replace(office.paper.holders["g1"].profile, employee_no=None)
        case = office.report(kind="dismissal")
        run = replace(office.context, own_accounts={}, leases={})
        async with runbook.claim(run, case.id, "run"):
            await runbook.make_plan(run, case.id)
            assert office.report(kind="dismissal", kana="ホシ ソラコ").id == case.id
            if search_is_down:
                office.paper.search_error = Unreachable("paper: search is down")
            await runbook.contain(run, case.id, GOOGLE)
        assert office.paper.writes[0].endswith("sign_in:account")
        assert not active(office, "g1")

    async def test_one_account_that_becomes_doubtful_stops_no_other(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While two accounts are cut, a contradiction turns up in one: the other is cut before anybody says so."""
        office.paper.add("g3", employee_no="E1", email="e1b@example.test", name="星 空子")
        case = office.report()
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(seconds=30)
        listed = office.paper.list_access
        turned: list[str] = []

        async def doubtful_meanwhile(account: Account, kinds: Kinds | None = None) -> Listing:
            if account.id == "g1" and not turned:
                turned.append(account.id)
                holder = office.paper.holders["g1"]
                holder.profile = replace(holder.profile, names=("全 別人",))
                await find_in(office.context, case.id, GOOGLE)
            if account.id == "g3":
                await asyncio.sleep(0.2)
            return await listed(account, kinds)

        monkeypatch.setattr(office.paper, "list_access", doubtful_meanwhile)
        run = replace(office.context, own_accounts={}, leases={})
        async with runbook.claim(run, case.id, "run"):
            with contextlib.suppress(CaseworkError, BadRequest):
                await runbook.contain(run, case.id, GOOGLE)
        assert turned
        assert (active(office, "g1"), active(office, "g3")) == (True, False)


class TestOfTheFirstCore:
    """Accounts that an earlier version accepted bear no facts: the first search that answers judges them like all others."""

    def as_then(self, office: Office) -> None:
        with office.context.store.write() as session:
            for statement in (
                "DELETE FROM question", "DELETE FROM account_link",
                "UPDATE account SET standing='accepted', facts=NULL, judged='{}', addresses='{}', seen_at=NULL, reason='email'",
            ):  # fmt: skip
                session.connection().execute(text(statement))

    async def test_a_correction_voids_their_acceptance(self, office: Office) -> None:
        """A colleague whose address stood in the notice is not cut once HR has corrected it."""
        office.paper.add("g2", employee_no="E2", email="e2@example.test", name="月 影子")
        case = office.report(email="e2@example.test", employment_ends_on="2026-12-30")
        await runbook.make_plan(office.context, case.id)
        self.as_then(office)
        assert office.report(email="e1@example.test", employment_ends_on="2026-12-30").id == case.id
        office.clock.pass_by(days=31)
        await carry(office, case)
        assert active(office, "g2")

    async def test_one_that_is_no_longer_found_is_asked(self, office: Office) -> None:
        """What was accepted by an alias that is gone is nobody's until a person says so."""
        office.paper.add("g2", employee_no="E2", email="e2@example.test", name="月 影子")
        case = office.report(email="e2@example.test", employment_ends_on="2026-12-30")
        await runbook.make_plan(office.context, case.id)
        self.as_then(office)
        holder = office.paper.holders["g2"]
        holder.profile = replace(holder.profile, emails=("new@example.test",))
        office.clock.at = office.context.case(case.id).due_at - timedelta(seconds=50)
        await carry(office, case)
        assert active(office, "g2")
        assert standings(office, case)["g2"] == "asked"
        assert open_questions(office.context, case.id)

    async def test_a_correction_while_the_search_is_down_is_asked(self, office: Office) -> None:
        """What rested on no facts and loses its acceptance before any search is a question, not a silence."""
        case = office.report(email="typo@example.test", employment_ends_on="2026-12-30")
        await runbook.make_plan(office.context, case.id)
        self.as_then(office)
        office.paper.search_error = Unreachable("paper: search is down")
        assert office.report(email="e1@example.test", employment_ends_on="2026-12-30").id == case.id
        assert standings(office, case)["g1"] == "asked"
        assert open_questions(office.context, case.id)
