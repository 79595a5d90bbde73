"""One log ends and the next begins, each in a database of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from audit import checkpoint, keys, rollover, tables
from audit.events import EventType
from audit.fields import Json
from audit.leaf import LOG_CASE, Event
from audit.trail import Trail, TrailError
from audit.verify import verify
from tests.audit.house import House
from tests.audit.samples import ORIGIN, Clock, reference, seen

NEXT = "lastday.hoshizora.example/audit/2027"
ACTOR = "svc:test"


@pytest.fixture
def following(tmp_path: Path) -> Engine:
    engine = tables.prepare(create_engine(f"sqlite:///{tmp_path / 'next.db'}"))
    with engine.begin() as connection:
        tables.create(connection)
    return engine


class TestRollover:
    def test_closed_and_begun(
        self, sqlite: Engine, following: Engine, trail: Trail, clock: Clock, tmp_path: Path
    ) -> None:
        """The old log names its successor, the new one's first leaf the old one's last head; both stay sound."""
        signer = keys.open_or_create(tmp_path / "log.key", ORIGIN)
        with sqlite.begin() as connection:
            trail.append(connection, seen())
            rollover.close(connection, trail, NEXT, ACTOR)
            note = trail.checkpoint(connection, signer)
        new = Trail(NEXT, clock, skew=None)
        with following.begin() as connection:
            first = rollover.begin(connection, new, note, ACTOR)
            assert rollover.begin(connection, new, note, ACTOR) == first
            new.append(connection, seen())
            assert new.check(connection).sound
        head = checkpoint.open_checkpoint(note, signer.verifier)
        said = first.record
        assert (first.idx, said["previous_log"], said["size"]) == (0, ORIGIN, head.size)
        assert said["root"] == head.text.splitlines()[2]
        assert said["checkpoint_sha256"] == hashlib.sha256(note).hexdigest()
        following.dispose()

    def test_closed_is_closed(self, sqlite: Engine, trail: Trail) -> None:
        """After its end a log takes its own anchors and no work, whoever asks and however often."""
        said: dict[str, Json] = {"size": 1, "root": "A" * 43 + "=", "checkpoint_sha256": "0" * 64}
        with sqlite.begin() as connection:
            rollover.close(connection, trail, NEXT, ACTOR)
        with sqlite.begin() as connection:
            trail.append(connection, Event(EventType.ANCHOR_RECORDED, LOG_CASE, ACTOR, said))
        for event in (seen(), seen(1)):
            with pytest.raises(TrailError, match="closed"), sqlite.begin() as connection:
                trail.append(connection, event)
        with sqlite.begin() as connection:
            assert rollover.close(connection, trail, NEXT, ACTOR).idx == 0
            assert trail.size(connection) == 2

    def test_records_still_leave(self, tmp_path: Path) -> None:
        """Records of a closed log are exported, erased and exported again, and verify; no work is added between."""
        house = House(tmp_path)
        house.work()
        with house.engine.begin() as connection:
            rollover.close(connection, house.trail, NEXT, ACTOR)
        house.anchor()
        trust = house.trust(tmp_path / "trust")
        house.export(tmp_path / "first")
        house.erase([0])
        house.anchor()
        house.export(tmp_path / "second")
        assert [verify(tmp_path / name, trust).faults for name in ("first", "second")] == [[], []]
        with pytest.raises(TrailError, match="closed"):
            house.tell("case.reopened")

    def test_open_intent(self, sqlite: Engine, trail: Trail) -> None:
        """What is under way is told in the log in which it began."""
        with sqlite.begin() as connection:
            trail.append(connection, Event(EventType.REVOKE_INTENT, "case-1", ACTOR, {"op": reference()}))
            with pytest.raises(TrailError, match="1 intents"):
                rollover.close(connection, trail, NEXT, ACTOR)

    def test_not_the_first(self, sqlite: Engine, trail: Trail, tmp_path: Path) -> None:
        """A log that has begun cannot begin again, and none follows itself."""
        signer = keys.open_or_create(tmp_path / "log.key", NEXT)
        other = checkpoint.sign(checkpoint.Checkpoint(NEXT, 1, bytes(32)), [signer])
        own = keys.open_or_create(tmp_path / "own.key", ORIGIN)
        same = checkpoint.sign(checkpoint.Checkpoint(ORIGIN, 1, bytes(32)), [own])
        with sqlite.begin() as connection:
            with pytest.raises(TrailError, match="the former log's name"):
                rollover.begin(connection, trail, same, ACTOR)
            trail.append(connection, seen())
            with pytest.raises(TrailError, match="there is one"):
                rollover.begin(connection, trail, other, ACTOR, lost=True)
