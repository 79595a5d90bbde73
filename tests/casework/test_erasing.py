"""Personal data of an ended case is removed; what the record proves stays."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import JSON, LargeBinary, String, TypeDecorator, event
from sqlmodel import select

from audit.verify import verify
from casework.access.rechecking import collect_again, look_again
from casework.decisions import signatures as waiving
from casework.erasure import erasing
from casework.erasure.redaction import KEPT, case_tables
from casework.errors import BadRequest, EvidenceLocked
from casework.matching.searching import find_everywhere
from casework.record.exporting import export
from connectors.activity import UnreadSpan
from models.tables import Case, Search
from models.vocabulary import Leaver, Match
from tests.casework.conftest import Office
from tests.casework.leaving import LABEL, PERSONAL, export_office, finished
from tests.casework.ledger import Ledger
from tests.casework.shown import show


def dump(office: Office) -> str:
    """Return every value of every table as text."""
    with office.context.store.read() as session:
        connection = session.connection()
        names = [row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        values = [v for name in names for row in connection.exec_driver_sql(f"SELECT * FROM {name}") for v in row]  # noqa: S608  # our own tables' names
    return "\n".join(legible(value) for value in values)


def legible(value: object) -> str:
    """Return a stored value as a reader would see it: bytes decoded, JSON with its characters."""
    text = value.decode(errors="ignore") if isinstance(value, bytes) else str(value)
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return text


def on_disk(folder: Path) -> list[str]:
    """Return the personal words that still lie in the database's files, journals and free pages included."""
    raw = b"".join(path.read_bytes() for path in folder.glob("case.db*"))
    return [w for w in PERSONAL if w.encode() in raw or json.dumps(w)[1:-1].encode() in raw]


def approved(office: Office, case_id: str, basis: str = "retention") -> None:
    request = erasing.request_erasure(office.context, case_id, by="it.lead", basis=basis)
    waiving.approve(office.context, request.id, by="ciso.yamada")


class TestErasure:
    async def test_leaves_nothing_personal_and_every_proof(self, office: Office, tmp_path: Path) -> None:
        """
        After an erasure no table, no page and no file of a new bundle holds anything of the person; the old bundle still
        verifies, the new one does, and its certificate names the former.
        """
        case = await finished(office)
        context = office.context
        with export_office(office, tmp_path / "outside") as there:
            trust = tmp_path / "outside" / "trust"
            first = export(context, there, case.id, tmp_path / "before", by="auditor")
            office.clock.at = datetime.now(UTC)
            before = dump(office)
            assert [word for word in PERSONAL if word not in before] == []
            approved(office, case.id)
            root = context.store.trail.root
            with context.store.read() as session:
                size = context.store.trail.size(session.connection())
                head = root(session.connection(), size)
            assert erasing.erase(context, case.id) > 0
            with context.store.read() as session:
                assert root(session.connection(), size) == head
                assert context.store.trail.check(session.connection()).sound
            left = dump(office)
            signers = {"it.lead", "ciso.yamada"}  # who signed for the erasure answers for it
            assert [word for word in PERSONAL if word in left and word not in signers] == []
            assert [word for word in on_disk(tmp_path) if word not in signers] == []
            second = export(context, there, case.id, tmp_path / "after", by="auditor")
            assert second.claim.former is not None
            assert (second.claim.revision, second.claim.former.sha256) == (2, first.sha256)
            for folder in ("before", "after"):
                report = verify(tmp_path / folder, trust)
                assert report.sound, report
            held = b"".join(path.read_bytes() for path in (tmp_path / "after").rglob("*") if path.is_file()).decode(
                errors="ignore"
            )
            assert [word for word in PERSONAL if word in held and word not in signers] == []
            assert "個人データは消去" in (tmp_path / "after" / "record.html").read_text("utf-8")
            assert len(list((tmp_path / "after" / "payloads").glob("*.salt"))) < 5

    async def test_twice_and_then_nobody_works_on_it(self, office: Office) -> None:
        """Erasing again changes nothing; later looks, a waiver that ends and a run by hand leave an erased case alone."""
        case = await finished(office)
        approved(office, case.id, basis="the person asked us on paper")
        erasing.erase(office.context, case.id)
        assert erasing.erase(office.context, case.id) == 0
        shown = show(office.context, case.id)
        assert shown["erased_at"] is not None
        assert shown["departure"]["name"] == ""
        assert {look["verdict"] for look in shown["looks"]} == {"erased"}
        with pytest.raises(BadRequest, match="erased"):
            await office.run(case.id)
        office.clock.pass_by(days=400)
        report = await look_again(office.context)
        assert (report["looked"], report["reopened"]) == ([], [])
        assert office.context.case(case.id).state == "closed"

    async def test_a_journal_that_cannot_be_emptied(self, office: Office, tmp_path: Path) -> None:
        """While somebody reads older pages the journal keeps them: that is said, and the next erasure empties it."""
        case = await finished(office)
        approved(office, case.id)
        engine = office.context.store.engine
        engine.dispose()
        event.listen(engine, "connect", lambda found, _: found.execute("PRAGMA busy_timeout = 100").close())
        with office.context.store.read() as session:
            session.get_one(Case, case.id)
            with pytest.raises(EvidenceLocked, match="journal"):
                erasing.erase(office.context, case.id)
            assert LABEL in on_disk(tmp_path)
        assert erasing.erase(office.context, case.id) == 0
        assert LABEL not in on_disk(tmp_path)

    async def test_what_lay_in_free_pages(self, office: Office, tmp_path: Path) -> None:
        """What another program left in free pages, before anything was overwritten there, is gone too."""
        with contextlib.closing(sqlite3.connect(tmp_path / "case.db")) as careless:
            careless.execute("PRAGMA secure_delete = OFF")
            careless.execute("CREATE TABLE scratch (said TEXT)")
            careless.executemany("INSERT INTO scratch VALUES (?)", [(LABEL * 50,)] * 1_000)
            careless.execute("DROP TABLE scratch")
            careless.commit()
        case = await finished(office)
        assert LABEL in on_disk(tmp_path)
        approved(office, case.id)
        erasing.erase(office.context, case.id)
        assert LABEL not in on_disk(tmp_path)

    async def test_a_file_that_cannot_be_rewritten(self, office: Office) -> None:
        """While somebody writes, the file keeps its free pages: that is said, and the same again rewrites it."""
        case = await finished(office)
        approved(office, case.id)
        erasing.erase(office.context, case.id)
        engine = office.context.store.engine
        engine.dispose()
        event.listen(engine, "connect", lambda found, _: found.execute("PRAGMA busy_timeout = 100").close())
        with office.context.store.write(), pytest.raises(EvidenceLocked, match="could not be rewritten"):
            erasing._forget_journal(office.context)
        assert erasing.erase(office.context, case.id) == 0

    async def test_a_search_that_failed(self, office: Office) -> None:
        """That a search failed is kept, and not the sentence, which may name an account by the vendor's id."""
        case = await finished(office)
        with office.context.store.write() as session:
            search = session.exec(select(Search).where(Search.case_id == case.id)).one()
            search.problem, search.remedy = "google_workspace: cannot read user leaver-g1", "Look at leaver-g1."
            session.add(search)
        approved(office, case.id)
        erasing.erase(office.context, case.id)
        assert "leaver-g1" not in dump(office)
        assert [one["problem"] for one in show(office.context, case.id)["searches"]] == ["erased"]

    async def test_while_a_look_is_under_way(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """What a search brings that was sent before the erasure and is answered after it, is not kept."""
        case_id, find, let = (await finished(office)).id, office.paper.find_accounts, asyncio.Event()

        async def late(leaver: Leaver) -> list[Match]:
            found = await find(leaver)
            await let.wait()
            return found

        monkeypatch.setattr(office.paper, "find_accounts", late)
        looking = asyncio.ensure_future(find_everywhere(office.context, case_id))
        await asyncio.sleep(0.1)
        approved(office, case_id)
        erasing.erase(office.context, case_id)
        let.set()
        with pytest.raises(BadRequest, match="was erased"):
            await looking
        assert [word for word in PERSONAL if word in dump(office)] == []

    async def test_refusals(self, office: Office) -> None:
        """A case under way, one under a legal hold, and one without a second person are not erased."""
        case = await finished(office)
        context = office.context
        open_case = office.report(employee_no="E9", name="別 人")
        with pytest.raises(BadRequest, match="cannot erase a case that is open"):
            erasing.request_erasure(context, open_case.id, by="a", basis="retention")
        with pytest.raises(BadRequest, match="second person"):
            erasing.erase(context, case.id)
        erasing.request_erasure(context, case.id, by="a", basis="retention")
        with pytest.raises(BadRequest, match="second person"):
            erasing.erase(context, case.id)
        request = erasing.request_erasure(context, case.id, by="b", basis="order")
        with pytest.raises(BadRequest, match="same person"):
            waiving.approve(context, request.id, by="A ")
        erasing.hold(context, case.id, by="legal", reason="matter 7")
        waiving.approve(context, request.id, by="b")
        with pytest.raises(BadRequest, match="legal hold"):
            erasing.erase(context, case.id)
        erasing.release_hold(context, case.id, by="legal", reason="settled")
        assert erasing.erase(context, case.id) > 0
        with context.store.read() as session:
            assert session.exec(select(Case).where(Case.id == case.id)).one().erased_at is not None


class TestStatements:
    async def test_keep_counts_and_no_sentence_of_the_vendor(self, logged: Office) -> None:
        """Of a log's statement the words, times and counts are kept; what the vendor's sentence says of the account is not."""
        assert isinstance(logged.paper, Ledger)
        logged.paper.gaps = (UnreadSpan("plan", "the log tells nothing of account g-hoshizora"),)
        case = logged.report()
        logged.clock.pass_by(hours=10)
        await logged.run(case.id)
        await collect_again(logged.context)
        assert "g-hoshizora" in dump(logged)
        approved(logged, case.id)
        erasing.erase(logged.context, case.id)
        assert "g-hoshizora" not in dump(logged)
        [source] = show(logged.context, case.id)["downloads"]["sources"]
        assert (source["pages"], source["text"]) == (1, "partial because the tenant's plan shows only a part")
        assert source["account"].startswith("acct-")


class TestEveryTable:
    @staticmethod
    def texts() -> list[tuple[str, str, bool]]:
        found = []
        for table, _ in case_tables():
            for column in table.c:
                stored = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
                assert not isinstance(stored, LargeBinary) or column.name == "wrapped", f"{table.name}.{column.name}"
                if isinstance(stored, (String, JSON)) and getattr(stored, "enums", None) is None:
                    found.append((table.name, column.name, column.primary_key))
        return found

    def test_a_text_in_a_key_is_ours_or_is_renamed(self) -> None:
        """A text that is part of a primary key cannot be emptied: it is a reference of ours, or gets a new name."""
        renamed = {
            ("entitlement", "id"), ("finding", "key"), ("activity_aftermath", "account_id"), ("kind_read", "account_id"),
            ("comeback", "account_id"),
        }  # fmt: skip
        keys = {(table, name) for table, name, key in self.texts() if key and name not in {"case_id", "connection"}}
        assert keys - renamed <= {(table, name) for table, names in KEPT.items() for name in names}

    def test_what_is_kept_exists(self) -> None:
        """No line of the list outlives its column."""
        there = {(table, name) for table, name, _ in self.texts()}
        assert {(table, name) for table, names in KEPT.items() for name in names} <= there
