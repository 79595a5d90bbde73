"""Papers that are not what they seem: of another kind or person, without sense, exchanged after they were seen."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from audit.leaf import read
from casework.nda import checking, pledging, searching
from casework.nda.facts import remarks
from casework.nda.papers.examination import Examination
from casework.nda.registers import NdaContext
from casework.nda.signers import HeldPaper
from emulators import documents
from emulators.pledges import PLEDGES
from models.tables import Case, CasePaper
from models.vocabulary import MatchReason, PaperKind
from tests.casework.conftest import Office
from tests.casework.registers import (
    ENTRY,
    EXIT,
    FAR,
    LAST_DAY,
    MINE,
    Hire,
    MakeOffice,
    Shelf,
    look_inside,
    nda,
    nda_context,
    of_kind,
    pledge_of,
    signed,
    states,
)
from tests.contract.nda.rig import rigging


def _told(office: Office, case: Case, kind: str) -> int:
    """How often the trail tells of a paper of *kind*."""
    with office.context.store.read() as session:
        leaves = [read(entry.leaf) for entry in office.context.store.trail.entries(session.connection(), case.id)]
    return sum(leaf["type"] == "nda.checked" and leaf.get("kind") == kind for leaf in leaves)


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

        def breaks(held: HeldPaper, *known: Any) -> list[Any]:
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

        async def examine(content: bytes) -> Examination:
            examined.append(content)
            return Examination("0" * 64, len(content), readable=True, altered=False, signatures=(), text="")

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
