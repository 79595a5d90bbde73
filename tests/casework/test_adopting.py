"""What earlier versions opened: sealed once, as it is at the upgrade, and held against that from there on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from casework.decisions import pausing
from casework.population import counting
from casework.record.exporting import export
from casework.record.facts import read
from casework.trail.adopting import adopt
from casework.trail.comparing import TableMismatch
from tests.casework.conftest import Office
from tests.casework.leaving import export_office, finished
from tests.casework.records import record_of
from tests.casework.test_notices import all_cases
from tests.casework.test_sealed_record import all_differences, proved


class TestUpgrade:
    async def test_of_a_case_of_an_earlier_version(
        self, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Whose changes were not sealed, nor the tenant's waivers and pauses: the upgrade seals all of it, once.  From there on it is held
        against that, and the verdict and the population say since when.
        """
        context = office.context
        with monkeypatch.context() as earlier:
            earlier.setattr("casework.store.carrying", lambda drafts, _: drafts)
            earlier.setattr("casework.lifecycle.SEALED", None)
            case = await finished(office)
            pausing.pause(context, by="sec", reason="a drill")

        def named() -> list[tuple[str, str]]:
            return [(one.case, one.what) for one in all_differences(office)]

        assert (case.id, "case") in named()
        assert adopt(context.store) == 2
        assert named() == []
        assert adopt(context.store) == 0
        with export_office(office, tmp_path / "outside") as outside:
            export(context, outside, case.id, tmp_path / "bundle", by="auditor")
            report = proved(tmp_path, tmp_path / "bundle")
        assert report.faults == []
        assert any(line.startswith("SEALED SINCE ") for line, _ in report.verdict)
        (one,) = counting.count(context, date(2026, 1, 1), date(2026, 12, 31)).differences
        assert "earlier version" in one.text
        with context.store.engine.begin() as connection:
            connection.execute(text("UPDATE waiver SET until = '2099-12-31'"))
        assert [place for place, _ in named()] == ["tenant"]

    async def test_what_an_upgrade_cannot_seal_yet(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pause before there was any case is sealed; a case that cannot be read is named and holds up no other; one that was put back is sealed then."""
        context = office.context
        with monkeypatch.context() as earlier:
            earlier.setattr("casework.store.carrying", lambda drafts, _: drafts)
            earlier.setattr("casework.lifecycle.SEALED", None)
            pausing.pause(context, by="sec", reason="a drill")
            assert adopt(context.store) == 1
            first, other = office.report(), office.report(employee_no="E2")
        assert adopt(context.store) == 2
        assert all_differences(office) == []
        with monkeypatch.context() as earlier:
            earlier.setattr("casework.store.carrying", lambda drafts, _: drafts)
            earlier.setattr("casework.lifecycle.SEALED", None)
            odd, gone = office.report(employee_no="E3"), office.report(employee_no="E4")

        def by_hand(statement: str, **named: str) -> None:
            with context.store.engine.begin() as connection:
                connection.execute(text(statement), named)

        by_hand("UPDATE offboarding_case SET kind = 'gone' WHERE id = :case", case=odd.id)
        by_hand("CREATE TABLE aside AS SELECT * FROM offboarding_case WHERE id = :case", case=gone.id)
        by_hand("DELETE FROM offboarding_case WHERE id = :case", case=gone.id)
        with pytest.raises(TableMismatch, match=f"{odd.id}: a column: unreadable"):
            adopt(context.store)
        by_hand("UPDATE offboarding_case SET kind = 'resignation' WHERE id = :case", case=odd.id)
        by_hand("INSERT INTO offboarding_case SELECT * FROM aside")
        assert adopt(context.store) == 2
        assert all_differences(office) == []
        assert {first.id, other.id, odd.id, gone.id} <= {case.id for case in all_cases(office)}

    async def test_of_reads_whose_requests_were_not_kept(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """The record is made, and lists no reads: nothing is said of what nobody wrote down."""
        monkeypatch.setattr("casework.truth.listing._tell", lambda *_: None)
        monkeypatch.setattr("casework.matching.searching.asked_by", lambda *_: None)
        case = await finished(office)
        assert read(record_of(office.context, case.id)).listings == ()
