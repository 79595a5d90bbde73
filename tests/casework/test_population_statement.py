"""A population's statement, held against the log by whoever was given it: what its author hides or moves is named."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from audit import certificate
from audit.appending import EventDraft
from audit.commitment import CommittedPerson
from audit.events import EventType
from audit.export import export as export_log
from audit.leaf import Event, canonical
from audit.verify.population import ENDING, PREDICATE, StatementReport, verify_population
from casework.decisions.signatures import approve
from casework.erasure import erasing
from casework.errors import BadRequest
from casework.intake.moving import reschedule, withdraw
from casework.population import counting
from casework.record.exporting import ExportConfig as Export
from casework.record.exporting import stamper
from cli.app import main
from portal import population as sheets
from tests.audit.outside_bundle import JQ, PAGE, blocks
from tests.casework.conftest import Office
from tests.casework.leaving import export_office, finished

PERIOD = date(2026, 1, 1), date(2026, 12, 31)
CONTROLS = Path(__file__).parents[2] / "docs" / "controls.md"
Forge = Callable[[dict[str, Any]], object]


@dataclass
class House:
    """An office with a closed case, one under way, one withdrawn, a leave, and one of next year; *folder* holds what an auditor is given."""

    office: Office
    outside: Export
    folder: Path
    closed: str
    open: str
    leave: str
    later: str

    @property
    def sheet(self) -> Path:
        return self.folder / "population.csv"

    def state(
        self, forge: Forge | None = None, cells: Callable[[str], str] = str, *, tell: bool = True
    ) -> StatementReport:
        """Draw the population up, as whoever holds all keys would with *forge*; hold it against the log."""
        context = self.office.context
        found = counting.count(context, *PERIOD)
        former = counting.former(context, found)
        written = cells(sheets.sheet(found).decode()).encode()
        raw = sheets.attest(found, "population.csv", written, self.outside.signer, stamper(self.outside.berth), former)
        if forge is not None:
            raw = self._forged(raw, forge)
        if tell:
            counting.tell(context, found, by="auditor", statement=raw, after=former)
        self.sheet.write_bytes(written)
        self.sheet.with_name(self.sheet.name + ENDING).write_bytes(raw)
        return self.proved()

    def proved(self) -> StatementReport:
        with self.office.context.store.read() as session:
            export_log(session.connection(), self.outside.berth.signers[0], self.folder / "log")
        return verify_population(self.sheet, self.folder / "log", self.folder / "trust")

    def _forged(self, raw: bytes, forge: Forge) -> bytes:
        payload, *_ = certificate.open_statement(raw, (self.outside.signer.public_key,))
        said = json.loads(payload)
        forge(said["predicate"])
        return certificate.seal(canonical(said), self.outside.signer, stamper(self.outside.berth))

    def documented(self) -> int:
        """Run the lines of docs/controls.md where the auditor's files lie."""
        (lines,) = re.findall(
            r"^```bash population [^\n]*\n(.*?)^```", CONTROLS.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
        script = f"{blocks(PAGE.read_text('utf-8'))[0]}\n{lines}"
        ran = subprocess.run(["bash", "-c", script], cwd=self.folder, capture_output=True, text=True, check=False)
        return ran.returncode


@pytest.fixture
async def house(office: Office, tmp_path: Path) -> Any:
    closed = await finished(office)
    under_way = office.report(employee_no="E2", employment_ends_on="2026-12-20")
    gone = office.report(employee_no="E3", employment_ends_on="2026-12-21")
    withdraw(office.context, gone.id, by="hr", reason="stays")
    leave = office.report(employee_no="E4", employment_ends_on="2026-12-22", kind="continued")
    later = office.report(employee_no="E5", employment_ends_on="2027-02-28")
    reschedule(office.context, later.id, ends_on=date(2027, 3, 31), last_working_at=None, by="hr")
    with export_office(office, tmp_path / "outside") as outside:
        shutil.copytree(tmp_path / "outside" / "trust", tmp_path / "trust")
        yield House(office, outside, tmp_path, closed.id, under_way.id, leave.id, later.id)


def one(said: dict[str, Any], case: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in (*said["cases"], *said["others"]) if one["case"] == case)
    return found


def drop(said: dict[str, Any], case: str) -> None:
    for key in ("cases", "others"):
        said[key] = [listed for listed in said[key] if listed["case"] != case]


def put_aside(said: dict[str, Any], case: str, **changed: Any) -> None:
    """Move a case among those outside the period."""
    moved = one(said, case)
    drop(said, case)
    said["others"].append(
        {
            "case": case,
            "day": moved["day"],
            "salt": moved["salt"],
            "person": moved.get("person", "0" * 64),
        }
        | changed
    )
    said["tie_out"] |= {"cases": len(said["cases"]), "notified": len(said["cases"])}


def digest_of(said: dict[str, Any]) -> str:
    return CommittedPerson(said["company"], said["employee_no"], said["name"], said["person_salt"]).sha256


FORGERIES: dict[str, tuple[Callable[[House], Forge], str, str]] = {
    "hidden": (lambda h: lambda said: drop(said, h.open), "open", "it is hidden: line "),
    "hidden on another day": (lambda h: lambda said: put_aside(said, h.open, day="2027-01-01"), "open", "person and last day are not those"),
    "its day moved": (lambda h: lambda said: one(said, h.open).update(day="2026-12-19"), "open", "person and last day are not those"),
    "another person": (lambda h: lambda said: one(said, h.open).update(employee_no="e9"), "open", "person and last day are not those"),
    "called a leave": (lambda h: lambda said: one(said, h.open).update(kind="continued"), "open", "kind: continued as stated, resignation in the log"),
    "a leave called a departure": (lambda h: lambda said: said["cases"].append(one(said, h.leave) | {"kind": "resignation", "state": "closed", "notices": 1, "closed_at": None, "seen_closed": True}), "leave", "its place is outside the period"),
    "its state": (lambda h: lambda said: one(said, h.open).update(state="closed"), "open", "state: closed as stated, "),
    "its notices": (lambda h: lambda said: one(said, h.open).update(notices=2), "open", "notices: 2 as stated, 1 in the log"),
    "seen closed": (lambda h: lambda said: one(said, h.open).update(seen_closed=True), "open", "seen closed as stated; in the log it is not"),
    "closed sooner": (lambda h: lambda said: one(said, h.closed).update(closed_at="2026-11-30T00:00:00.000Z"), "closed", "closed_at: 2026-11-30T00:00:00.000Z as stated"),
    "listed twice": (lambda h: lambda said: said["others"].append(one(said, h.later)), "later", "it is listed twice"),
    "invented": (lambda h: lambda said: said["cases"].append(one(said, h.open) | {"case": "case-00000000000000ff"}), "case-00000000000000ff", "no line of the log"),
    "not opened": (lambda h: lambda said: one(said, h.open).pop("salt"), "open", "the statement does not open its commitment"),
    "another person beside the digest of the true one": (lambda h: lambda said: one(said, h.open).update(person=digest_of(one(said, h.open)), employee_no="e9", name="x"), "open", "person and last day are not those"),
    "nothing to explain": (lambda _: lambda said: said.update(differences=[], ties=True) or said["tie_out"].update(differences=0), "open", "it is not seen closed, and no difference explains it"),
    "it ties": (lambda _: lambda said: said.update(ties=True), "tie-out", "it ties as stated, over differences"),
    "one difference fewer": (lambda _: lambda said: said["differences"].pop(), "tie-out", "differences: "),
    "a sample of its own": (lambda h: lambda said: said.update(sample={"size": 1, "seed": "x", "method": "", "cases": [h.closed, h.open]}), "sample", "seed and size draw other cases"),
    "a figure of its own": (lambda _: lambda said: said["tie_out"].update(compliant=3), "tie-out", "compliant: 3 as stated"),
    "no row of HR's": (lambda _: lambda said: said.update(hr_extract={"sha256": "0" * 64, "rows": 0, "in_period": 0, "unreadable": 0}, differences=[], ties=True) or said["tie_out"].update(hr_extract=0, differences=0), "tie-out", "hr_extract: 0 rows as stated, 3 cases"),
    "fifty rows of HR's": (lambda _: lambda said: said.update(hr_extract={"sha256": "0" * 64, "rows": 50, "in_period": 50, "unreadable": 0}, differences=[], ties=True) or said["tie_out"].update(hr_extract=50, differences=0), "tie-out", "hr_extract: 50 rows as stated, 3 cases"),
    "no column of the kind": (lambda _: lambda said: said.update(kind_column=3), "population.csv.sigstore.json", "it lacks a field of a statement"),
    "a head before everything": (lambda _: lambda said: said["log"].update(size=0, root=""), "entries.jsonl", "the statement's head is no earlier state"),
    "a head beyond the log": (lambda _: lambda said: said["log"].update(size=10**9, root=""), "entries.jsonl", "the statement's head is no earlier state"),
    "a count": (lambda _: lambda said: said["tie_out"].update(seen_closed=4), "tie-out", "seen_closed: 4 as stated, 1 listed"),
    "no statement": (lambda _: lambda said: said.pop("cases"), "population.csv.sigstore.json", "it lacks a field of a statement"),
}  # fmt: skip
"""What the holder of all keys states, and of which case it is said what."""


ONLY_OURS = {
    "a leave called a departure", "nothing to explain", "a sample of its own", "no column of the kind", "a head before everything", "a head beyond the log",
}  # fmt: skip
"""What the documented lines do not see, as docs/controls.md says."""


class TestForged:
    @pytest.mark.parametrize("what", FORGERIES)
    def test_is_named(self, house: House, what: str) -> None:
        """With the certificate's key and an authority's stamp on it: the case is named and what is wrong with it; the documented lines fail too."""
        forge, case, words = FORGERIES[what]
        found = house.state(forge(house))
        subject = getattr(house, case, case)
        assert any(wrong.subject == subject and wrong.what.startswith(words) for wrong in found.wrong), found.wrong
        if JQ and what not in ONLY_OURS:
            assert house.documented() != 0

    def test_an_older_head(self, house: House) -> None:
        """A case that was reopened since is stated closed, about the head before that, days later: the log went on meanwhile."""
        context = house.office.context
        before = counting.count(context, *PERIOD)
        house.office.clock.pass_by(hours=3)
        house.office.report(employee_no="E8", employment_ends_on="2026-12-23")
        former = counting.former(context, before)
        sheet = sheets.sheet(before)
        raw = sheets.attest(before, "population.csv", sheet, house.outside.signer, stamper(house.outside.berth), former)
        house.office.clock.pass_by(hours=3)
        counting.tell(context, before, by="auditor", statement=raw, after=former)
        house.sheet.write_bytes(sheet)
        house.sheet.with_name(house.sheet.name + ENDING).write_bytes(raw)
        found = house.proved()
        assert [wrong.what.partition(":")[0] for wrong in found.wrong] == ["its head is older than it"]
        if JQ:
            assert house.documented() != 0

    @pytest.mark.parametrize("how", ["opened again", "erased"])
    def test_a_leaf_that_lastday_never_writes(self, house: House, how: str) -> None:
        """A second opening, as a leave, and an erasure of a case under way excuse nobody."""
        again = Event(EventType.CASE_OPENED, house.open, "svc:worker-1", {"kind": "leave"})
        erased = Event(EventType.PAYLOAD_ERASED, house.open, "svc:worker-1", {"idx": [0], "basis": "request"})
        with house.office.context.store.write() as session:
            house.office.context.store.tell(session, EventDraft(again if how == "opened again" else erased))

        def aside(stated: dict[str, Any]) -> None:
            put_aside(stated, house.open)
            one(stated, house.open).pop("salt")

        found = house.state(aside)
        assert any(wrong.subject == house.open and wrong.what.startswith("line ") for wrong in found.wrong)

    def test_an_overdue_leaver_who_is_put_off(self, house: House) -> None:
        """Who was moved out of the period after the instant had passed is noted, whoever moved the day."""
        case = house.office.report(employee_no="E8", employment_ends_on=str(house.office.clock.at.date()))
        house.office.clock.pass_by(hours=60)
        reschedule(house.office.context, case.id, ends_on=date(2027, 3, 31), last_working_at=None, by="hr")
        found = house.state()
        assert found.wrong == []
        assert any(note.startswith(f"{case.id}: line ") and "after its instant" in note for note in found.notes)

    def test_headings_twice(self, house: House) -> None:
        """A second column of the same heading is read otherwise by everybody."""
        found = house.state(
            None, lambda sheet: sheet.replace("state,", "state,state,", 1).replace("waiting,", "closed,waiting,")
        )
        assert [wrong.subject for wrong in found.wrong] == ["sheet"]

    @pytest.mark.parametrize(
        "predicate",
        [[], "x", {}, {"log": []}, {"log": {"size": "x"}}, {"log": {"size": 1.5, "root": "", "origin": ""}}],
    )
    def test_what_is_no_statement(self, house: House, predicate: Any) -> None:
        """Whatever was signed in its place has a verdict."""
        house.state()
        raw = house.sheet.with_name(house.sheet.name + ENDING)
        payload, *_ = certificate.open_statement(raw.read_bytes(), (house.outside.signer.public_key,))
        said = json.loads(payload) | {"predicate": predicate}
        raw.write_bytes(certificate.seal(canonical(said), house.outside.signer, stamper(house.outside.berth)))
        assert house.proved().wrong != []

    @pytest.mark.parametrize(
        ("column", "value", "words"),
        [("state", "closed", "state is closed in the sheet"), ("employee_no", "E99", "its employee number"), ("employment_ends_on", "2027-01-01", "employment_ends_on is 2027-01-01"), ("in_sample", "yes", "in_sample is not"), ("difference", "", "its difference in the sheet")],
    )  # fmt: skip
    def test_a_cell_of_the_sheet(self, house: House, column: str, value: str, words: str) -> None:
        """The sheet says nothing else than its statement."""

        def edited(sheet: str) -> str:
            rows = list(csv.DictReader(io.StringIO(sheet, newline="")))
            written = io.StringIO(newline="")
            writer = csv.DictWriter(written, list(rows[0]), lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(row | ({column: value} if house.open in row.values() else {}) for row in rows)
            return written.getvalue()

        assert any(
            wrong.subject == house.open and wrong.what.startswith(words) for wrong in house.state(None, edited).wrong
        )

    def test_a_line_is_taken_from_the_sheet(self, house: House) -> None:
        """A case that the statement lists stands in the sheet."""
        found = house.state(
            None, lambda sheet: "".join(line for line in sheet.splitlines(keepends=True) if house.open not in line)
        )
        assert [(wrong.subject, wrong.what) for wrong in found.wrong] == [
            (house.open, "sheet and statement do not both list it")
        ]

    def test_bytes_of_another_hand(self, house: House) -> None:
        """Another sheet, another key's statement, no stamp, a log that was cut: each is named by its file."""
        house.state()
        sheet, raw = house.sheet.read_bytes(), house.sheet.with_name(house.sheet.name + ENDING).read_bytes()
        house.sheet.write_bytes(sheet + b"\r\n")
        assert house.proved().wrong[0].subject == "population.csv"
        house.sheet.write_bytes(sheet)
        payload, *_ = certificate.open_statement(raw, (house.outside.signer.public_key,))
        house.sheet.with_name(house.sheet.name + ENDING).write_bytes(
            certificate.seal(payload, house.outside.signer, None)
        )
        assert "time stamp" in house.proved().wrong[0].what
        house.sheet.with_name(house.sheet.name + ENDING).write_bytes(raw)
        lines = (house.folder / "log" / "entries.jsonl").read_bytes().splitlines(keepends=True)
        (house.folder / "log" / "entries.jsonl").write_bytes(b"".join(lines[:-1]))
        assert (
            "not the log of its checkpoint"
            in verify_population(house.sheet, house.folder / "log", house.folder / "trust").wrong[0].what
        )

    def test_of_which_the_log_does_not_tell(self, house: House) -> None:
        """A statement that nobody sealed, and one that names no former one."""
        assert [wrong.what for wrong in house.state(tell=False).wrong] == ["the log does not record this statement"]
        assert house.state().wrong == []
        silent = house.state(lambda said: said.update(former=None))
        assert ["the statement before it for this period is" in wrong.what for wrong in silent.wrong] == [True]


class TestTrue:
    def test_what_was_counted_is_what_the_log_says(self, house: House) -> None:
        """Closed, under way, withdrawn, a leave and one of next year: nothing is wrong, by the documented lines either; of others the day alone is told."""
        found = house.state()
        assert found.wrong == []
        assert found.statement["tie_out"] | {} == {
            "notified": 3,
            "cases": 3,
            "seen_closed": 1,
            "withdrawn": 1,
            "restored": 0,
            "differences": 2,
        }
        assert {one["case"] for one in found.statement["others"]} == {house.leave, house.later}
        assert all(one.keys() == {"case", "day", "person", "salt"} for one in found.statement["others"])
        if JQ:
            assert house.documented() == 0

    def test_a_second_one_names_the_first(self, house: House) -> None:
        """And whoever holds the first learns that there is a later one; one that came between is noticed before anything leaves."""
        first = house.state()
        sheet, raw = house.sheet.read_bytes(), house.sheet.with_name(house.sheet.name + ENDING).read_bytes()
        second = house.state()
        assert (first.statement["former"], second.statement["former"]) == (None, hashlib.sha256(raw).hexdigest())
        assert second.wrong == []
        house.sheet.write_bytes(sheet)
        house.sheet.with_name(house.sheet.name + ENDING).write_bytes(raw)
        again = house.proved()
        assert again.wrong == []
        assert any("a statement for 2026-01-01 to 2026-12-31" in note for note in again.notes)
        with pytest.raises(BadRequest, match="meanwhile"):
            counting.tell(
                house.office.context,
                counting.count(house.office.context, *PERIOD),
                by="auditor",
                statement=b"x",
                after=None,
            )

    def test_tables_that_were_changed_by_hand_count_for_nothing(self, house: House) -> None:
        """Six ways to hide a leaver in the tables: the numbers are the trail's, and what was changed is a difference."""
        true = counting.count(house.office.context, *PERIOD)
        for statement in (
            "UPDATE offboarding_case SET employment_ends_on = '2027-06-30' WHERE id = :case",
            "UPDATE offboarding_case SET kind = 'leave' WHERE id = :case",
            "UPDATE offboarding_case SET state = 'closed', closed_at = opened_at WHERE id = :case",
            "UPDATE offboarding_case SET company = 'another', employee_no = 'E77' WHERE id = :case",
            "DELETE FROM notice WHERE case_id = :case",
            "DELETE FROM offboarding_case WHERE id = :case",
        ):
            with house.office.context.store.engine.begin() as connection:
                connection.execute(text(statement), {"case": house.open})
            found = counting.count(house.office.context, *PERIOD)
            assert [entry.model_dump(exclude={"accounts"}) for entry in found.entries] == [
                entry.model_dump(exclude={"accounts"}) for entry in true.entries
            ]
            assert any(one.side == "trail" and one.subject == house.open for one in found.differences), statement
        assert house.state().wrong == []

    def test_of_an_erased_case_the_day_is_the_operators_word(self, house: House) -> None:
        """Its commitment cannot be opened any more: that is said, and not taken for a hidden case."""
        context = house.office.context
        request = erasing.request_erasure(context, house.closed, by="hr", basis="retention")
        approve(context, request.id, by="privacy")
        erasing.erase(context, house.closed)
        found = house.state()
        assert found.wrong == []
        assert any(note.startswith(f"{house.closed}: person and last day (erased)") for note in found.notes)

    def test_a_case_of_later_than_its_head(self, house: House) -> None:
        """What was opened after the statement is counted, not held against it."""
        house.state()
        house.office.report(employee_no="E6", employment_ends_on="2026-12-24")
        found = house.proved()
        assert found.wrong == []
        assert any(note.startswith("1 cases that were opened after") for note in found.notes)

    def test_from_the_terminal(self, house: House, capsys: pytest.CaptureFixture[str]) -> None:
        """0 as stated, 1 with each difference to HR's list named, 2 for files that are not there."""
        house.state()
        given = [
            "verify-population",
            str(house.sheet),
            "--log",
            str(house.folder / "log"),
            "--trust",
            str(house.folder / "trust"),
            "--json",
        ]
        assert main(given) == 0
        assert json.loads(capsys.readouterr().out)["as_stated"] is True
        (house.folder / "hr.csv").write_text(
            "社員番号,氏名,退職日\nE1,x,2026-11-29\nE2,影,2026-12-20\nE9,新,2026-12-01\n", "utf-8"
        )
        assert main([*given, "--hr", str(house.folder / "hr.csv")]) == 1
        told = json.loads(capsys.readouterr().out)["hr_differences"]
        assert "row 4" in {one["subject"] for one in told}
        assert main(given[:-1]) == 0
        assert "as stated, 2026-01-01 to 2026-12-31: every case of the log's first" in capsys.readouterr().out
        assert main([*given[:3], str(house.folder / "nowhere"), *given[4:]]) == 2

    def test_the_predicate_has_its_own_name(self) -> None:
        """A statement of another form is of another version."""
        assert PREDICATE.endswith("/v2")
