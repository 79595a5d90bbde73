"""Papers that are not what they seem, registers that misbehave, and work that is interrupted or done by two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from audit.leaf import read
from casework.context import Context
from casework.decisions import signatures as waiving
from casework.erasure import erasing
from casework.errors import BadRequest
from casework.intake import moving
from casework.nda import checking, follow_up, pledging, rulings, searching
from casework.nda.facts import remarks
from casework.nda.papers.examined import Examined
from casework.nda.registers import NdaContext
from casework.nda.signers import Held
from casework.policy import Nda, Policy
from connectors.nda.contract import Found, Paper, Sent
from connectors.nda.matching import match_papers
from emulators import documents
from emulators.pledges import PLEDGES
from models.tables import Case, CasePaper
from models.vocabulary import Evidence, Leaver, MatchReason, PaperKind, TradeSecretTest
from tests.casework import test_nda
from tests.casework.conftest import Office
from tests.casework.paper import Killed
from tests.casework.shown import show
from tests.casework.test_nda import ENTRY, EXIT, MINE, Hire, look_inside, of_kind, states
from tests.contract.nda.rig import rigging

hire = test_nda.hire
LAST_DAY = "2026-12-20"
FAR = datetime(2026, 11, 30, 6, tzinfo=UTC)


class Shelf:
    """A register in memory: what it holds, what reached a signer, and what it does besides when it is asked."""

    can_send = True

    def __init__(self, *held: Paper, name: str = "shelf", exchanges: int = 0) -> None:
        self.name = name
        self.held = {paper.id: paper for paper in held}
        self.delivered: list[str] = []
        self.reminded: list[str] = []
        self.searches = 0
        self.exchanges = exchanges
        self.before_sending: Callable[[], None] = lambda: None
        self.breaks = False
        self.content = documents.scan_pdf()

    async def find_papers(self, leaver: Leaver) -> Found:
        self.searches += 1
        if self.breaks:
            raise RuntimeError("田中 美咲")
        seen = Evidence("GET /x", FAR, FAR, 200, None, None, "0" * 64)
        return Found(match_papers(leaver, self.held.values()), (seen,) * self.exchanges)

    async def look_up(self, paper_id: str) -> Paper | None:
        return self.held.get(paper_id)

    async def fetch(self, paper_id: str) -> bytes:
        return self.content

    async def send(self, pledge: bytes, leaver: Leaver, *, title: str, key: str) -> Sent:
        self.before_sending()
        await asyncio.sleep(0)
        if key not in self.delivered:  # no register of ours delivers twice under one key, once it has heard of it
            await asyncio.sleep(0)
            self.delivered.append(key)
        self.held.setdefault(key, pledge_of(key, signer_email=leaver.email))
        return Sent(self.name, key, FAR, ())

    async def find_sent(self, key: str) -> Sent | None:
        return Sent(self.name, key, FAR, ()) if key in self.delivered else None

    async def remind(self, paper_id: str) -> None:
        self.reminded.append(paper_id)

    async def take_back(self, paper_id: str, reason: str) -> None:
        self.held[paper_id] = replace(self.held[paper_id], void=True, status="voided")

    async def probe(self) -> tuple[tuple[str, str], ...]:
        return ()

    async def aclose(self) -> None:
        """Nothing is open."""


def pledge_of(paper_id: str, **known: Any) -> Paper:
    return Paper(
        **{
            "register": "shelf",
            "id": paper_id,
            "kind": PaperKind.EXIT_PLEDGE,
            "signer_name": "星 空子",
            "status": "sent",
        }
        | known
    )


def signed(shelf: Shelf, paper_id: str, **known: Any) -> None:
    shelf.held[paper_id] = replace(
        shelf.held[paper_id], completed=True, signed_on=date(2026, 11, 30), status="completed", **known
    )


def nda_context(office: Office, *shelves: Shelf) -> NdaContext:
    return NdaContext(office.context, {shelf.name: shelf for shelf in shelves}, examine=look_inside)


def nda(context: Context, case: Case) -> dict[str, Any]:
    found: dict[str, Any] = show(context, case.id)["nda"]
    return found


MakeOffice = Callable[..., Office]


class TestWrongPapers:
    @pytest.mark.parametrize(
        "title", ["退職届", "退職願 星空子", "退職金計算書", "入社承諾書", "雇用契約書", "Exit interview"]
    )
    async def test_what_is_no_pledge(self, hire: Hire, title: str) -> None:
        """A notice of resignation, which every leaver signs, is no pledge of confidentiality, and raises no risk."""
        house = hire()
        row = {key: value for key, value in EXIT.items() if key != "kind"} | {"title": title}
        house.file([ENTRY, row], {"in.pdf": documents.scan_pdf(), "out.pdf": documents.scan_pdf()})
        case = house.office.report(employment_ends_on=LAST_DAY)
        found = await house.check(case)
        assert {p["kind"]: p["state"] for p in found["papers"] if p["kind"] == "exit_pledge"} == {
            "exit_pledge": "missing"
        }
        assert "paper_unreadable" not in found["risk"]["reasons"]
        assert house.office.context.evidence is not None
        (letter,) = (p for p in found["papers"] if p["kind"] is None)
        assert letter["sha256"] is None
        assert letter["remedy"].startswith("If it is a confidentiality paper, name its kind")

    async def test_what_is_no_pledge_and_not_signed(self, hire: Hire) -> None:
        """Nobody is asked to have a letter signed whose kind cannot be told: it is to be named first."""
        house = hire()
        house.file(
            [MINE | {"id": "x", "file": "x.pdf", "title": "退職届", "status": "draft"}], {"x.pdf": documents.scan_pdf()}
        )
        found = await house.check(house.office.report(employment_ends_on=LAST_DAY))
        (letter,) = (p for p in found["papers"] if p["kind"] is None)
        assert (letter["state"], letter["remedy"][:35]) == ("unsigned", "If it is a confidentiality paper, n")

    @pytest.mark.parametrize(
        "by",
        [
            {"signer_name": "月 影子", "signer_email": "e2@example.test"},
            {"signer_employee_no": "E2"},
            {"signer_name": "月 影子", "signer_email": None},
            {"signer_email": "e1b@example.test"},
        ],
    )
    async def test_our_pledge_signed_by_another(self, make_office: MakeOffice, by: dict[str, str | None]) -> None:
        """Who was asked may pass the envelope on: what somebody else signed is not the leaver's pledge."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        signed(shelf, shelf.delivered[0], **by)
        await checking.check(registers, case.id)
        found = nda(office.context, case)
        assert states(found)["exit_pledge"] != "signed"
        assert [paper["paper"] for paper in found["not_accepted"]] == [f"shelf:{shelf.delivered[0]}"]

    async def test_our_pledge_signed_by_the_leaver(self, make_office: MakeOffice) -> None:
        """What the leaver signs is his however the register writes his name."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        signed(shelf, shelf.delivered[0], signer_name="Sorako HOSHI")
        await checking.check(registers, case.id)
        assert states(nda(office.context, case))["exit_pledge"] == "signed"

    @pytest.mark.parametrize(
        "odd",
        [
            {"completed": False, "declined_at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)},
            {"completed": False, "declined_at": datetime(1, 1, 1, tzinfo=UTC)},
            {"signed_on": date.max},
            {"signed_on": date.min},
            {"expires_on": date.min},
            {"title": "退職時誓約書\0\ud800"},
            {"details": {"problem": "\ud800"}},
        ],
    )
    async def test_beside_one_of_no_sense(self, make_office: MakeOffice, odd: dict[str, Any]) -> None:
        """What a stranger wrote into one paper blinds nobody to the others."""
        mine: dict[str, Any] = {"completed": True, "signer_employee_no": "E1"}
        shelf = Shelf(pledge_of("odd", **mine | odd), pledge_of("in", **mine, kind=PaperKind.ENTRY_PLEDGE))
        office = make_office()
        case = office.report()
        await checking.check(nda_context(office, shelf), case.id)
        judged = {one["paper"]: one["state"] for one in nda(office.context, case)["papers"] if one["paper"]}
        assert judged.keys() == {"shelf:odd", "shelf:in"}
        assert judged["shelf:in"] == "signed"

    async def test_one_that_breaks_its_judge(self, make_office: MakeOffice, monkeypatch: pytest.MonkeyPatch) -> None:
        """A paper that cannot be judged cannot be read; the others are judged."""

        def breaks(held: Held, *known: Any) -> list[Any]:
            if held.match.paper.id == "odd":
                raise OverflowError
            return remarks(held, *known)

        monkeypatch.setattr("casework.nda.judging.remarks", breaks)
        mine: dict[str, Any] = {"completed": True, "signer_employee_no": "E1"}
        shelf = Shelf(pledge_of("odd", **mine), pledge_of("in", **mine, kind=PaperKind.ENTRY_PLEDGE))
        office = make_office()
        case = office.report()
        await checking.check(nda_context(office, shelf), case.id)
        judged = {one["paper"]: one["state"] for one in nda(office.context, case)["papers"] if one["paper"]}
        assert judged == {"shelf:odd": "unreadable", "shelf:in": "signed"}

    async def test_our_own_blank_page(self, hire: Hire) -> None:
        """The page that we printed is signed by nobody, and comes back as no pledge; with the leaver's signature it is one."""
        house = hire()
        case = house.office.report(employment_ends_on=LAST_DAY)
        pledge = await pledging.send_pledge(house.nda_context, case.id, by="hr")
        blank = (house.folder / "outbox" / f"{pledge.paper_id}.pdf").read_bytes()
        house.file([EXIT], {"out.pdf": blank})
        found = await house.check(case)
        (filed,) = [one for one in found["papers"] if one["paper"] == "folder:out"]
        assert (filed["state"], found["pledge"]["state"]) == ("unsigned", "filed")
        assert filed["remedy"].startswith("File the signed sheet")
        house.file([EXIT], {"out.pdf": documents.signed("星 空子", body=blank)})
        found = await house.check(case)
        assert (states(found)["exit_pledge"], found["pledge"]["state"]) == ("signed", "returned")

    async def test_a_signature_of_the_end_of_time(self, hire: Hire) -> None:
        """The time that a signature claims is its signer's to choose: it blinds nobody to the other papers."""
        end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
        house = hire()
        files = {
            "out.pdf": documents.signed("星 空子", by=documents.claiming("星 空子", end)),
            "in.pdf": documents.scan_pdf(),
        }
        house.file([EXIT | {"signed_on": ""}, ENTRY], files)
        found = states(await house.check(house.office.report()))
        assert (found["entry_pledge"], found["exit_pledge"]) == ("signed", "unsigned")

    async def test_the_same_paper_in_two_registers(self, make_office: MakeOffice) -> None:
        """One scan that two registers hold under the same id is bound for each, however often they are asked."""
        office = make_office()
        one = Shelf(pledge_of("p", completed=True, signer_employee_no="E1"))
        two = Shelf(pledge_of("p", completed=True, signer_employee_no="E1", register="two"), name="two")
        case = office.report()
        for _ in range(2):
            await checking.check(nda_context(office, one, two), case.id)
        assert nda(office.context, case)["papers"][0]["state"] == "signed"

    async def test_more_than_are_opened(self, make_office: MakeOffice, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever decides is opened, the forty-first too; beyond the most of other kinds a paper is unreadable, since nobody has looked at its bytes."""
        monkeypatch.setattr(searching, "MOST_OTHERS", 1)
        office, mine = make_office(), {"completed": True, "signer_employee_no": "E1"}
        others = [pledge_of(f"{n}", kind=PaperKind.PROJECT_NDA, **mine) for n in (1, 2)]
        undated = pledge_of("undated", kind=None, title="秘密保持誓約書", signed_on=date(2026, 11, 27), **mine)
        shelf = Shelf(*others, pledge_of("exit", **mine), pledge_of("exit again", **mine), undated)
        case = office.report()
        await checking.check(nda_context(office, shelf), case.id)
        found = {p["paper"]: p for p in nda(office.context, case)["papers"] if p["paper"]}
        read_at_all = {name.removeprefix("shelf:") for name, paper in found.items() if paper["sha256"] is not None}
        assert read_at_all == {"1", "exit", "exit again", "undated"}
        assert (found["shelf:2"]["state"], "more than 1" in found["shelf:2"]["text"]) == ("unreadable", True)

    async def test_forty_of_other_kinds_are_opened(self, make_office: MakeOffice) -> None:
        """Forty project NDAs of one leaver, and all that decides: beyond them nothing is fetched, nor what waits for its signer."""
        office, mine = make_office(), {"completed": True, "signer_employee_no": "E1"}
        others = [pledge_of(f"nda {n:02}", kind=PaperKind.PROJECT_NDA, **mine) for n in range(43)]
        waiting = pledge_of("a waiting one", kind=PaperKind.PROJECT_NDA, signer_employee_no="E1")
        shelf = Shelf(waiting, *others, pledge_of("pledge", **mine))
        fetched: list[str] = []
        examined: list[bytes] = []

        async def examine(content: bytes) -> Examined:
            examined.append(content)
            return Examined("0" * 64, len(content), readable=True, altered=False, signatures=(), text="")

        async def fetch(paper_id: str) -> bytes:
            fetched.append(paper_id)
            return b"%PDF"

        shelf.fetch = fetch  # type: ignore[method-assign]  # to see what is fetched
        case = office.report()
        await checking.check(NdaContext(office.context, {"shelf": shelf}, examine=examine), case.id)
        assert sorted(fetched) == [*(f"nda {n:02}" for n in range(40)), "pledge"]
        assert len(examined) == len(fetched)
        found = {p["paper"]: p for p in nda(office.context, case)["papers"] if p["paper"]}
        unread = {name for name, paper in found.items() if "more than 40" in paper["text"]}
        assert unread == {f"shelf:nda {n}" for n in (40, 41, 42)}
        assert {found[name]["state"] for name in unread} == {"unreadable"}

    @pytest.mark.parametrize(
        ("said", "state"),
        [
            ({"details": {"problem": "expires_on cannot be read"}}, "unreadable"),
            ({"media_type": None}, "unreadable"),
            ({"signed_on": date(2026, 12, 2)}, "unsigned"),
            ({"signed_on": date(2026, 12, 1)}, "signed"),
        ],
    )
    async def test_what_the_register_says_is_doubtful(
        self, make_office: MakeOffice, said: dict[str, Any], state: str
    ) -> None:
        """What the register could not read of a paper, or bytes that it has not, or a day that lies ahead: it does not count as signed."""
        office = make_office()
        shelf = Shelf(pledge_of("p", completed=True, signer_employee_no="E1", **said))
        case = office.report()
        await checking.check(nda_context(office, shelf), case.id)
        assert of_kind(nda(office.context, case), "exit_pledge")["state"] == state

    async def test_declined_on_whose_day(self, make_office: MakeOffice) -> None:
        """Eight in the morning in Japan is the day before in Greenwich: who declined then did so on the day in Japan."""
        office = make_office()
        shelf = Shelf(pledge_of("p", signer_employee_no="E1", declined_at=datetime(2026, 11, 28, 23, tzinfo=UTC)))
        case = office.report()
        await checking.check(nda_context(office, shelf), case.id)
        assert "2026-11-29" in of_kind(nda(office.context, case), "exit_pledge")["text"]


class TestExchanged:
    async def test_after_the_first_look(self, hire: Hire) -> None:
        """A scan that somebody exchanges after it was seen is told, though no register knew its digest; both are kept."""
        house = hire()
        house.file([EXIT], {"out.pdf": documents.scan_pdf()})
        case = house.office.report()
        assert "seen at first" not in of_kind(await house.check(case), "exit_pledge")["text"]
        house.file([EXIT], {"out.pdf": documents.plain("another")})
        for _ in range(2):
            assert "seen at first" in of_kind(await house.check(case), "exit_pledge")["text"]
        assert house.office.context.evidence is not None
        assert len(house.office.context.evidence.list(case.id)) == 2

    async def test_whose_certificate(self, hire: Hire) -> None:
        """Whom the certificate names is said: a register's word is not the signature's."""
        house = hire()
        house.file([EXIT], {"out.pdf": documents.signed("Kageko Tsuki")})
        assert "names Kageko Tsuki" in of_kind(await house.check(house.office.report()), "exit_pledge")["text"]

    @pytest.mark.parametrize(
        "body", [documents.signed("Tanaka Misaki", at=FAR), documents.plain()], ids=["signed", "print"]
    )
    async def test_sealed_at_each_download(self, make_office: MakeOffice, tmp_path: Path, body: bytes) -> None:
        """A service seals the file anew whenever it is asked for: that is no exchange, and is told once; other words under a fresh seal are one."""
        office = make_office()
        async with rigging("docusign")(tmp_path, pledges=PLEDGES[1:2], clock=office.clock, seals=True) as rig:
            registers = NdaContext(office.context, {"docusign": rig.register}, examine=look_inside)
            ((envelope, _),) = rig.tenant.documents.items()
            rig.tenant.documents[envelope] = lambda: body
            case = office.report(employee_no="E1001", name="田中 美咲", email="misaki.tanaka@hoshizora.example")
            seen = []
            for _ in range(2):
                await checking.check(registers, case.id)
                seen.append(of_kind(nda(office.context, case), "exit_pledge"))
            assert {paper["state"] for paper in seen} == {"signed"}
            assert seen[0]["sha256"] != seen[1]["sha256"]
            assert "seen at first" not in seen[1]["text"]
            assert _told(office, case, "exit_pledge") == 1
            rig.tenant.documents[envelope] = lambda: documents.plain("I keep nothing.")
            await checking.check(registers, case.id)
            assert "seen at first" in of_kind(nda(office.context, case), "exit_pledge")["text"]
            assert _told(office, case, "exit_pledge") == 2

    async def test_sealed_at_each_download_is_kept_once(self, hire: Hire) -> None:
        """What differs in its seal alone is one paper, and kept once; other words under a seal are kept as well."""
        house = hire()
        case = house.office.report()
        kept = []
        one, other = documents.plain(), documents.plain("I keep nothing.")
        for body in (one, one, other):
            sealed = documents.signed("DocuSign, Inc.", body=body, field="Seal", stamped=True)
            house.file([EXIT], {"out.pdf": sealed})
            await house.check(case)
            assert house.office.context.evidence is not None
            kept.append(len(house.office.context.evidence.list(case.id, "nda/")))
        assert kept == [1, 1, 2]

    async def test_sealed_and_seen_by_an_earlier_version(self, hire: Hire) -> None:
        """A version before kept no digest of what lies under the seals: what it saw does not say that a file was exchanged, and what is seen since does."""
        house = hire()
        case = house.office.report()
        told = []
        one, other = documents.plain(), documents.plain("I keep nothing.")
        for body in (one, one, one, other):
            sealed = documents.signed("DocuSign, Inc.", body=body, field="Seal", stamped=True)
            house.file([EXIT], {"out.pdf": sealed})
            told.append("seen at first" in of_kind(await house.check(case), "exit_pledge")["text"])
            if len(told) == 1:
                with house.office.context.store.write() as session:
                    for row in session.exec(select(CasePaper)).all():
                        row.signatures = [{"kind": one["kind"], "signer": one["signer"]} for one in row.signatures]
        assert told == [False, False, False, True]


def _told(office: Office, case: Case, kind: str) -> int:
    """How often the trail tells of a paper of *kind*."""
    with office.context.store.read() as session:
        leaves = [read(entry.leaf) for entry in office.context.store.trail.entries(session.connection(), case.id)]
    return sum(leaf["type"] == "nda.checked" and leaf.get("kind") == kind for leaf in leaves)


class TestLoops:
    async def test_a_paper_that_came_back_altered(self, make_office: MakeOffice) -> None:
        """A pledge that came back and does not count is judged once; then rounds have their own hours."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        signed(shelf, shelf.delivered[0], sha256="0" * 64)
        for _ in range(5):
            office.clock.pass_by(minutes=16)
            await follow_up.follow_up_with(registers)
        assert states(nda(office.context, case))["exit_pledge"] == "altered"
        assert shelf.searches == 1

    async def test_a_paper_that_came_back_with_another_s_signature(self, make_office: MakeOffice) -> None:
        """What came back and is not the leaver's word is judged once as well, though it leaves the pledge unsigned."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        signed(shelf, shelf.delivered[0])
        shelf.content = documents.signed("月 影子", at=FAR)
        for _ in range(5):
            office.clock.pass_by(minutes=16)
            await follow_up.follow_up_with(registers)
        assert (states(nda(office.context, case))["exit_pledge"], shelf.searches) == ("unsigned", 1)

    async def test_one_case_that_breaks(self, make_office: MakeOffice) -> None:
        """A register that breaks in a way nobody foresaw stops no other case, is told, and is asked again later."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        first, second = (office.report(employee_no=number, employment_ends_on=LAST_DAY) for number in ("E1", "E2"))
        for case in (first, second):
            await checking.check(registers, case.id)
        office.clock.pass_by(days=2)
        shelf.breaks = True
        assert await follow_up.follow_up_with(registers) == 2
        for case in (first, second):
            assert nda(office.context, case)["state"] == "unreadable"
            assert "美咲" not in str(nda(office.context, case))
        assert await follow_up.follow_up_with(registers) == 0

    async def test_closed_while_the_register_was_down(self, make_office: MakeOffice) -> None:
        """What was unreadable at the close is looked for again, once a day, and is on record when it can be read."""
        office, shelf = make_office(), Shelf(pledge_of("p", completed=True, signer_employee_no="E1"))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        registers = nda_context(office, shelf)
        case = office.report()
        shelf.breaks = True
        office.clock.pass_by(hours=10)
        await checking.check(registers, case.id)
        await office.run(case.id)
        assert office.context.case(case.id).state == "closed"
        shelf.breaks = False
        office.clock.pass_by(hours=1)
        assert await follow_up.follow_up_with(registers) == 0
        office.clock.pass_by(hours=24)
        assert await follow_up.follow_up_with(registers) == 1
        assert states(nda(office.context, case))["exit_pledge"] == "signed"
        office.clock.pass_by(days=200)
        assert await follow_up.follow_up_with(registers) == 0

    async def test_thousands_of_exchanges(self, make_office: MakeOffice) -> None:
        """However many requests a look took, its event fits into the trail."""
        office, shelf = make_office(), Shelf(exchanges=3000)
        case = office.report()
        await checking.check(nda_context(office, shelf), case.id)
        assert nda(office.context, case)["looks"] == [
            {"register": "shelf", "found": 0, "problem": None, "remedy": None}
        ]

    async def test_refusal_then_a_signed_paper(self, make_office: MakeOffice) -> None:
        """Who declined and signs after all has signed; nobody is asked in between."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        rulings.refuse(office.context, case.id, witness="S", on=date(2026, 11, 30), by="hr")
        await checking.check(registers, case.id)
        assert states(nda(office.context, case))["exit_pledge"] == "refused"
        signed(shelf, shelf.delivered[0])
        office.clock.pass_by(days=2)
        assert await follow_up.follow_up_with(registers) == 1
        assert states(nda(office.context, case))["exit_pledge"] == "signed"
        assert shelf.reminded == []


class TestReminders:
    async def test_signed_elsewhere(self, hire: Hire) -> None:
        """Who has signed on paper is not reminded of the envelope any more."""
        house, shelf = hire(), Shelf()
        registers = replace(house.nda_context, registers={**house.nda_context.registers, "shelf": shelf})
        case = house.office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        house.file([EXIT], {"out.pdf": documents.scan_pdf()})
        await checking.check(registers, case.id)
        assert nda(house.office.context, case)["pledge"]["state"] == "returned"
        house.office.clock.pass_by(days=15)
        await follow_up.follow_up_with(registers)
        assert shelf.reminded == []

    async def test_rescheduled(self, make_office: MakeOffice) -> None:
        """Another last day has reminders of its own; a withdrawn departure has none."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        office.clock.pass_by(days=19)
        await follow_up.follow_up_with(registers)
        assert len(shelf.reminded) == 1
        moving.reschedule(office.context, case.id, ends_on=date(2027, 3, 31), last_working_at=None, by="hr")
        office.clock.pass_by(days=99)
        await follow_up.follow_up_with(registers)
        assert len(shelf.reminded) == 2
        moving.withdraw(office.context, case.id, by="hr", reason="stays")
        office.clock.pass_by(days=3)
        await follow_up.follow_up_with(registers)
        assert len(shelf.reminded) == 2

    async def test_two_sweeps(self, make_office: MakeOffice) -> None:
        """Two sweeps at once remind once."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        office.clock.pass_by(days=7)
        await asyncio.gather(*(follow_up.follow_up_with(registers) for _ in range(2)))
        assert len(shelf.reminded) == 1


class TestSending:
    async def test_two_at_once(self, make_office: MakeOffice) -> None:
        """A person and the sweep at the same time deliver one pledge, once."""
        office, shelf = make_office(), Shelf()
        asked = []
        shelf.before_sending = lambda: asked.append(1)
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        both = (pledging.send_pledge(registers, case.id, by=who) for who in ("hr", "policy"))
        await asyncio.gather(*both, follow_up.follow_up_with(registers))
        await follow_up.follow_up_with(registers)
        assert len(asked) == 1

    @pytest.mark.parametrize(("signed_on", "sent"), [(date(2021, 3, 31), 1), (date(2026, 11, 27), 0)])
    async def test_by_policy_to_who_came_back(self, make_office: MakeOffice, signed_on: date, sent: int) -> None:
        """The exit pledge of an earlier departure is none of this one: policy asks for another; it asks nobody who has signed."""
        office = make_office(Policy(nda=Nda(send=True)))
        shelf = Shelf(pledge_of("old", completed=True, signer_employee_no="E1", signed_on=signed_on))
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await checking.check(registers, case.id)
        await pledging.send_by_policy(registers, case.id)
        assert len(shelf.delivered) == sent

    @pytest.mark.parametrize(
        ("title", "sent"),
        [("退職時誓約書 営業部", 0), ("秘密保持誓約書", 0), ("雇用契約書", 1), ("入社時誓約書 営業部", 1)],
    )
    async def test_by_policy_beside_a_doubtful_one(self, make_office: MakeOffice, title: str, sent: int) -> None:
        """What may be the exit pledge by its title is named by a person first: nobody is asked to sign a second one by itself."""
        office = make_office(Policy(nda=Nda(send=True)))
        shelf = Shelf(pledge_of("p", kind=None, title=title, completed=True, signer_employee_no="E1"))
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await checking.check(registers, case.id)
        lacking = of_kind(nda(office.context, case), "exit_pledge")
        assert (lacking["state"], "1 doubtful" in lacking["text"]) == ("missing", sent == 0)
        await pledging.send_by_policy(registers, case.id)
        assert len(shelf.delivered) == sent

    async def test_killed_while_sending(self, make_office: MakeOffice) -> None:
        """After kill -9 nobody sends until the dead one's turn is over; then the same key is tried again."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        keys: list[str] = []

        def die() -> None:
            shelf.before_sending = lambda: keys.append("sent")
            raise Killed

        shelf.before_sending = die
        with pytest.raises(Killed):
            await pledging.send_pledge(registers, case.id, by="hr")
        pledge = await pledging.send_pledge(registers, case.id, by="hr")
        assert (pledge.state, keys) == ("intended", [])
        office.clock.pass_by(minutes=5)
        await follow_up.follow_up_with(registers)
        assert (nda(office.context, case)["pledge"]["state"], shelf.delivered) == ("sent", [pledge.key])

    async def test_what_was_sealed_is_what_is_sent(self, make_office: MakeOffice) -> None:
        """A case that changed before its pledge left: the sealed page is not sent with other words, somebody asks anew."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)

        def die() -> None:
            raise Killed

        shelf.before_sending = die
        with pytest.raises(Killed):
            await pledging.send_pledge(registers, case.id, by="hr")
        shelf.before_sending = lambda: None
        moving.reschedule(office.context, case.id, ends_on=date(2026, 12, 31), last_working_at=None, by="hr")
        office.clock.pass_by(minutes=16)
        await follow_up.follow_up_with(registers)
        assert (nda(office.context, case)["pledge"]["state"], shelf.delivered) == ("rejected", [])
        await pledging.send_pledge(registers, case.id, by="hr")
        assert len(shelf.delivered) == 1

    def test_nobody_guesses_a_digest(self, office: Office, tmp_path: Path) -> None:
        """The same words at the same instant have another digest: who knows the words cannot find the leaf."""
        case = office.report(employment_ends_on=LAST_DAY)
        made = set()
        for name in ("a.pdf", "b.pdf"):
            office.clock.at = FAR
            pledge = pledging.write_pledge(office.context, case.id, tmp_path / name, by="hr")
            made.add(pledge.sha256)
            with office.context.store.write() as session:
                session.delete(pledge)
        assert len(made) == 2

    def test_a_file_that_cannot_be_written(self, office: Office, tmp_path: Path) -> None:
        """A folder that is not there: nothing was asked for; another person's file is not overwritten."""
        case = office.report(employment_ends_on=LAST_DAY)
        with pytest.raises(OSError, match="No such file"):
            pledging.write_pledge(office.context, case.id, tmp_path / "none" / "a.pdf", by="hr")
        assert nda(office.context, case)["pledge"]["state"] == "rejected"
        mine = tmp_path / "thesis.pdf"
        mine.write_bytes(b"years of work")
        with pytest.raises(BadRequest, match="exists"):
            pledging.write_pledge(office.context, case.id, mine, by="hr")
        assert mine.read_bytes() == b"years of work"


class TestErased:
    async def test_nothing_is_looked_for_or_written(self, make_office: MakeOffice, tmp_path: Path) -> None:
        """An erased case stays empty: nobody looks for documents, follows pledges or records anything personal of it."""
        office, shelf = make_office(Policy(nda=Nda(signing_days=400))), Shelf()
        registers = nda_context(office, shelf)
        context = office.context
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        moving.withdraw(context, case.id, by="hr", reason="r")
        request = erasing.request_erasure(context, case.id, by="it.lead", basis="retention")
        waiving.approve(context, request.id, by="ciso.yamada")
        erasing.erase(context, case.id)
        with context.store.write() as session:
            row = session.get_one(Case, case.id)
            row.state = row.state.__class__.CLOSED  # whatever state it was erased in
            session.add(row)
        office.clock.pass_by(days=20)
        await follow_up.follow_up_with(registers)
        await checking.check(registers, case.id)
        assert shelf.searches == 0
        verbs: Sequence[Callable[[], object]] = (
            lambda: rulings.refuse(context, case.id, witness="S", on=date(2026, 11, 30), by="hr"),
            lambda: rulings.rule(context, case.id, "shelf:p", theirs=True, reason="r", by="hr"),
            lambda: rulings.answer(context, case.id, TradeSecretTest.USEFULNESS, "secret", by="legal"),
            lambda: pledging.write_pledge(context, case.id, tmp_path / "p.pdf", by="hr"),
        )
        for verb in verbs:
            with pytest.raises(BadRequest, match="erased"):
                verb()


class TestMisread:
    async def test_number_of_another(self, make_office: MakeOffice) -> None:
        """The leaver's address with another employee number is doubtful, the leaver's name with another number is a namesake."""
        office = make_office()
        shelf = Shelf(
            pledge_of("a", completed=True, signer_email="e1@example.test", signer_employee_no="E2", signer_name=None),
            pledge_of("b", completed=True, signer_employee_no="E2"),
        )
        case = office.report()
        await checking.check(nda_context(office, shelf), case.id)
        found = nda(office.context, case)
        assert states(found)["exit_pledge"] == "missing"
        assert {p["paper"]: p["reason"] for p in found["not_accepted"]} == {
            "shelf:a": MatchReason.EMAIL, "shelf:b": MatchReason.DIFFERENT_PERSON,
        }  # fmt: skip
        assert "1 doubtful" in of_kind(found, "exit_pledge")["text"]
