"""Proof never stands in the way of a cut: a restored database, a lost key, folders that are gone."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from casework.settings import read_settings
from cli.doctor_checks import examine_anchors
from emulators.tenants import Company
from tests.rehearsal.test_verbs import PLAIN, depart, waive_what_slack_hides
from tests.terminal_house import House


def copy(source: Path, target: Path) -> None:
    """Copy a database that may be open."""
    target.touch(mode=0o600)
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


def suspended(company: Company) -> bool:
    account = company.truths["google_workspace"].account_id(PLAIN)
    return bool(company.tenants["google_workspace"].users[account].suspended)


class TestRestoredDatabase:
    def test_cuts_and_says_what_is_missing(
        self, house: House, company: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A database restored to before its newest anchor cuts the leaver whose case is open, closes it, and tells the gap to
        whoever checks: `trail check`, `doctor`, and the next anchor.
        """
        monkeypatch.setenv("LASTDAY_ANCHOR_FOLDER", str(house.directory / "anchors"))
        waive_what_slack_hides(house)
        case = depart(house, PLAIN, "--for-real")
        copy(house.directory / "lastday.db", house.directory / "backup.db")
        depart(house, "E1008")
        anchored = house.json("anchor")["anchor"]["size"]
        for name in ("lastday.db", "lastday.db-wal", "lastday.db-shm"):
            (house.directory / name).unlink(missing_ok=True)
        copy(house.directory / "backup.db", house.directory / "lastday.db")

        assert house.json("run", case)["state"] == "closed"
        assert suspended(company)
        checked = house.json("trail", "check", code=1)
        (gap,) = checked["gaps"]
        assert (checked["sound"], gap["size"]) == (True, anchored)
        assert gap["from_size"] < anchored
        told = examine_anchors(read_settings())
        assert told["state"] in {"amber", "red"}
        assert "GAP" in told["detail"]
        made = house.json("anchor", code=1)
        assert made["anchor"]["tsa_time"]
        assert "the epoch before" in " ".join(made["problems"])


class TestWithoutProof:
    @pytest.mark.parametrize(
        "gone",
        [
            "signing key",
            "anchor folder",
            "anchor folder is a file",
            "evidence folder is a file",
            "evidence key is a folder",
        ],
    )
    def test_the_leaver_is_cut(
        self, house: House, company: Company, monkeypatch: pytest.MonkeyPatch, gone: str
    ) -> None:
        """Without a signing key, an anchor folder, an evidence folder or its key, sign-in is cut all the same."""
        monkeypatch.setenv("LASTDAY_ANCHOR_FOLDER", str(house.directory / "anchors"))
        case = depart(house, PLAIN, "--for-real")
        spoil(house.directory, gone)
        said = house.lastday("run", case, "--json")
        assert suspended(company), said.err
        in_slack = company.tenants["slack"].held(company.truths["slack"].account_id(PLAIN))
        assert not any(":sign_in:" in row for row in in_slack)
        in_entra = company.tenants["microsoft365"].directory.users[company.truths["microsoft365"].account_id(PLAIN)]
        assert in_entra["accountEnabled"] is False


def spoil(home: Path, gone: str) -> None:
    match gone:
        case "signing key":
            (home / "keys" / "log.key").unlink()
        case "anchor folder":
            shutil.rmtree(home / "anchors", ignore_errors=True)
        case "anchor folder is a file":
            (home / "anchors").write_text("x")
        case "evidence folder is a file":
            shutil.rmtree(home / "evidence", ignore_errors=True)
            (home / "evidence").write_text("x")
        case _:
            (home / "keys" / "evidence.key").unlink(missing_ok=True)
            (home / "keys" / "evidence.key").mkdir()
