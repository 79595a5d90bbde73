"""The exit pledge goes out once, is reminded of on schedule, and comes back into the case by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from audit.leaf import read
from casework.errors import BadRequest
from casework.intake import moving
from casework.nda import checking, follow_up, pledging, rulings
from casework.nda.pledge_page import print_pledge
from casework.nda.registers import NdaContext
from casework.policy import NdaPolicy, Policy
from connectors.errors import Denied, OutcomeUnknown, Unintelligible, Unreachable
from connectors.nda.contract import FoundPapers, Register, SentPledge
from emulators.company import person
from models.tables import Case
from models.vocabulary import CaseState, DepartureKind, Leaver, PledgeState
from tests.casework.conftest import Office
from tests.casework.registers import look_inside, of_kind, states
from tests.casework.shown import show
from tests.contract.nda.rig import Rig, rigging

LAST_DAY = "2026-12-20"
SENT_AT = datetime(2026, 11, 30, 6, tzinfo=UTC)
MISAKI = person("E1001")


@dataclass
class Asking:
    """An office whose leaver is asked through a register."""

    office: Office
    nda_context: NdaContext
    rig: Rig

    def report(self, **fields: Any) -> Case:
        who = {"employee_no": "E1001", "name": MISAKI.name, "email": MISAKI.email, "employment_ends_on": LAST_DAY}
        return self.office.report(**(who | fields))

    def nda(self, case: Case) -> dict[str, Any]:
        found: dict[str, Any] = show(self.office.context, case.id)["nda"]
        return found

    async def follow(self) -> int:
        return await follow_up.follow_up_with(self.nda_context)

    def told(self, case: Case, kind: str) -> list[dict[str, Any]]:
        trail = self.office.context.store.trail
        with self.office.context.store.read() as session:
            leaves = [read(entry.leaf) for entry in trail.entries(session.connection(), case.id)]
        return [leaf for leaf in leaves if leaf["type"] == kind]


@pytest.fixture
async def asking(
    request: pytest.FixtureRequest, make_office: Callable[..., Office], tmp_path: Path
) -> AsyncIterator[Asking]:
    """Ask through CloudSign, or through the register that the test names."""
    office = make_office()
    async with rigging(getattr(request, "param", "cloudsign"))(tmp_path, pledges=(), clock=office.clock) as rig:
        yield Asking(office, NdaContext(office.context, {rig.name: rig.register}, examine=look_inside), rig)


def with_register(office: Office, register: Any) -> NdaContext:
    return NdaContext(office.context, {"stub": register}, examine=look_inside)


class TestSending:
    @pytest.mark.parametrize("asking", ["cloudsign", "docusign"], indirect=True)
    async def test_reaches_the_leaver_once_and_comes_back(self, asking: Asking) -> None:
        """Sent once however often it is asked for; once signed it is on file without anybody's doing."""
        case = asking.report()
        await checking.check(asking.nda_context, case.id)
        assert of_kind(asking.nda(case), "exit_pledge")["remedy"].startswith(
            "Ask for it while the person is still there"
        )
        for _ in range(2):
            await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        assert {address for _, address in asking.rig.delivered()} == {MISAKI.email}
        assert len(asking.rig.delivered()) == 1
        await checking.check(asking.nda_context, case.id)
        assert states(asking.nda(case))["exit_pledge"] == "unsigned"
        asking.rig.answer(asking.rig.delivered()[0][0], False)
        asking.office.clock.pass_by(minutes=16)
        assert await asking.follow() == 1
        nda = asking.nda(case)
        assert (states(nda)["exit_pledge"], nda["pledge"]["state"]) == ("signed", "returned")
        asking.office.clock.pass_by(days=1)
        assert [leaf["result"] for leaf in asking.told(case, "nda.outcome")] == ["commanded"]
        with pytest.raises(BadRequest, match="is signed"):
            await pledging.send_pledge(asking.nda_context, case.id, by="hr")

    async def test_declined_in_the_service(self, asking: Asking) -> None:
        """Who declines in the service has refused: recorded with its day, and nobody asks again."""
        case = asking.report()
        await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        asking.rig.answer(asking.rig.delivered()[0][0], True)
        asking.office.clock.pass_by(minutes=16)
        await asking.follow()
        nda = asking.nda(case)
        assert (states(nda)["exit_pledge"], nda["pledge"]["state"]) == ("refused", "declined")
        assert "which is lawful" in of_kind(nda, "exit_pledge")["text"]
        asking.office.clock.pass_by(days=15)
        mails = len(asking.rig.delivered())
        await asking.follow()
        assert len(asking.rig.delivered()) == mails

    @pytest.mark.parametrize("asking", ["cloudsign", "docusign"], indirect=True)
    async def test_taken_back_in_the_service(self, asking: Asking) -> None:
        """A voided envelope makes room for a new one."""
        case = asking.report()
        await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        asking.rig.tenant.take_back(asking.rig.delivered()[0][0])
        asking.office.clock.pass_by(minutes=16)
        await asking.follow()
        nda = asking.nda(case)
        assert (states(nda)["exit_pledge"], nda["pledge"]["state"]) == ("unsigned", "voided")
        assert "nobody can sign it" in of_kind(nda, "exit_pledge")["text"]
        again = await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        assert (again.state, len(asking.rig.delivered())) == (PledgeState.SENT, 2)

    @pytest.mark.parametrize("asking", ["cloudsign", "docusign"], indirect=True)
    async def test_another_last_day(self, asking: Asking) -> None:
        """A page with the old last day is taken back in its service before another one is asked for; as long as it is right, nothing is sent."""
        case = asking.report()
        first = await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        moving.reschedule(asking.office.context, case.id, ends_on=date(2027, 1, 31), last_working_at=None, by="hr")
        second = await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        again = await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        assert (second.key, second.state) == (again.key, PledgeState.SENT)
        assert len(asking.rig.delivered()) == 2
        old = await asking.rig.register.look_up(first.paper_id or "")
        assert old is not None
        assert old.void
        assert [leaf["state"] for leaf in asking.told(case, "nda.settled")] == ["voided"]
        asking.rig.answer(second.paper_id or "", False)
        await checking.check(asking.nda_context, case.id)
        shown = {p["paper"]: p["state"] for p in asking.nda(case)["papers"] if p["kind"] == "exit_pledge"}
        assert shown == {
            f"{asking.rig.name}:{first.paper_id}": "unsigned",
            f"{asking.rig.name}:{second.paper_id}": "signed",
        }

    async def test_another_program_prints_it(self, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same words in another file, as of a new version of what prints them, are the same pledge: nothing is taken back."""
        case = asking.report()
        first = await pledging.send_pledge(asking.nda_context, case.id, by="hr")

        def newer(*known: Any, **more: Any) -> tuple[str, bytes]:
            title, pdf = print_pledge(*known, **more)
            return title, pdf + b"\n%newer\n"

        monkeypatch.setattr("casework.nda.sending.print_pledge", newer)
        again = await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        assert (again.key, len(asking.rig.delivered())) == (first.key, 1)

    async def test_another_last_day_and_nobody_asks_anew(self, asking: Asking) -> None:
        """A page with the old last day that comes back signed says so."""
        case = asking.report()
        pledge = await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        told = []
        asking.rig.answer(pledge.paper_id or "", False)
        for ends_on in (None, date(2027, 1, 31)):
            if ends_on is not None:
                moving.reschedule(asking.office.context, case.id, ends_on=ends_on, last_working_at=None, by="hr")
            await checking.check(asking.nda_context, case.id)
            told.append("it has another last day, name or wording" in of_kind(asking.nda(case), "exit_pledge")["text"])
        assert told == [False, True]

    async def test_another_last_day_and_signed_already(self, asking: Asking) -> None:
        """What was signed while the day moved cannot be taken back: no second one goes out."""
        case = asking.report()
        pledge = await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        moving.reschedule(asking.office.context, case.id, ends_on=date(2027, 1, 31), last_working_at=None, by="hr")
        asking.rig.answer(pledge.paper_id or "", False)
        with pytest.raises(Unintelligible, match="take back"):
            await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        assert len(asking.rig.delivered()) == 1

    @pytest.mark.parametrize("asking", ["cloudsign", "docusign"], indirect=True)
    @pytest.mark.parametrize("wrong", ["someone@mail.example", "kenji.suzuki@hoshizora.example"])
    async def test_another_address(self, asking: Asking, wrong: str) -> None:
        """An envelope that went to a wrong address is taken back once HR has corrected it, and the leaver is asked; who signed there is not the leaver."""
        for signed in (False, True):
            case = asking.report(email=wrong, employee_no=f"E{signed}")
            first = await pledging.send_pledge(asking.nda_context, case.id, by="hr")
            with asking.office.context.store.write() as session:
                row = session.get_one(Case, case.id)
                row.leaver = {**row.leaver, "email": MISAKI.email}
            if signed:
                asking.rig.answer(first.paper_id or "", False)
                await checking.check(asking.nda_context, case.id)
                assert states(asking.nda(case))["exit_pledge"] != "signed"
                continue
            second = await pledging.send_pledge(asking.nda_context, case.id, by="hr")
            assert asking.rig.delivered()[-1] == (second.paper_id, MISAKI.email)
            old = await asking.rig.register.look_up(first.paper_id or "")
            assert old is not None
            assert old.void

    async def test_reminders_end_with_the_last_day(self, asking: Asking) -> None:
        """Reminders go 14, 7, 3 and 1 days before the last day; what was missed goes once; after it none goes."""
        case = asking.report()
        await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        seen = []
        for days in (1, 5, 1, 7, 0, 3, 2, 1, 5):
            asking.office.clock.pass_by(days=days, minutes=16)
            await asking.follow()
            seen.append(asking.nda(case)["pledge"]["reminders"])
        assert seen == [0, 1, 1, 2, 2, 3, 4, 4, 4]
        assert len(asking.told(case, "nda.reminded")) == 4

    async def test_service_down(self, asking: Asking) -> None:
        """With the service down the papers are unreadable, and the case is cut and closed all the same."""
        asking.office.paper.add("g1", employee_no="E1001", email=MISAKI.email, name=MISAKI.name)
        case = asking.report(employment_ends_on="2026-11-30")
        asking.rig.break_down()
        with pytest.raises(Unreachable):
            await pledging.send_pledge(asking.nda_context, case.id, by="hr")
        await checking.check(asking.nda_context, case.id)
        assert asking.nda(case)["state"] == "unreadable"
        asking.office.clock.pass_by(hours=10)
        await asking.follow()
        await asking.office.run(case.id)
        assert show(asking.office.context, case.id)["state"] == "closed"
        assert asking.nda(case)["pledge"]["state"] == "intended"


class Stub:
    """A register that misbehaves while it sends."""

    can_send = True

    def __init__(self, *errors: Exception, name: str = "stub") -> None:
        self.name = name
        self.errors = list(errors)
        self.keys: list[str] = []

    async def send(self, pledge: bytes, leaver: Leaver, *, title: str, key: str) -> SentPledge:
        self.keys.append(key)
        if self.errors:
            raise self.errors.pop(0)
        return SentPledge(self.name, "p1", SENT_AT, ())

    async def look_up(self, paper_id: str) -> None:
        return None


class Lossy(Stub):
    """Delivers, and loses the answer of the first sending where it has no other error."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(error or OutcomeUnknown("stub: connection lost"))
        self.taken_back: list[str] = []

    async def find_papers(self, leaver: Leaver) -> FoundPapers:
        return FoundPapers((), ())

    async def find_sent(self, key: str) -> SentPledge | None:
        return SentPledge(self.name, f"p{self.keys.index(key) + 1}", SENT_AT, ()) if key in self.keys else None

    async def take_back(self, paper_id: str, reason: str) -> None:
        self.taken_back.append(paper_id)


class TestInterrupted:
    async def test_unknown_outcome_is_tried_again_with_the_same_key(self, make_office: Callable[..., Office]) -> None:
        """A pledge whose sending broke off is sent again by the sweep under its key, so that it arrives once."""
        office = make_office()
        register = Stub(OutcomeUnknown("stub: connection lost"))
        registers = with_register(office, register)
        case = office.report(employment_ends_on=LAST_DAY)
        with pytest.raises(OutcomeUnknown):
            await pledging.send_pledge(registers, case.id, by="hr")
        office.clock.pass_by(minutes=16)
        await follow_up.follow_up_with(registers)
        assert len(register.keys) == 2
        assert len(set(register.keys)) == 1
        assert show(office.context, case.id)["nda"]["pledge"]["state"] == "sent"

    async def test_unknown_outcome_and_another_last_day(self, make_office: Callable[..., Office]) -> None:
        """A page with the old last day whose sending broke off is looked for, and taken back if it arrived, before another one goes out."""
        office = make_office()
        register = Lossy()
        registers = with_register(office, register)
        case = office.report(employment_ends_on=LAST_DAY)
        with pytest.raises(OutcomeUnknown):
            await pledging.send_pledge(registers, case.id, by="hr")
        moving.reschedule(office.context, case.id, ends_on=date(2027, 1, 31), last_working_at=None, by="hr")
        office.clock.pass_by(minutes=16)
        pledge = await pledging.send_pledge(registers, case.id, by="hr")
        assert (register.keys, register.taken_back) == ([*register.keys[:1], pledge.key], ["p1"])
        assert pledge.state is PledgeState.SENT

    async def test_policy_asks_again_after_a_rejection(self, make_office: Callable[..., Office]) -> None:
        """What the register did not take answers nothing: policy asks again at the next check, and once only what it took."""
        office = make_office(Policy(nda=NdaPolicy(send=True)))
        register = Lossy(Denied("stub: cannot send: scope", code="scope"))
        registers = with_register(office, register)
        case = office.report(employment_ends_on=LAST_DAY)
        await checking.check(registers, case.id)
        with pytest.raises(Denied):
            await pledging.send_by_policy(registers, case.id)
        for _ in range(2):
            await pledging.send_by_policy(registers, case.id)
        assert len(register.keys) == 2

    async def test_denied_is_told_and_not_tried_again(self, make_office: Callable[..., Office]) -> None:
        """What the register does not take is rejected; a person sets it right and asks again."""
        office = make_office()
        register = Stub(Denied("stub: cannot send: scope", code="scope"))
        registers = with_register(office, register)
        case = office.report(employment_ends_on=LAST_DAY)
        with pytest.raises(Denied):
            await pledging.send_pledge(registers, case.id, by="hr")
        assert show(office.context, case.id)["nda"]["pledge"]["state"] == "rejected"
        office.clock.pass_by(days=1)
        assert await follow_up.follow_up_with(registers) == 0
        await pledging.send_pledge(registers, case.id, by="hr")
        assert len(set(register.keys)) == 2

    async def test_which_of_two_senders_is_policys_choice(self, make_office: Callable[..., Office]) -> None:
        """Two registers that deliver: nobody guesses which; policy names one."""
        office = make_office()
        one, two = Stub(), Stub(name="two")
        both: dict[str, Register] = {"one": one, "two": two}  # type: ignore[dict-item]  # stubs of what sending needs
        case = office.report(employment_ends_on=LAST_DAY)
        with pytest.raises(BadRequest, match="2 registers"):
            await pledging.send_pledge(NdaContext(office.context, both), case.id, by="hr")
        context = replace(office.context, policy=Policy(nda=NdaPolicy(sender="two")))
        await pledging.send_pledge(NdaContext(context, both), case.id, by="hr")
        assert (len(one.keys), len(two.keys)) == (0, 1)

    async def test_another_sender_sends_no_second_one(self, make_office: Callable[..., Office]) -> None:
        """Policy names another register while a pledge is out: that one is returned, and nothing is sent beside it."""
        office = make_office()
        one, two = Stub(name="one"), Stub(name="two")
        both: dict[str, Register] = {"one": one, "two": two}  # type: ignore[dict-item]  # stubs of what sending needs
        case = office.report(employment_ends_on=LAST_DAY)
        for sender in both:
            context = replace(office.context, policy=Policy(nda=NdaPolicy(sender=sender)))
            pledge = await pledging.send_pledge(NdaContext(context, both), case.id, by="hr")
            assert pledge.register_name == "one"
        assert (len(one.keys), len(two.keys)) == (1, 0)

    async def test_policy_may_send_by_itself(self, make_office: Callable[..., Office]) -> None:
        """Where policy says so a real case's missing pledge is asked for, once; a plan's and a dismissal's is not."""
        office = make_office(Policy(nda=NdaPolicy(send=True)))
        register = SendingStub()
        registers = with_register(office, register)
        for fields, sent in (
            ({"for_real": False}, 0),
            ({"employee_no": "E2", "kind": "dismissal"}, 0),
            ({"employee_no": "E3"}, 1),
        ):
            case = office.report(employment_ends_on=LAST_DAY, **fields)
            for _ in range(2):
                await checking.check(registers, case.id)
                await pledging.send_by_policy(registers, case.id)
            assert len(register.keys) == sent

    @pytest.mark.parametrize("gone", ["last day", "cut"])
    async def test_policy_sends_nothing_to_who_is_gone(self, make_office: Callable[..., Office], gone: str) -> None:
        """After the last day, or once the case is cut, nobody is asked unless a person says so."""
        office = make_office(Policy(nda=NdaPolicy(send=True)))
        register = SendingStub()
        registers = with_register(office, register)
        case = office.report(employment_ends_on=LAST_DAY)
        if gone == "last day":
            office.clock.pass_by(days=30)
        else:
            with office.context.store.write() as session:
                session.get_one(Case, case.id).state = CaseState.CONTAINED
        await checking.check(registers, case.id)
        await pledging.send_by_policy(registers, case.id)
        assert register.keys == []


class SendingStub(Stub):
    """One that also finds nothing."""

    async def find_papers(self, leaver: Leaver) -> Any:
        from connectors.nda.contract import FoundPapers

        return FoundPapers((), ())

    async def look_up(self, paper_id: str) -> None:
        return None


class TestByHand:
    async def test_file_and_return_through_the_folder(self, make_office: Callable[..., Office], tmp_path: Path) -> None:
        """A folder keeps the pledge to be signed by hand; the scan that is dropped into it comes back into the case."""
        office = make_office()
        async with rigging("folder")(tmp_path, pledges=()) as rig:
            registers = NdaContext(office.context, {"folder": rig.register}, examine=look_inside)
            asking = Asking(office, registers, rig)
            case = asking.report()
            await pledging.send_pledge(registers, case.id, by="hr")
            assert asking.nda(case)["pledge"]["state"] == "filed"
            ((paper_id, _),) = rig.delivered()
            rig.answer(paper_id, False)
            office.clock.pass_by(minutes=16)
            await asking.follow()
            assert states(asking.nda(case))["exit_pledge"] != "missing"

    async def test_file(self, office: Office, tmp_path: Path) -> None:
        """Without any register the pledge is written to a file: the same again, and recorded."""
        case = office.report(employment_ends_on=LAST_DAY)
        for name in ("a.pdf", "b.pdf"):
            pledging.write_pledge(office.context, case.id, tmp_path / name, by="hr")
        assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
        rulings.refuse(office.context, case.id, witness="S", on=date(2026, 11, 30), by="hr")
        with pytest.raises(BadRequest, match="declined"):
            pledging.write_pledge(office.context, case.id, tmp_path / "c.pdf", by="hr")


class TestPage:
    def test_no_name_is_an_empty_box(self, office: Office) -> None:
        """A character that the font does not have is printed as its number; accents of other scripts are drawn."""
        case = office.report(name="𠮷田 Nguyễn", employment_ends_on=LAST_DAY)
        _, pdf = print_pledge(case, NdaPolicy(), "ja", at=office.clock(), reference="pledge-ab")
        with closing(pypdfium2.PdfDocument(pdf)) as document:
            text = "".join(page.get_textpage().get_text_range() for page in document)
        assert "〈U+20BB7〉田 Nguyễn" in text

    @pytest.mark.parametrize("language", ["ja", "en"])
    @pytest.mark.parametrize(
        "name",
        [
            "田中 美咲",
            "髙﨑 德子",
            "{{ 7*7 }} {% raw %}",
            "#emph[x] $1$ `c` @ref <l>",
            "A\n1. I owe nothing.\n# B",
            "O'Brien & <b>",
            "x" * 5000,
        ],
    )
    def test_a_name_is_a_name(self, office: Office, language: Any, name: str) -> None:
        """Whatever stands in a name is printed as it is, on its own line: it neither computes nor adds a clause."""
        case = Case(id="c", employee_no="E1", employee_key="e1", employment_ends_on=date(2026, 12, 20), timezone="Asia/Tokyo",
                    due_at=office.clock(), kind=DepartureKind.RESIGNATION, state=CaseState.OPEN, reported_by="hr", opened_at=office.clock(),
                    leaver={"employee_no": "E1", "name": name, "kana": None, "romaji": None})  # fmt: skip
        _, pdf = print_pledge(case, NdaPolicy(company="星空商事"), language, at=office.clock(), reference="pledge-ab")
        document = pypdfium2.PdfDocument(pdf)
        text = "".join(page.get_textpage().get_text_range() for page in document)
        document.close()
        flat = "".join(text.split())
        assert "".join(name.split())[:60] in flat
        assert "49" not in flat
        assert "7." not in text.replace("7*7", "")
        assert "星空商事" in flat
