"""Whose accounts they are: one question a case, kept beyond it, taken back, and few of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from audit.leaf import read
from casework import runbook
from casework.errors import BadRequest, QuestionsOpen
from casework.intake.csv_file import read_csv
from casework.intake.moving import withdraw
from casework.intake.submission import open_cases
from casework.matching import answering
from casework.matching.judging import void
from casework.matching.numbers import without_numbers
from casework.matching.searching import find_everywhere, find_in
from connectors.errors import Unreachable
from connectors.matching import Profile
from models.tables import AccountLink, Case, CaseAccount, DirectoryNumbers
from models.vocabulary import Account, AccountKind, ConnectionId, Service
from tests.casework.conftest import Office
from tests.casework.paper import Holder, Paper
from tests.casework.shown import open_questions
from tests.casework.three_services import accounts, standings

GOOGLE, SLACK, M365 = Service.GOOGLE_WORKSPACE, Service.SLACK, Service.MICROSOFT365


def told(office: Office, case_id: str, event: str) -> list[dict[str, Any]]:
    """The sealed events of one type."""
    with office.context.store.read() as session:
        leaves = [read(entry.leaf) for entry in office.context.store.trail.entries(session.connection(), case_id)]
    return [leaf for leaf in leaves if leaf["type"] == event]


class TestTwoFacts:
    async def test_a_department_is_no_fact(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """A colleague whose address was typed by mistake, and whose name has the same department in brackets, is asked about."""
        office, three = papers
        three[SLACK].add("a1", email="taro@example.test", name="佐藤 太郎（営業部）")
        case = office.report(name="田中 美咲（営業部）", email="taro@example.test")
        await runbook.make_plan(office.context, case.id)
        assert standings(office, case.id) == {"slack:a1": "asked"}


class TestOneQuestion:
    async def test_for_all_services(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """One question holds the candidates of every service; an account is named with its service."""
        office, three = papers
        for service in (GOOGLE, SLACK, M365):
            three[service].add("a1", email="e1@example.test")
            three[service].add("a2", name="星 空子", email="other@example.test")
        case = office.report(employee_no="E9")
        await runbook.make_plan(office.context, case.id)
        (question,) = open_questions(office.context, case.id)
        with pytest.raises(BadRequest, match="is in several services"):
            answering.answer(office.context, question.id, chosen=["a1"], by="it")
        chosen = ["google_workspace:a1", "slack:a1", "microsoft365:a2"]
        answering.answer(office.context, question.id, chosen=chosen, by="it")
        assert {key for key, standing in standings(office, case.id).items() if standing == "accepted"} == set(chosen)
        assert open_questions(office.context, case.id) == []

    async def test_not_while_another_service_is_about_to_answer(
        self, papers: tuple[Office, dict[ConnectionId, Paper]]
    ) -> None:
        """What another service settles in the same search is never asked."""
        office, three = papers
        three[SLACK].add("s1", email="e1@example.test", name="そら")
        three[M365].add("m1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        assert standings(office, case.id) == {"slack:s1": "accepted", "microsoft365:m1": "accepted"}
        assert told(office, case.id, "finding.question") == []

    async def test_a_number_on_a_guests_account(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """A number alone suffices on a member's account, and is asked about on a guest's."""
        office, three = papers
        three[GOOGLE].add("g1", employee_no="E1")
        guest = three[M365].add("m1", employee_no="E1")
        guest.profile = Profile(Account(M365, "m1", AccountKind.GUEST), "E1")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        assert standings(office, case.id) == {"google_workspace:g1": "accepted", "microsoft365:m1": "asked"}

    async def test_every_judgement_is_sealed(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """What an account was taken for, and on how many facts, stands in the trail; names and ids do not."""
        office, three = papers
        three[GOOGLE].add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        (leaf,) = told(office, case.id, "case.judged")
        assert (leaf["state"], leaf["counts"]) == ("accepted", {"facts": 3, "contradictions": 0})
        assert "g1" not in str(leaf)

    async def test_a_failing_search_voids_nothing(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """A service that cannot be searched leaves what was decided as it was."""
        office, three = papers
        three[GOOGLE].add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        three[GOOGLE].search_error = Unreachable("paper: cannot search: 503", code="503")
        await find_everywhere(office.context, case.id)
        assert standings(office, case.id) == {"google_workspace:g1": "accepted"}


class TestBeyondTheCase:
    async def test_a_question_is_answered_once(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """What a person said in an earlier case of the same person, yes or no, is not asked again."""
        office, three = papers
        three[SLACK].add("s1", email="sora@home.test", name="星 空子")
        three[SLACK].add("s2", email="sora2@home.test", name="星 空子")
        first = office.report()
        await runbook.make_plan(office.context, first.id)
        answering.answer(office.context, open_questions(office.context, first.id)[0].id, chosen=["s1"], by="it")
        withdrawn(office, first)
        again = office.report(employment_ends_on="2027-03-31")
        await runbook.make_plan(office.context, again.id)
        assert standings(office, again.id) == {"slack:s1": "accepted", "slack:s2": "rejected"}
        assert open_questions(office.context, again.id) == []

    async def test_not_by_an_answer_that_was_taken_back(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """A wrong word that was taken back accepts a namesake's account in no later case: it is asked again."""
        office, three = papers
        three[SLACK].add("s1", email="sora@home.test", name="星 空子")
        first = office.report()
        await runbook.make_plan(office.context, first.id)
        question = open_questions(office.context, first.id)[0].id
        answering.answer(office.context, question, chosen=["s1"], by="it")
        answering.take_back(office.context, question, by="it", reason="a namesake")
        withdrawn(office, first)
        again = office.report(employment_ends_on="2027-03-31")
        await runbook.make_plan(office.context, again.id)
        assert standings(office, again.id) == {"slack:s1": "asked"}

    async def test_not_of_another_person_with_the_same_number(
        self, papers: tuple[Office, dict[ConnectionId, Paper]]
    ) -> None:
        """A word about one contractor "001" says nothing about the other."""
        office, three = papers
        three[SLACK].add("s1", email="x@home.test", name="星 空子")
        first = office.report(employee_no="001")
        await runbook.make_plan(office.context, first.id)
        answering.answer(office.context, open_questions(office.context, first.id)[0].id, chosen=["s1"], by="it")
        withdrawn(office, first)
        other = office.report(employee_no="001", name="月 影子", email="x@home.test", employment_ends_on="2027-03-31")
        await runbook.make_plan(office.context, other.id)
        assert standings(office, other.id) == {"slack:s1": "asked"}

    async def test_who_and_on_what(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """The link says on which facts it rests and who signed it; what facts alone made the leaver's has none."""
        office, three = papers
        three[GOOGLE].add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        three[SLACK].add("s1", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        answering.answer(office.context, open_questions(office.context, case.id)[0].id, chosen=["s1"], by="it.tanaka")
        with office.context.store.read() as session:
            (link,) = session.exec(select(AccountLink)).all()
        assert (link.account_id, link.facts, link.person, link.theirs) == ("s1", ["name"], "it.tanaka", True)


def withdrawn(office: Office, case: Case) -> None:
    """End the case, so that another departure of the same person can be reported."""
    withdraw(office.context, case.id, by="hr", reason="stays")


class TestFactsAreKept:
    async def test_with_the_read_that_gave_them(self, office: Office) -> None:
        """Each fact stands with the time of the read that gave it, and since when it has been so."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        first = kept(office, case.id)["g1"]["number"]
        office.clock.pass_by(hours=1)
        await find_in(office.context, case.id, GOOGLE)
        again = kept(office, case.id)["g1"]["number"]
        assert (again["says"], again["since"]) == ("fact", first["since"])
        assert again["read_at"] > first["read_at"]

    async def test_a_renamed_account(self, office: Office) -> None:
        """A read that shows another address, or none, takes no fact away."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        held = office.paper.holders["g1"]
        held.profile = replace(held.profile, employee_no=None, emails=("e1-retired@example.test",), names=("退職者",))
        await find_in(office.context, case.id, GOOGLE)
        account = accounts(office, case.id)["google_workspace:g1"]
        assert account["standing"] == "accepted"
        assert account["match"]["facts"] == ["address", "name", "number"]

    async def test_what_another_service_confirmed(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """That another service confirmed an account stays, though that one's own account is renamed once it is blocked."""
        office, three = papers
        three[GOOGLE].add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        three[SLACK].add("s1", email="e1@example.test", name="そら")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        held = three[GOOGLE].holders["g1"]
        held.profile = replace(held.profile, emails=("e1-retired@example.test",))
        await find_everywhere(office.context, case.id)
        assert standings(office, case.id) == {"google_workspace:g1": "accepted", "slack:s1": "accepted"}
        with office.context.store.write() as session:
            void(office.context, session, case.id, ())  # on what was corrected no fact rests
        assert standings(office, case.id)["slack:s1"] == "accepted"
        with office.context.store.write() as session:
            void(office.context, session, case.id, {"kana"})  # then what the others say is looked at anew
        assert standings(office, case.id) == {"google_workspace:g1": "accepted", "slack:s1": "asked"}


def kept(office: Office, case_id: str) -> dict[str, dict[str, Any]]:
    """What is kept of each account's facts, by the account's id."""
    with office.context.store.read() as session:
        rows = session.exec(select(CaseAccount).where(CaseAccount.case_id == case_id)).all()
    return {row.vendor_id: dict(row.facts or {}) for row in rows}


class TestTakingBack:
    async def test_asks_again(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """An answer can be taken back: what it accepted is doubtful again, and the same question is open."""
        office, three = papers
        three[SLACK].add("s1", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        (question,) = open_questions(office.context, case.id)
        with pytest.raises(BadRequest, match="no answer to take back"):
            answering.take_back(office.context, question.id, by="it", reason="?")
        answering.answer(office.context, question.id, chosen=["s1"], by="it")
        answering.take_back(office.context, question.id, by="it.lead", reason="a namesake")
        assert standings(office, case.id) == {"slack:s1": "asked"}
        assert [q.id for q in open_questions(office.context, case.id)] == [question.id]
        answering.answer(office.context, question.id, chosen=[], by="it.lead", revision=2)
        assert standings(office, case.id) == {"slack:s1": "rejected"}
        with office.context.store.read() as session:
            assert [link.theirs for link in session.exec(select(AccountLink)).all()] == [False]
        choices = [leaf.get("choice") for leaf in told(office, case.id, "answer.recorded")]
        assert choices == [None, "taken_back", None]

    async def test_after_the_cut(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """Taken back after the cut: nothing more is written to the account, and the case waits for an answer."""
        office, three = papers
        three[SLACK].add("s1", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        (question,) = open_questions(office.context, case.id)
        answering.answer(office.context, question.id, chosen=["s1"], by="it")
        office.clock.pass_by(hours=10)
        await runbook.contain(office.context, case.id, SLACK)
        written = list(three[SLACK].writes)
        answering.take_back(office.context, question.id, by="it", reason="a namesake")
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        assert three[SLACK].writes == written


class TestCorrections:
    async def test_after_something_was_taken(self, office: Office) -> None:
        """A correction that voids what an account was taken for stops every further write, and asks at once."""
        office.paper.add("g3", email="e3@example.test", name="日向 葵")
        case = office.report(employee_no="E9", name="日向 葵", email="e3@example.test")
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        written = list(office.paper.writes)
        assert written
        with office.context.store.write() as session:
            found = session.get_one(Case, case.id)
            found.leaver = found.leaver | {"email": "e1@example.test", "name": "星 空子"}
            session.add(found)
            void(office.context, session, case.id, {"email", "name"})
        assert standings(office, case.id)["google_workspace:g3"] == "asked"
        (question,) = open_questions(office.context, case.id)
        assert [one.held for one in question.options if one.account == "g3"] == [True]
        await runbook.deprovision(office.context, case.id, GOOGLE)
        assert [write for write in office.paper.writes if ":g3:" in write] == written

    async def test_before_anything_was_taken_from_it(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """Only what something was taken from is held: another account of the case, as yet untouched, is let go by itself."""
        office, three = papers
        for service, account in ((GOOGLE, "g3"), (SLACK, "s3")):
            three[service].add(account, email="e3@example.test", name="日向 葵")
        case = office.report(employee_no="E9", name="日向 葵", email="e3@example.test")
        office.clock.pass_by(hours=10)
        await runbook.make_plan(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        assert standings(office, case.id) == {"google_workspace:g3": "accepted", "slack:s3": "accepted"}
        with office.context.store.write() as session:
            found = session.get_one(Case, case.id)
            found.leaver = found.leaver | {"email": "e1@example.test", "name": "星 空子"}
            session.add(found)
            void(office.context, session, case.id, {"email", "name"})
        assert standings(office, case.id) == {"google_workspace:g3": "asked", "slack:s3": "look_alike"}

    async def test_keeps_what_rests_on_other_fields(self, office: Office) -> None:
        """A correction of the address leaves number and name as they were, and the account accepted."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        with office.context.store.write() as session:
            void(office.context, session, case.id, {"email"})
        account = accounts(office, case.id)["google_workspace:g1"]
        assert (account["standing"], account["match"]["facts"]) == ("accepted", ["name", "number"])

    async def test_a_persons_word_outlives_a_correction_of_the_name(self, office: Office) -> None:
        """Whom a person pointed out stays pointed out when HR corrects the spelling."""
        office.paper.add("g3", email="adm-e1@example.test", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        answering.answer(office.context, open_questions(office.context, case.id)[0].id, chosen=["g3"], by="it")
        with office.context.store.write() as session:
            void(office.context, session, case.id, {"name", "kana"})
        assert standings(office, case.id)["google_workspace:g3"] == "accepted"

    async def test_a_contradiction_after_the_answer(self, office: Office) -> None:
        """What a read shows after a person's yes, and speaks against it, is shown to a person again."""
        office.paper.add("g3", email="e3@example.test", name="星 空子")
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        answering.answer(office.context, open_questions(office.context, case.id)[0].id, chosen=["g3"], by="it")
        held = office.paper.holders["g3"]
        held.profile = replace(held.profile, employee_no="E77")
        await find_in(office.context, case.id, GOOGLE)
        assert standings(office, case.id)["google_workspace:g3"] == "asked"
        (question,) = open_questions(office.context, case.id)
        assert [one.held for one in question.options if one.account == "g3"] == [True]


FAMILIES = [
    "佐藤",
    "鈴木",
    "高橋",
    "田中",
    "伊藤",
    "渡辺",
    "山本",
    "中村",
    "小林",
    "加藤",
    "吉田",
    "山田",
    "佐々木",
    "山口",
    "松本",
    "井上",
    "木村",
    "林",
    "斎藤",
    "清水",
]
GIVEN = [
    "翔",
    "蓮",
    "悠真",
    "大翔",
    "樹",
    "陽菜",
    "葵",
    "結衣",
    "美咲",
    "さくら",
    "健",
    "一郎",
    "由美",
    "恵子",
    "誠",
    "直樹",
    "拓也",
    "愛",
    "真由美",
    "大輔",
    "浩",
    "香織",
    "智子",
    "隆",
    "進",
    "薫",
    "優",
    "望",
    "光",
    "学",
]


def company(papers: dict[ConnectionId, Paper], people: int) -> list[tuple[str, str, str]]:
    """
    Fill the three services with *people*, and return (number, name, address) of each as HR has them.

    Microsoft has HR's numbers; Google's numbers follow another scheme, and its names are in Latin letters; Slack has no
    numbers, and what people like to be called.  Some names are borne by two.
    """
    known = []
    for n in range(people):
        name = f"{FAMILIES[n % 20]} {GIVEN[(n * 7 // 3) % 30]}"
        number, email = f"E{1000 + n}", f"p{n}@example.test"
        papers[M365].add(f"m{n}", employee_no=number, email=email, name=name)
        papers[GOOGLE].add(f"g{n}", employee_no=f"{7000 + n}", email=email, name=f"Given{n} Family{n % 50}")
        papers[SLACK].add(f"s{n}", email=email)
        nick = papers[SLACK].holders[f"s{n}"]
        nick.profile = replace(nick.profile, names=(name.split()[1],), nicknames=(f"nick{n}",))
        known.append((number, name, email))
    return known


class TestFewQuestions:
    async def test_a_hundred_leavers(self, papers: tuple[Office, dict[ConnectionId, Paper]]) -> None:
        """
        HR's file has no kana, Slack neither numbers nor full names, Google numbers of another scheme.

        Among a hundred leavers three are odd: an address with a typing error, a second account for administration, an address
        that the manager has as an alias now.  A person is asked about these three and nobody else, and nobody is missed.
        """
        office, three = papers
        known = company(three, 600)
        leavers = known[:100]
        typed = dict(enumerate(leavers))
        typed[10] = (*leavers[10][:2], known[300][2])
        three[M365].add("twin", employee_no="A20", email="adm-p20@example.test", name=leavers[20][1])
        boss: Holder = three[M365].holders["m400"]
        boss.profile = replace(boss.profile, aliases=("p30@example.test",))
        rows = "".join(f"{number},{name},{email},2026-12-31,自己都合\r\n" for number, name, email in typed.values())
        intake = open_cases(
            office.context, read_csv(("社員番号,氏名,メールアドレス,退職日,区分\r\n" + rows).encode("cp932")), reported_by="hr", for_real=True
        )  # fmt: skip
        cases = [opened.case.id for opened in intake.opened]
        for case_id in cases:
            await find_everywhere(office.context, case_id)
        asked = [n for n, case_id in enumerate(cases) if open_questions(office.context, case_id)]
        assert asked == [10, 20, 30]
        for n, case_id in enumerate(cases):
            decided = standings(office, case_id)
            own = {f"google_workspace:g{n}", f"slack:s{n}", f"microsoft365:m{n}"}
            missed = {key for key in own if decided.get(key) not in {"accepted", "asked"}}
            assert not missed or n == 10, (
                n,
                decided,
            )  # whose Google and Slack accounts show nothing that HR wrote rightly
            innocent = {key for key, standing in decided.items() if standing == "accepted"} - own
            assert not innocent, (n, innocent)

    async def test_numbers_of_another_scheme_are_said_to_be_none(
        self, papers: tuple[Office, dict[ConnectionId, Paper]]
    ) -> None:
        """Where none of twenty known people bears HR's number, the service's numbers are silent; one that agrees brings them back."""
        office, three = papers
        known = company(three, 40)
        cases = [report(office, *person) for person in known[:19]]
        for case_id in cases:
            await find_everywhere(office.context, case_id)
        assert len([case_id for case_id in cases if open_questions(office.context, case_id)]) == 19
        last = report(office, *known[19])
        await find_everywhere(office.context, last)
        with office.context.store.read() as session:
            assert [service.connection for service in without_numbers(session)] == [GOOGLE]
            learnt = session.get_one(DirectoryNumbers, GOOGLE)
            assert (learnt.compared, learnt.agreed) == (20, 0)
        assert not [case_id for case_id in [*cases, last] if open_questions(office.context, case_id)]

        right = three[GOOGLE].holders["g3"]
        right.profile = replace(right.profile, employee_no=known[3][0])
        office.clock.pass_by(minutes=16)
        await find_everywhere(office.context, last)
        with office.context.store.read() as session:
            assert without_numbers(session) == []


def report(office: Office, number: str, name: str, email: str) -> str:
    """Report one departure a month ahead and return its case."""
    return office.report(employee_no=number, name=name, email=email, employment_ends_on="2026-12-31").id
