"""Which signatures under the log's head still count, by what the log tells of its keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from audit import keyring, leaf
from audit.keyring import Keyring
from audit.leaf import Event, LeafPosition
from audit.note import Verifier
from tests.audit.samples import ORIGIN

OLD, NEW = Verifier(ORIGIN, bytes(32)), Verifier(ORIGIN, bytes(31) + b"\x01")
THEFT = datetime(2026, 11, 20, 3, tzinfo=UTC)


def ring(*events: Event) -> Keyring:
    """Return the keyring of a log whose entries are *events*, read back from their leaves."""
    found = Keyring()
    for idx, event in enumerate(events):
        frame = LeafPosition(ORIGIN, idx, leaf.FIRST_PREV, "2026-11-22T00:00:00.000Z")
        found.see(idx, leaf.read(leaf.write(event, frame, None)))
    return found


class TestRetired:
    def test_before_and_after(self) -> None:
        """A retired key's signature counts under heads from before its retirement, and under none from after it."""
        keys = ring(keyring.added(NEW, "svc:terminal"), keyring.retired(OLD, "svc:terminal"))
        assert keys.objection(OLD, 1, None) is None
        assert keys.objection(OLD, 2, None) == "its key was retired by entry 1"
        assert keys.objection(NEW, 2, None) is None

    def test_for_good(self) -> None:
        """Whoever still has a retired key cannot bring it back by adding it again, nor by retiring it later."""
        again = keyring.added(OLD, "svc:terminal"), keyring.retired(OLD, "svc:terminal")
        keys = ring(keyring.retired(OLD, "svc:terminal"), *again)
        assert keys.objection(OLD, 2, None) == "its key was retired by entry 0"


class TestCompromised:
    def test_stamp_decides(self) -> None:
        """What was stamped before the theft stands; what was stamped later, or not at all, does not."""
        keys = ring(keyring.compromised(OLD, THEFT, "svc:terminal"))
        assert keys.objection(OLD, 9, THEFT - timedelta(seconds=1)) is None
        for stamped_at in (None, THEFT, THEFT + timedelta(days=1)):
            assert "compromised since 2026-11-20T03:00:00.000Z" in str(keys.objection(OLD, 9, stamped_at))

    def test_thief_cannot_make_it_later(self) -> None:
        """The earliest time that was told holds: a second event does not shorten the theft."""
        later = keyring.compromised(OLD, THEFT + timedelta(days=9), "svc:terminal")
        keys = ring(keyring.compromised(OLD, THEFT, "svc:terminal"), later)
        assert keys.objection(OLD, 9, THEFT + timedelta(days=1)) is not None


class TestSeveral:
    def test_one_good_one_is_enough(self) -> None:
        """During a change both keys sign, and either suffices."""
        keys = ring(keyring.retired(OLD, "svc:terminal"))
        assert keys.objection_to_all([OLD, NEW], 5, None) is None
        assert keys.objection_to_all([OLD], 5, None) == "its key was retired by entry 0"

    def test_none(self) -> None:
        """A head that no known key has signed is never good."""
        assert ring().objection_to_all([], 5, None) == "no known key has signed it"
