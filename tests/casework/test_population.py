"""The population of a period: nothing is missing, and what differs is explained."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col

from audit import certificate_keys
from audit.certificate import pae
from casework.errors import BadRequest
from casework.intake.moving import withdraw
from casework.population import counting
from casework.population.facts import METHOD, Population
from models.tables import NoticeRecord
from portal import population as sheet
from portal.population import COLUMNS, lines, safe
from tests.casework.conftest import Office
from tests.casework.leaving import finished
from tests.portal.test_record import SECTIONS


def of(office: Office) -> Population:
    return counting.count(office.context, date(2026, 1, 1), date(2026, 12, 31))


class TestTieOut:
    async def test_a_closed_case_needs_no_explanation(self, office: Office) -> None:
        """Notices, cases and what was seen closed are one number; each account has its times, its exposure and its SLA, and no column lacks its fact."""
        case = await finished(office)
        found = of(office)
        assert (found.tie_out["notified"], found.tie_out["cases"], found.tie_out["seen_closed"]) == (1, 1, 1)
        assert not found.differences
        (line,) = lines(found)
        assert line["case"] == case.id
        assert line["due_at"] < line["commanded_at"] < line["effective_cutoff_at"]
        assert int(line["exposure_minutes"]) > 24 * 60 - 1
        assert (line["sla_minutes"], line["sla_met"], line["waived_rows"]) == ("60", "no", "1")
        assert line["policy_sha256"] == office.context.policy.sha256
        assert {name for name, told in line.items() if not told} == {"difference", "match_contradictions"}

    async def test_every_difference_is_explained_both_ways(self, office: Office) -> None:
        """Open, planned only, withdrawn, without notice; HR's rows without a case, on another day, unreadable; cases HR lacks."""
        await finished(office)
        ends_on = "2026-11-30"
        office.report(employee_no="E2", employment_ends_on=ends_on, for_real=False)
        gone = office.report(employee_no="E3", employment_ends_on=ends_on)
        withdraw(office.context, gone.id, by="hr", reason="stays")
        back = office.report(employee_no="E5", employment_ends_on=ends_on)
        withdraw(office.context, back.id, by="hr", reason="stays")
        stranger = office.report(employee_no="E4", employment_ends_on=ends_on)
        with office.context.store.engine.begin() as connection:
            connection.execute(
                update(NoticeRecord).where(col(NoticeRecord.case_id) == stranger.id).values(case_id="case-that-is-gone")
            )
        raw = (
            "社員番号,氏名,退職日\r\nＥ２,影,2026-11-30\r\nE3,影,2026-11-29\r\nE5,退,2026-11-30\r\nE9,新 人,2026-11-30\r\nE8,壊,13月\r\nE7,先,2027-01-05\r\n"
        ).encode("cp932")
        found = counting.compare(of(office), raw)
        assert found.extract is not None
        assert (found.extract.sha256, found.extract.rows, found.extract.in_period) == (
            hashlib.sha256(raw).hexdigest(),
            6,
            4,
        )
        said = {(d.side, d.text) for d in found.differences}
        for side, words in (
            ("case", "planned only"), ("case", "withdrawn"), ("notice", "no case belongs"), ("trail", "notice: the tables differ"),
            ("extract", "no notice reached us"), ("extract", "leaves by HR's list, but "), ("extract", "the person's is case-"), ("extract", "cannot be read"),
            ("case", "HR's extract does not have"),
        ):  # fmt: skip
            assert any(s == side and words in text for s, text in said), (side, words, said)
        told = {line["case"]: line["difference"] for line in lines(found)}[stranger.id]
        assert "the tables differ from what was sealed" in told
        assert "HR's extract does not have" in told
        assert all(d.text_ja for d in found.differences)
        assert sheet.statement(found)["ties"] is False

    async def test_an_exception_is_no_cut_off(self, office: Office) -> None:
        """Before the period nothing counts; a period that ends before it begins is refused."""
        await finished(office)
        assert counting.count(office.context, date(2025, 1, 1), date(2025, 12, 31)).entries == ()
        with pytest.raises(BadRequest, match="lies before"):
            counting.count(office.context, date(2026, 2, 1), date(2026, 1, 1))


class TestSample:
    def test_anybody_draws_it_again(self, office: Office) -> None:
        """The sample follows from the case ids and the seed: sha256sum and sort give the same cases in the same order."""
        for number in range(12):
            office.report(employee_no=f"E{number}", employment_ends_on="2026-12-20")
        found = of(office).sampled(5, "auditor's words")
        again = of(office).sampled(5, "auditor's words")
        assert found.sample is not None
        assert found.sample == again.sample
        ids = [entry.case for entry in found.entries]
        digests = {hashlib.sha256(f"auditor's words\n{case}".encode()).hexdigest(): case for case in ids}
        assert list(found.sample.cases) == [digests[d] for d in sorted(digests)[:5]]
        other = of(office).sampled(5, "other words").sample
        assert other is not None
        assert other.cases != found.sample.cases
        with pytest.raises(BadRequest, match="a size and a seed"):
            of(office).sampled(0, "x")


class TestSheet:
    async def test_opens_safely_in_a_spreadsheet(self, office: Office, tmp_path: Path) -> None:
        """UTF-8 with a mark, one line an account; a name that is a formula stays a name.  The statement binds exactly these bytes."""
        await finished(office)
        office.report(employee_no="E2", employment_ends_on="2026-11-30")
        found = of(office).sampled(1, "seed")
        formula = "=cmd|'/C calc'!A0"
        found = replace(
            found, entries=tuple(entry.model_copy(update={"reported_by": formula}) for entry in found.entries)
        )
        written = sheet.sheet(found)
        assert written.startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline="")))
        assert tuple(rows[0]) == COLUMNS
        assert {row["reported_by"] for row in rows} == {"'" + formula}
        assert sorted(row["employee_no"] for row in rows) == ["E1", "E2"]
        assert [row["in_sample"] for row in rows].count("yes") == 1
        assert [safe(text) for text in ("+1", "-1", "@x", "\tx", "2026", "a=b")] == [
            "'+1",
            "'-1",
            "'@x",
            "'\tx",
            "2026",
            "a=b",
        ]
        signer = certificate_keys.open_or_create(tmp_path / "certificate.key")
        envelope = json.loads(sheet.attest(found, "population.csv", written, signer, None, None))["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"])
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        assert certificate_keys.verifies(signer.public_key, pae(payload), signature)
        said = json.loads(payload)
        assert said["subject"] == [
            {"name": "population.csv", "digest": {"sha256": hashlib.sha256(written).hexdigest()}}
        ]
        assert said["predicate"]["sample"]["method"] == METHOD

    async def test_the_look_is_told(self, office: Office) -> None:
        """Whoever draws the population up stands in the trail."""
        counting.tell(office.context, of(office), by="auditor")
        with office.context.store.read() as session:
            told = [e.record for e in office.context.store.trail.entries(session.connection(), "population")]
        assert [(t["type"], t["count"]) for t in told] == [("case.population", 0)]


class TestControls:
    def test_the_map_names_what_exists(self) -> None:
        """docs/controls.md speaks of columns of the sheet and of files of the bundle that are really there."""
        page = (Path(__file__).parents[2] / "docs" / "controls.md").read_text("utf-8")
        columns = {name for line in page.splitlines() if line.startswith("|") for name in _names(line, "column")}
        sections = {name for line in page.splitlines() if line.startswith("|") for name in _names(line, "record")}
        assert columns
        assert columns <= set(COLUMNS)
        assert sections
        assert sections <= SECTIONS


def _names(line: str, prefix: str) -> list[str]:
    return re.findall(rf"`{prefix}:([a-z_0-9]+)`", line)
