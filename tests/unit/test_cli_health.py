"""`lastday health`: a sentence and a remedy for each alarm, in both languages, and an exit code that a monitor can use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terminal_house import House


class TestHealth:
    def test_a_house_without_cases_is_well(self, house: House) -> None:
        """Nothing to cut, nothing to guarantee: 0."""
        assert house.json("health")["alarms"] == []

    def test_a_case_that_nobody_will_cut(self, house: House) -> None:
        """A case under way without a serving process is red weeks ahead: 2, with what to start."""
        house.one_case("--for-real", ends_on="2030-12-31")
        found = house.json("health", code=2)
        assert [alarm["code"] for alarm in found["alarms"]] == ["no_serving_process"]
        said = house.lastday("health")
        assert (said.code, "flows.serve" in said.out) == (2, True)

    def test_the_doctor_tells_it_too(self, house: House) -> None:
        """One visit to the doctor finds what health finds."""
        house.one_case("--for-real", ends_on="2030-12-31")
        rows = [row for row in house.json("doctor", code=2)["checks"] if row["check"] == "health"]
        assert [row["state"] for row in rows] == ["red"]

    def test_without_a_database(self, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A database that is not there is a sentence, not a traceback."""
        monkeypatch.setenv("LASTDAY_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
        said = house.lastday("health")
        assert (said.code, "LASTDAY_DATABASE_URL" in said.err) == (2, True)
