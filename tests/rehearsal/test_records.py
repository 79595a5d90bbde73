"""A record's whole life from the command line: exported, verified, held, erased, exported anew, counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emulators.company import person
from emulators.tenants import Company
from tests.rehearsal.test_verbs import PLAIN, depart, waive_what_slack_hides
from tests.terminal_house import House


def export(house: House, case: str, name: str, *words: str) -> dict[str, Any]:
    """Export into a folder of its own and verify it with the trust material that lies elsewhere."""
    folder = house.directory / "records" / name
    made: dict[str, Any] = house.json("export", case, str(folder), *words, "--as", "auditor")
    assert house.json("verify", str(folder), "--trust", str(trust(house)))["sound"]
    return made


def trust(house: House) -> Path:
    return house.directory / "var" / "trust"


class TestRecord:
    def test_from_export_to_erasure(self, house: House, company: Company) -> None:
        """
        An unfinished case leaves only as it stands; a closed one leaves certified, twice names the former; a hold forbids to erase;
        two people erase; the record afterwards knows no person and still verifies.
        """
        case = depart(house, PLAIN)
        assert "--as-it-stands" in house.json("export", case, str(house.directory / "no"), code=2)["remedy"]
        assert not (house.directory / "no").exists()
        assert export(house, case, "early", "--as-it-stands")["revision"] == 1
        assert "作成時点の状態" in (house.directory / "records" / "early" / "record.html").read_text("utf-8")
        waive_what_slack_hides(house)
        depart(house, PLAIN, "--for-real")
        house.json("run", case)
        second = export(house, case, "closed")
        assert second["former_sha256"] is not None
        name = person(PLAIN).name
        assert name in (house.directory / "records" / "closed" / "record.html").read_text("utf-8")
        counted = house.json("population", "--from", "2026-11-01", "--to", "2026-11-30", "--sample", "1", "--seed", "kiku",
                             "--csv", str(house.directory / "population.csv"))  # fmt: skip
        assert counted["tie_out"] == {
            "notified": 1, "cases": 1, "seen_closed": 1, "withdrawn": 0, "restored": 0, "differences": 0,
        }  # fmt: skip
        assert counted["sample"]["cases"] == [case]
        assert len(counted["accounts"]) == 3
        self.erase(house, case)
        third = export(house, case, "erased")
        assert (third["revision"], third["former_sha256"]) == (3, second["certificate_sha256"])
        held = b"".join(p.read_bytes() for p in (house.directory / "records" / "erased").rglob("*") if p.is_file())
        who = person(PLAIN)
        assert [w for w in (name, who.kana, who.email, who.romaji) if w.encode() in held] == []
        shown = house.json("show", case)
        assert (shown["state"], shown["departure"]["name"], shown["departure"]["email"]) == ("closed", "", None)

    @staticmethod
    def erase(house: House, case: str) -> None:
        words = ("erase", case, "--basis", "retention", "--yes", "--as", "legal.ito")
        house.json("hold", case, "--reason", "matter 7", "--as", "legal.ito")
        assert "legal hold" in house.json(*words, code=2)["error"]
        house.json("hold", case, "--release", "--reason", "settled", "--as", "legal.ito")
        asked = house.json(*words, code=1)
        assert house.json(*words, code=1)["request"] == asked["request"]
        house.json("approve", asked["request"], "--as", "ciso")
        assert house.json(*words)["erased"] > 0
        assert "erased already" in house.json(*words, code=2)["error"]
