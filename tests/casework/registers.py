"""Registers of papers for the rules of casework: a real folder of real PDFs, and one in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from audit.leaf import read
from casework.context import Context
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.intake.csv_file import read_csv
from casework.intake.submission import open_cases
from casework.nda import checking
from casework.nda.papers.examination import Examination
from casework.nda.papers.examining import examine, read_roots
from casework.nda.registers import NdaContext
from casework.policy import Policy
from connectors.nda.contract import FoundPapers, Paper, SentPledge
from connectors.nda.folder import FolderRegister
from connectors.nda.matching import match_papers
from emulators import documents
from emulators.nda_folder import write_folder
from models.tables import Case
from models.vocabulary import Evidence, Leaver, PaperKind
from tests.casework.shown import show

if TYPE_CHECKING:
    from tests.casework.conftest import Office

MakeOffice: TypeAlias = "Callable[..., Office]"
MINE = {"signer_name": "星 空子", "signer_employee_no": "E1", "survives": "yes"}
ENTRY = MINE | {"id": "in", "file": "in.pdf", "kind": "entry_pledge", "signed_on": "2020-04-01"}
EXIT = MINE | {"id": "out", "file": "out.pdf", "kind": "exit_pledge", "signed_on": "2026-11-27"}
RULES = {"id": "rules", "kind": "work_rules", "title": "就業規則 第42条"}
Rows = list[dict[str, str]]
LAST_DAY = "2026-12-20"
FAR = datetime(2026, 11, 30, 6, tzinfo=UTC)
SIGNED_AT = datetime(2026, 11, 27, 3, tzinfo=UTC)


async def look_inside(content: bytes) -> Examination:
    """Examine in a thread: a process for each paper would cost a second."""
    return await asyncio.to_thread(examine, content, read_roots(documents.pki().roots))


@dataclass
class Personnel:
    """The office with a folder of papers."""

    office: Office
    nda_context: NdaContext
    folder: Path

    def file(self, rows: Rows, files: Mapping[str, bytes]) -> None:
        write_folder(self.folder, rows, files)

    async def check(self, case: Case) -> dict[str, Any]:
        await checking.check(self.nda_context, case.id)
        return self.shown(case)

    def shown(self, case: Case) -> dict[str, Any]:
        nda: dict[str, Any] = show(self.office.context, case.id)["nda"]
        return nda

    def leaves(self, case: Case, prefix: str) -> list[dict[str, Any]]:
        trail = self.office.context.store.trail
        with self.office.context.store.read() as session:
            found = [read(entry.leaf) for entry in trail.entries(session.connection(), case.id)]
        return [leaf for leaf in found if leaf["type"].startswith(prefix)]


Hire = Callable[..., Personnel]


@pytest.fixture
def hire(make_office: MakeOffice, tmp_path: Path) -> Hire:
    def build(policy: Policy | None = None, **registers: Any) -> Personnel:
        office = make_office(policy)
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        store = EvidenceStore(
            office.context.store, tmp_path / "evidence", KeyFile(tmp_path / "keys" / "e.key", lambda: True)
        )
        office.context = replace(office.context, evidence=store)
        folder = write_folder(tmp_path / "nda", [], {})
        shelves = registers or {"folder": FolderRegister(folder)}
        return Personnel(office, NdaContext(office.context, shelves, examine=look_inside), folder)

    return build


def states(nda: Mapping[str, Any]) -> dict[str, str]:
    return {paper["kind"]: paper["state"] for paper in nda["papers"]}


def joined_case(house: Personnel, joined: str | None) -> Case:
    """The case of somebody of whom HR says when they came."""
    notice = f"社員番号,氏名,メールアドレス,退職日,区分,入社年月日\nE1,星 空子,e1@example.test,2026-11-30,自己都合,{joined or ''}\n"
    intake = open_cases(house.office.context, read_csv(notice.encode()), reported_by="hr", for_real=True)
    return intake.opened[0].case


def of_kind(nda: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(paper for paper in nda["papers"] if paper["kind"] == kind)
    return found


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

    async def find_papers(self, leaver: Leaver) -> FoundPapers:
        self.searches += 1
        if self.breaks:
            raise RuntimeError("田中 美咲")
        seen = Evidence("GET /x", FAR, FAR, 200, None, None, "0" * 64)
        return FoundPapers(match_papers(leaver, self.held.values()), (seen,) * self.exchanges)

    async def look_up(self, paper_id: str) -> Paper | None:
        return self.held.get(paper_id)

    async def fetch(self, paper_id: str) -> bytes:
        return self.content

    async def send(self, pledge: bytes, leaver: Leaver, *, title: str, key: str) -> SentPledge:
        self.before_sending()
        await asyncio.sleep(0)
        if key not in self.delivered:  # no register of ours delivers twice under one key, once it has heard of it
            await asyncio.sleep(0)
            self.delivered.append(key)
        self.held.setdefault(key, pledge_of(key, signer_email=leaver.email))
        return SentPledge(self.name, key, FAR, ())

    async def find_sent(self, key: str) -> SentPledge | None:
        return SentPledge(self.name, key, FAR, ()) if key in self.delivered else None

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
