"""The demo's judge: it sees what is as it should be, and what is not.  The demo itself is `make demo`."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from casework.intake.csv_file import read_csv
from emulators.tenants import tenants
from models.vocabulary import DepartureKind
from rehearsal import expectations
from rehearsal.environment import LEAVERS, NAMESAKE, write_notices
from tests.terminal_house import House

FIRST, THEN = "2026-11-22T10:00:00+00:00", "2026-11-22T10:00:05+00:00"


def account(service: str) -> dict[str, Any]:
    """Return an account that was blocked first, then stripped."""
    row = {"kind": "sign_in", "state": "observed_closed", "commanded_at": FIRST}
    return {
        "service": service,
        "decided_by": "it",
        "entitlements": [row, row | {"kind": "group", "commanded_at": THEN}],
    }


@pytest.fixture
def shown() -> dict[str, Any]:
    """The four cases as they should end."""
    services = ("google_workspace", "slack", "microsoft365")
    closed = {"state": "closed", "findings": [], "accounts": [account(service) for service in services]}
    cases = {number: copy.deepcopy(closed) for number in LEAVERS}
    cases["E1004"] |= {"state": "deprovisioned", "findings": [{"kind": "mastered_elsewhere"}]}
    return cases


def failed(shown: dict[str, Any]) -> list[str]:
    """Return the employee numbers with which the rules that did not hold begin."""
    return [one.rule[:5] for one in expectations.of_cases(shown) if not one.held]


class TestOfCases:
    def test_as_it_should_be(self, shown: dict[str, Any]) -> None:
        """Every rule holds."""
        assert failed(shown) == []

    def test_synced_one_green(self, shown: dict[str, Any]) -> None:
        """A synced account that is called closed is the worst failure of all."""
        shown["E1004"] |= {"state": "closed", "findings": []}
        assert failed(shown) == ["E1004"]

    def test_closed_in_two_services_only(self, shown: dict[str, Any]) -> None:
        """Closed with a service in which nothing was seen is not closed."""
        shown["E1001"]["accounts"].pop()
        assert failed(shown) == ["E1001"]

    def test_dismissed_stripped_before_blocked(self, shown: dict[str, Any]) -> None:
        """In a dismissal nothing comes before the block."""
        shown["E1010"]["accounts"][0]["entitlements"][1]["commanded_at"] = "2026-11-22T09:59:59+00:00"
        assert failed(shown) == ["E1010"]


class TestOfTenants:
    def test_innocent_touched(self, tmp_path: Path) -> None:
        """One changed bit of the namesake's account is seen."""
        with tenants(tmp_path) as company:
            assert all(one.held for one in expectations.of_tenants(company))
            google = company.tenants["google_workspace"]
            google.users[company.truths["google_workspace"].account_id(NAMESAKE)].suspended = True
            assert [one.rule.partition(",")[0] for one in expectations.of_tenants(company) if not one.held] == [
                "google_workspace: nobody but the leavers was changed",
                NAMESAKE,
            ]


class TestOfPrivacy:
    def test_name_in_prefect(self, tmp_path: Path) -> None:
        """A name in Prefect's database is found, in the file or in its log."""
        (tmp_path / "p.db").write_bytes(b"nothing")
        assert all(one.held for one in expectations.of_privacy(tmp_path / "p.db"))
        (tmp_path / "p.db-wal").write_bytes("… 田中 美咲 …".encode())
        assert not any(one.held for one in expectations.of_privacy(tmp_path / "p.db"))


class TestNotices:
    def test_file(self, tmp_path: Path) -> None:
        """HR's file is what our own intake reads: four people, one dismissed, one without an address."""
        path = tmp_path / "n.csv"
        due = write_notices(path, ahead=timedelta(seconds=30))
        reading = read_csv(path.read_bytes())
        assert reading.refused == ()
        assert [notice.leaver.employee_no for notice in reading.notices] == list(LEAVERS)
        assert {n.leaver.employee_no for n in reading.notices if n.kind is DepartureKind.DISMISSAL} == {"E1010"}
        assert {n.leaver.employee_no for n in reading.notices if n.leaver.email is None} == {"E1002"}
        assert {notice.last_working_at for notice in reading.notices} == {due.astimezone(UTC)}
        assert due > datetime.now(UTC)


class TestHome:
    def test_not_ours(self, house: House) -> None:
        """A directory with something else in it is never emptied."""
        assert "holds something else" in house.json("demo", "--home", str(house.directory), code=2)["error"]
        assert (house.directory / "lastday.db").exists()

    def test_records_of_a_real_house(self, house: House) -> None:
        """Records or trust material that no rehearsal made are never emptied, nor is anything begun beside them."""
        real = house.directory / "trust" / "log.vkey"
        real.parent.mkdir(exist_ok=True)
        real.write_text("kept")
        told = house.json("demo", "--home", str(house.directory / "demo"), code=2)
        assert "trust holds something else" in told["error"]
        assert real.read_text() == "kept"
        assert not (house.directory / "demo").exists()
