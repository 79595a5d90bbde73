"""The keys at the terminal: the log's made, announced, retired, told to be stolen; the evidence's changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from casework.bootstrap import evidence_store
from casework.settings import read_settings
from cli.contexts import only_store
from models.tables import EvidenceKey
from tests.terminal_house import House


@pytest.fixture
def changing(house: House, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A house in the middle of a change of key; returns (new, former)."""
    former = house.json("keys", "list")["keys"][0]
    new = house.json("keys", "new", str(house.directory / "keys" / "log-2.key"))["vkey"]
    monkeypatch.setenv("LASTDAY_AUDIT_FORMER_KEY_FILE", str(house.directory / "keys" / "log.key"))
    monkeypatch.setenv("LASTDAY_AUDIT_KEY_FILE", str(house.directory / "keys" / "log-2.key"))
    return new, former


class TestChange:
    def test_both_sign(self, house: House, changing: tuple[str, str]) -> None:
        """The new key stands first, the former one beside it; the log tells of the new one once."""
        assert house.json("keys", "list")["keys"] == list(changing)
        for _ in range(2):
            assert house.json("keys", "announce")["announced"] == changing[0]
        assert house.sizes()["audit_entry"] == 1
        house.json("keys", "retire", changing[1])
        assert house.sizes()["audit_entry"] == 2
        assert house.json("trail", "check")["sound"]

    def test_without_the_former(self, house: House) -> None:
        """A new key is not announced unless the former one signs beside it: nobody would know it."""
        assert "does not sign beside it" in house.json("keys", "announce", code=2)["error"]
        assert house.sizes()["audit_entry"] == 0

    def test_key_in_use(self, house: House, changing: tuple[str, str]) -> None:
        """The key that signs is not retired."""
        assert "cannot retire" in house.json("keys", "retire", changing[0], code=2)["error"]

    def test_never_over_another(self, house: House) -> None:
        """A new key never takes an existing file's place."""
        before = house.json("keys", "list")
        assert "exists" in house.json("keys", "new", str(house.directory / "keys" / "log.key"), code=2)["error"]
        assert house.json("keys", "list") == before


class TestTheft:
    def test_told(self, house: House) -> None:
        """The theft and its time stand in the log; why stands in the payload."""
        vkey = house.json("keys", "list")["keys"][0]
        house.json("keys", "compromised", vkey, "--since", "2026-11-20T09:00:00+09:00", "--reason", "a laptop was lost")
        assert house.sizes()["audit_entry"] == 1
        assert house.sizes()["audit_payload"] == 1

    @pytest.mark.parametrize("since", ["yesterday", "2026-11-20T09:00:00", "2999-01-01T00:00:00+09:00"])
    def test_odd_time(self, house: House, since: str) -> None:
        """A time that is none, has no zone or lies ahead is refused with what to write, and nothing is recorded."""
        vkey = house.json("keys", "list")["keys"][0]
        assert house.json("keys", "compromised", vkey, "--since", since, code=2)["remedy"]
        assert house.sizes()["audit_entry"] == 0

    @pytest.mark.parametrize("vkey", ["", "x", "a+b+c", "lastday.localhost/audit/2026+00000000+AAAA"])
    def test_odd_key(self, house: House, vkey: str) -> None:
        """What is no public key is refused."""
        assert "not a public key" in house.json("keys", "retire", vkey, code=2)["error"]


class TestStore:
    def test_uri_without_public_key(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key store's URI needs the public key beside it."""
        monkeypatch.setenv("LASTDAY_AUDIT_KEY_URI", "hv:lastday/1")
        assert "no public key beside the URI" in house.json("keys", "list", code=2)["error"]


class TestRoles:
    def test_sqlite_has_none(self, house: House) -> None:
        """Asking for roles where there are none is an error with a way out."""
        assert "there are none" in house.json("migrate", "--writer", "lastday_app", code=2)["error"]


def keep(case: str) -> None:
    """Keep a file as evidence of *case*, by the settings."""
    with only_store() as store:
        evidence_store(read_settings(), store).save(case, "a.bin", case.encode())


def content(case: str) -> bytes:
    with only_store() as store, evidence_store(read_settings(), store).open(case, "a.bin") as clear:
        return clear.read()


def doctor(house: House) -> dict[str, Any]:
    """Return what the doctor says of the evidence."""
    (row,) = [row for row in house.json("doctor", code=2)["checks"] if row["check"] == "evidence"]
    return row  # type: ignore[no-any-return]  # of JSON


@pytest.fixture
def two_keys(house: House, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A house with evidence of two cases, whose settings name a new key of it and the former one; returns (new, former)."""
    for case in ("case-1", "case-2"):
        keep(case)
    former = doctor(house)["detail"].split()[0]
    new = house.json("keys", "new", "keys/evidence-2.key", "--evidence")["key"]
    monkeypatch.setenv("LASTDAY_EVIDENCE_KEY_FILE", str(house.directory / "keys" / "evidence-2.key"))
    monkeypatch.setenv("LASTDAY_EVIDENCE_FORMER_KEY_FILE", str(house.directory / "keys" / "evidence.key"))
    return new, former


class TestEvidenceKey:
    def test_made(self, house: House) -> None:
        """A new key is its owner's alone, never in another file's place, and what is said of it is its name."""
        made = house.json("keys", "new", "deep/evidence.key", "--evidence")
        path = house.directory / "deep" / "evidence.key"
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert path.read_text().strip() not in str(made)
        before = path.read_bytes()
        assert "exists" in house.json("keys", "new", "deep/evidence.key", "--evidence", code=2)["error"]
        assert path.read_bytes() == before

    def test_changed(self, house: House, two_keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        """The whole way: the doctor says which keys are needed before, between and after, and the former one can go."""
        new, former = two_keys
        assert (doctor(house)["state"], doctor(house)["detail"]) == (
            "amber",
            f"{former} wraps new keys; still needed: {former} (2)",
        )
        done = house.json("keys", "rotate-evidence")
        assert done == {"key": new, "rewrapped": 2, "damaged": [], "missing": []}
        assert (doctor(house)["state"], doctor(house)["detail"]) == (
            "ok",
            f"{new} wraps the keys of 2 cases; LASTDAY_EVIDENCE_FORMER_KEY_FILE is needed by none",
        )
        monkeypatch.delenv("LASTDAY_EVIDENCE_FORMER_KEY_FILE")
        assert (doctor(house)["state"], doctor(house)["detail"]) == ("ok", f"{new} wraps the keys of 2 cases")
        assert content("case-1") == b"case-1"
        size = house.sizes()
        assert house.json("keys", "rotate-evidence")["rewrapped"] == 0
        assert house.sizes() == size
        assert house.json("trail", "check")["sound"]

    def test_former_taken_out_too_early(
        self, house: House, two_keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without a key that is needed nothing changes; change and doctor name it, and what to do."""
        _, former = two_keys
        monkeypatch.delenv("LASTDAY_EVIDENCE_FORMER_KEY_FILE")
        before = house.sizes()
        refused = house.json("keys", "rotate-evidence", code=2)
        assert former in refused["error"]
        assert "LASTDAY_EVIDENCE_FORMER_KEY_FILE" in refused["remedy"]
        assert (doctor(house)["state"], doctor(house)["detail"]) == ("amber", refused["error"])
        assert house.sizes() == before

    def test_left_before(self, house: House, two_keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        """A key whose place another one took does not come back, and the doctor tells which one is in force."""
        new, former = two_keys
        house.json("keys", "rotate-evidence")
        monkeypatch.setenv("LASTDAY_EVIDENCE_KEY_FILE", str(house.directory / "keys" / "evidence.key"))
        monkeypatch.setenv("LASTDAY_EVIDENCE_FORMER_KEY_FILE", str(house.directory / "keys" / "evidence-2.key"))
        refused = house.json("keys", "rotate-evidence", code=2)
        assert former in refused["error"]
        assert "keys new FILE --evidence" in refused["remedy"]
        assert (doctor(house)["state"], doctor(house)["detail"].startswith(new)) == ("amber", True)

    @pytest.mark.parametrize(
        ("harm", "code"),
        [("gone", 2), ("no key", 2), ("folder", 2), ("open", 2)],
    )
    def test_bad_file(self, house: House, two_keys: tuple[str, str], harm: str, code: int) -> None:
        """A file that is gone, is none, or lies open to others: exit 2, and a sentence that says what to do."""
        path: Path = house.directory / "keys" / "evidence-2.key"
        if harm == "open":
            path.chmod(0o644)
        else:
            path.unlink()
        if harm == "no key":
            house.file("keys/evidence-2.key", "no key")
            path.chmod(0o600)
        elif harm == "folder":
            path.mkdir()
        said = house.lastday("keys", "rotate-evidence")
        assert said.code == code
        assert str(path) in said.err
        assert len(said.err.splitlines()) == 2, "a sentence and what to do"

    def test_damaged(self, house: House, two_keys: tuple[str, str]) -> None:
        """A case's key that opens under none: exit 1, and the case by its id; the others are changed."""
        with only_store() as store, store.write() as session:
            session.get_one(EvidenceKey, "case-2").wrapped = b"x" * 60
        done = house.json("keys", "rotate-evidence", code=1)
        assert (done["rewrapped"], done["damaged"]) == (1, ["case-2"])
        assert "case-2" in house.lastday("keys", "rotate-evidence").out
        assert doctor(house)["state"] == "amber"

    def test_what_an_earlier_change_left(
        self, house: House, two_keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A key that an earlier change left some under, and that is not here: exit 1, and its name; the doctor says so too."""
        new, former = two_keys
        with only_store() as store, store.read() as session:
            left = session.get_one(EvidenceKey, "case-2")
        house.json("keys", "rotate-evidence")
        with only_store() as store, store.write() as session:
            session.merge(left)
        monkeypatch.delenv("LASTDAY_EVIDENCE_FORMER_KEY_FILE")
        assert house.json("keys", "rotate-evidence", code=1)["missing"] == [former]
        assert f"still needed: {former}" in house.lastday("keys", "rotate-evidence").out
        assert (doctor(house)["state"], former in doctor(house)["detail"]) == ("amber", True)
        monkeypatch.setenv("LASTDAY_EVIDENCE_FORMER_KEY_FILE", str(house.directory / "keys" / "evidence.key"))
        assert house.json("keys", "rotate-evidence") == {"key": new, "rewrapped": 1, "damaged": [], "missing": []}

    def test_in_japanese(self, house: House, two_keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        """What is said of it is said in Japanese too."""
        monkeypatch.setenv("LASTDAY_LANGUAGE", "ja")
        assert "再暗号化: 2件" in house.lastday("keys", "rotate-evidence").out
