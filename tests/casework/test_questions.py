"""One way to ask: what a person saw, who may answer, until when, and what is written of whoever did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from casework import consents, questions, runbook, sweeping
from casework.access import closing, rechecking
from casework.access import restore as restoring
from casework.decisions import signatures as waiving
from casework.erasure import erasing
from casework.errors import BadRequest, QuestionsOpen
from casework.intake.moving import reschedule
from casework.intake.opening import decide_for_real
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.matching import answering
from casework.nda import rulings
from casework.policy import BlastRadiusPolicy, Policy
from casework.question_kinds import CONSENTS, KINDS, YES
from casework.truth.rows import load, rows_of
from models.actor import Actor, at_terminal
from models.tables import Case, Question
from models.vocabulary import (
    EntitlementKind,
    OpenReason,
    QuestionKind,
    RestoreOutcome,
    Role,
    Service,
    TradeSecretTest,
)
from tests.casework.conftest import Office
from tests.casework.shown import show
from tests.casework.test_notices import events
from tests.casework.test_restore import cut

GOOGLE = Service.GOOGLE_WORKSPACE
DAY = timedelta(days=1)
WHOSE = QuestionKind.WHOSE_ACCOUNT


async def asked(office: Office, **fields: Any) -> tuple[Case, str]:
    """A planned departure that asks about g3, a namesake without a number."""
    office.paper.add("g3", email="e3@example.test", name="星 空子")
    case = office.report(**fields)
    await runbook.make_plan(office.context, case.id)
    return case, show(office.context, case.id)["questions"][0]["id"]


def seen(office: Office, question_id: str) -> Question:
    with office.context.store.read() as session:
        return session.get_one(Question, question_id)


def signed_in(subject: str, role: Role, issuer: str = "https://login.example.test") -> Actor:
    return Actor(issuer, subject, "oidc", role=role)


def missing(office: Office, session: Session, case: Case) -> list[str]:
    """What still stands in the way of closing the case."""
    return list(map(str, closing.requirements(office.context, session, load(office.context, session, case.id))))


class TestRevision:
    async def test_rises_with_what_is_shown(self, office: Office) -> None:
        """A candidate that joins is another revision, sealed; looking again at the same is none."""
        case, question = await asked(office)
        await runbook.make_plan(office.context, case.id)
        assert seen(office, question).revision == 1
        office.paper.add("g4", email="e4@example.test", name="星 空子")
        await runbook.make_plan(office.context, case.id)
        assert seen(office, question).revision == 2
        told = [leaf for kind, leaf, _ in events(office, case.id) if kind == "finding.question"]
        assert [(leaf["question"], leaf["revision"]) for leaf in told] == [(question, 1), (question, 2)]

    async def test_a_stale_answer_is_refused(self, office: Office) -> None:
        """Who answers what they saw before another candidate joined is told to look again, and nothing is decided."""
        case, question = await asked(office)
        office.paper.add("g4", email="e4@example.test", name="星 空子")
        await runbook.make_plan(office.context, case.id)
        with pytest.raises(BadRequest, match="has changed since revision 1: it is at 2"):
            answering.answer(office.context, question, chosen=["g3"], by="it", revision=1)
        with pytest.raises(BadRequest, match="it is at 2") as told:  # who names none saw the first
            answering.answer(office.context, question, chosen=["g3"], by="it")
        assert "--revision 2" in told.value.remedy
        standings = {a["id"]: a["standing"] for a in show(office.context, case.id)["accounts"]}
        assert (standings["g3"], standings["g4"]) == ("asked", "asked")
        answering.answer(office.context, question, chosen=["g3"], by="it", revision=2)
        assert seen(office, question).answer == ["google_workspace:g3"]

    async def test_rises_when_an_answer_is_taken_back(self, office: Office) -> None:
        """What was answered before it was taken back cannot be sent once more."""
        case, question = await asked(office)
        answering.answer(office.context, question, chosen=["g3"], by="it", revision=1)
        answering.take_back(office.context, question, by="it", reason="a namesake")
        told = [
            (leaf.get("choice"), leaf["revision"])
            for kind, leaf, _ in events(office, case.id)
            if kind == "answer.recorded"
        ]
        assert told == [(None, 1), ("taken_back", 2)]
        with pytest.raises(BadRequest, match="has changed"):
            answering.answer(office.context, question, chosen=["g3"], by="it", revision=1)

    async def test_of_a_consent(self, office: Office) -> None:
        """A consent names what it saw as well."""
        case = await cut(office)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="x")
        with pytest.raises(BadRequest, match="has changed since revision 2"):
            waiving.approve(office.context, request.id, by="it", revision=2)
        with office.context.store.write() as session:
            session.get_one(Question, request.id).revision = 2
        with pytest.raises(BadRequest, match="has changed since revision 1: it is at 2"):
            waiving.approve(office.context, request.id, by="it")
        assert waiving.approve(office.context, request.id, by="it", revision=2) == "restore"


class TestDeadline:
    async def test_lies_ahead_of_the_instant(self, office: Office) -> None:
        """An answer is wanted the day before the cut; where that has passed, at the cut; after it, at once."""
        case, question = await asked(office, employment_ends_on="2026-12-20")
        assert seen(office, question).wanted_by == case.due_at - DAY

    async def test_that_has_passed_is_the_instant_itself(self, office: Office) -> None:
        """Asked on the last day, the answer is wanted at the cut."""
        case, question = await asked(office)
        assert seen(office, question).wanted_by == case.due_at

    async def test_after_the_cut_is_at_once(self, office: Office) -> None:
        """Asked about a case that is due, the answer is wanted now."""
        _, question = await asked(office, employment_ends_on="2026-11-20")
        assert seen(office, question).wanted_by <= office.clock()

    async def test_moves_with_the_case(self, office: Office) -> None:
        """Another last day, or an emergency, moves until when answers are wanted; a consent to something else stays."""
        case, question = await asked(office, employment_ends_on="2026-12-20")
        request = restoring.request_restore(office.context, case.id, by="hr", reason="x")
        before = seen(office, request.id).wanted_by
        moved = reschedule(office.context, case.id, ends_on=date(2026, 12, 25), last_working_at=None, by="hr")
        assert seen(office, question).wanted_by == moved.due_at - DAY
        reschedule(office.context, case.id, ends_on=date(2026, 12, 25), last_working_at=None, by="hr", now=True)
        assert seen(office, question).wanted_by <= office.clock()
        assert seen(office, request.id).wanted_by == before

    async def test_moves_with_an_emergency_that_a_notice_makes(self, office: Office) -> None:
        """The same departure reported once more, as an emergency: the answer is wanted at once."""
        case, question = await asked(office, employment_ends_on="2026-12-20")
        again = read_options(
            employee_no="E1",
            name="星 空子",
            email="e1@example.test",
            employment_ends_on="2026-12-20",
            kind="resignation",
        )
        assert open_cases(office.context, again, reported_by="hr", at_once=True).opened[0].case.id == case.id
        assert seen(office, question).wanted_by <= office.clock()

    async def test_moves_with_a_correction(self, office: Office) -> None:
        """HR's other time zone moves the instant, and the deadline with it."""
        case, question = await asked(office, employment_ends_on="2026-12-20")
        office.report(employment_ends_on="2026-12-20", timezone="America/Los_Angeles")
        due = office.context.case(case.id).due_at
        assert due != case.due_at
        assert seen(office, question).wanted_by == due - DAY

    async def test_escalates(self, office: Office) -> None:
        """Until the deadline security is not asked; after it, it is, and may answer."""
        case, question = await asked(office)
        with pytest.raises(BadRequest, match="not asked of security"):
            answering.answer(office.context, question, chosen=[], by=signed_in("sec", Role.SECURITY))
        assert "security" not in show(office.context, case.id)["questions"][0]["asked_of"]
        office.clock.pass_by(hours=10)
        assert "security" in show(office.context, case.id)["questions"][0]["asked_of"]
        answering.answer(office.context, question, chosen=[], by=signed_in("sec", Role.SECURITY))


class TestWhoAnswers:
    @pytest.mark.parametrize("kind", QuestionKind)
    def test_every_kind_asks_somebody(self, kind: QuestionKind) -> None:
        """Each kind has its rules, and escalates to somebody who was not asked before."""
        assert KINDS[kind].roles
        assert KINDS[kind].escalates_to not in KINDS[kind].roles

    def test_what_needs_two_people(self) -> None:
        """Waivers, restores, erasures, releases, retirements and the end of a pause take a second person, nothing else does."""
        assert {"waive", "restore", "erase", "release", "retire", "resume"} == CONSENTS

    async def test_a_known_role_that_is_not_asked(self, office: Office) -> None:
        """Who is known to hold another role is refused; of somebody at a terminal no role is known."""
        _, question = await asked(office)
        with pytest.raises(BadRequest, match="not asked of legal"):
            answering.answer(office.context, question, chosen=[], by=signed_in("counsel", Role.LEGAL))
        answering.answer(office.context, question, chosen=[], by=at_terminal("counsel"))

    @pytest.mark.parametrize(
        ("first", "second", "refused"),
        [
            ("Ito", " ito", True),
            (at_terminal("ito"), "ITO", True),
            (at_terminal("ito"), replace(at_terminal("ito"), host="other", os_user="other"), True),
            (at_terminal("ito"), signed_in("Ito", Role.IT), True),
            (signed_in("ito", Role.IT), signed_in("ito", Role.HR), True),
            (signed_in("ito", Role.IT), signed_in("ito", Role.HR, "https://elsewhere.example.test"), False),
            (at_terminal("ito"), at_terminal("kim"), False),
            ("ito", "ｉｔｏ", True),
            ("山田 太郎", "山田　太郎", True),
            ("ｶﾄｳ", "カトウ", True),
            ("José", "Jose\u0301", True),
            ("ito taro", "ito  taro", True),
            ("ito", "ito\u200b", True),
            ("Jose\u200b\u0301", "José", True),
            ("ito@example.test", "ito", True),
            ("ito", "CORP\\Ito", True),
            ("CORP\\ito", "ito@example.test", True),
            (signed_in("ito@example.test", Role.IT), at_terminal("ito"), True),
            ("ito@example.test", "ito＠Example.test", True),
            ("高橋 一郎", "髙橋一郎", True),
            ("渡邉", "渡邊\U000e0100", True),
            ("高橋", "髙木", False),
            ("ito@example.test", "ito@elsewhere.test", False),
            ("A\\ito", "B\\ito", False),
            ("ito@example.test", "kim", False),
        ],
    )
    async def test_two_people_are_two(
        self, office: Office, first: Actor | str, second: Actor | str, refused: bool
    ) -> None:
        """
        The same subject of the same issuer is one person, however it is typed.  A name of which nobody made sure may be anybody's
        of that name: typed elsewhere or otherwise, in another form of its kanji too, it is no second person.  Two full addresses are two people.
        """
        case = await cut(office)
        request = restoring.request_restore(office.context, case.id, by=first, reason="x")
        if refused:
            with pytest.raises(BadRequest, match="same person"):
                waiving.approve(office.context, request.id, by=second)
            assert seen(office, request.id).answered_at is None
        else:
            waiving.approve(office.context, request.id, by=second)

    async def test_who_decided_does_not_release(self, make_office: Callable[..., Office]) -> None:
        """Nobody asked for a release: the first is whoever reported the case, or decided that it is for real."""
        office = make_office(Policy(blast_radius=BlastRadiusPolicy(departures=1)))
        for n in (1, 2):
            office.paper.add(f"g{n}", employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}")
        one, _ = (
            office.report(employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}", for_real=n == 2)
            for n in (1, 2)
        )
        with office.context.store.write() as session:
            decide_for_real(office.context, session, session.get_one(Case, one.id), at_terminal("it.kim"))
        await runbook.make_plan(office.context, one.id)
        (question,) = show(office.context, one.id)["questions"]
        for first in ("IT.Kim", "hr"):
            with pytest.raises(BadRequest, match="same person"):
                waiving.approve(office.context, question["id"], by=at_terminal(first))
        with pytest.raises(BadRequest, match="asks something else"):
            answering.answer(office.context, question["id"], chosen=[], by="it")
        assert waiving.approve(office.context, question["id"], by="it.second") == "release"
        office.clock.pass_by(hours=10)
        await office.run(one.id)


class TestAnswers:
    async def test_have_the_shape_of_their_kind(self, office: Office) -> None:
        """A consent is a yes, an answer in words has some and not too many; nothing else is taken, or written."""
        case = await cut(office)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="x")
        with office.context.store.write() as session:
            for given in ([], ["no"], [YES, YES], [""]):
                with pytest.raises(BadRequest, match="not answered by that"):
                    questions.answer(office.context, session, session.get_one(Question, request.id), given, by="it")
        for words in (" ", "x" * 4001):
            with pytest.raises(BadRequest, match="not answered by that"):
                rulings.answer(office.context, case.id, TradeSecretTest.USEFULNESS, words, by="legal")
        assert seen(office, request.id).answered_at is None

    async def test_name_what_was_shown(self, office: Office) -> None:
        """An account that the question does not show as doubtful answers nothing, whichever room passes it on."""
        _, question = await asked(office)
        with office.context.store.write() as session:
            for account in ("google_workspace:g1", "slack:g3", "g3"):
                with pytest.raises(BadRequest, match="not answered by that"):
                    questions.answer(office.context, session, session.get_one(Question, question), [account], by="it")

    async def test_let_the_case_go_on(self, office: Office) -> None:
        """Once a person has answered, the case is taken up at once, not when its wait is over."""
        case, question = await asked(office)
        office.clock.pass_by(hours=10)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        assert sweeping.due_for_run(office.context) == []
        answering.answer(office.context, question, chosen=[], by="it")
        assert [group.case_ids for group in sweeping.due_for_run(office.context)] == [(case.id,)]

    async def test_each_to_its_own_request(self, office: Office) -> None:
        """What a person asks for does not join what another asked: each is approved by itself."""
        case = await cut(office)
        first = restoring.request_restore(office.context, case.id, by="hr", reason="wrong person")
        second = restoring.request_restore(office.context, case.id, by="it", reason="she stays")
        waiving.approve(office.context, second.id, by="hr")
        assert (seen(office, first.id).answered_at, seen(office, first.id).text) == (None, "wrong person")

    async def test_once(self, office: Office) -> None:
        """A consent is given once."""
        case = await cut(office)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="x")
        waiving.approve(office.context, request.id, by="it")
        with pytest.raises(BadRequest, match="answered already"):
            waiving.approve(office.context, request.id, by="kim")

    async def test_none_for_an_erased_case(self, office: Office) -> None:
        """What was asked about a case whose personal data is gone is not answered any more."""
        case = await cut(office)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="x")
        erasure = erasing.request_erasure(office.context, case.id, by="lead", basis="retention")
        waiving.approve(office.context, erasure.id, by="ciso")
        erasing.erase(office.context, case.id)
        with pytest.raises(BadRequest, match="its case was erased"):
            waiving.approve(office.context, request.id, by="it")

    async def test_of_somebody_who_says_nothing(self, office: Office) -> None:
        """Who asks another person for consent says why."""
        case = await cut(office)
        until = office.clock().date()
        for ask in (
            lambda: restoring.request_restore(office.context, case.id, by="hr", reason=" "),
            lambda: waiving.request_retirement(office.context, Service.SLACK, by="hr", reason=""),
            lambda: waiving.waive_for_tenant(
                office.context, connection=GOOGLE, kind=EntitlementKind.GRANT, accepts=OpenReason.NO_API, reason="",
                until=until, by="hr",
            ),
        ):  # fmt: skip
            with pytest.raises(BadRequest, match="has no reason"):
                ask()

    async def test_a_consent_holds_nothing_up(self, office: Office) -> None:
        """What waits for a second person keeps no case from its close, and opens no closed one."""
        case = office.report()
        office.clock.pass_by(hours=10)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="x")
        await office.run(case.id)
        assert show(office.context, case.id)["approvals_waiting"] == [
            {"id": request.id, "verb": "restore", "account_ref": None}
        ]
        office.clock.pass_by(days=2)
        assert (await rechecking.look_again(office.context))["reopened"] == []

    async def test_what_a_restore_asks(self, office: Office) -> None:
        """Whether we took a row is a question of its own, sealed when it comes up, closed by one word and by no second one."""
        case = await cut(office)
        with office.context.store.write() as session:
            rows = [row for row in rows_of(session, case.id) if row.kind is EntitlementKind.GROUP]
            for row in rows:
                row.result, row.restored = None, None
                row.op = office.context.name("op")  # as a crash leaves it: nobody knows what became of it
                session.add(row)
        request = restoring.request_restore(office.context, case.id, by="hr", reason="x")
        waiving.approve(office.context, request.id, by="it")
        await restoring.restore(office.context, case.id)
        told = [leaf for kind, leaf, _ in events(office, case.id) if kind == "finding.question"]
        assert [leaf["kind"] for leaf in told] == ["group"] * len(rows)
        restoring.confirm(office.context, case.id, rows[0].id, by=at_terminal("it"), ours=False)
        with office.context.store.read() as session:
            (said,) = consents.answered(session, case.id, QuestionKind.TAKEN_BY_US)
            row = session.get_one(type(rows[0]), (case.id, rows[0].id))
        assert (said.id, said.answer, row.restored) == (told[0]["question"], ["no"], RestoreOutcome.NOT_OURS)
        with pytest.raises(BadRequest, match="not asked about"):
            restoring.confirm(office.context, case.id, rows[0].id, by="it", ours=True)
