"""The log's keys at the terminal: made, announced, retired, told to be stolen."""

from __future__ import annotations

import pytest

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
