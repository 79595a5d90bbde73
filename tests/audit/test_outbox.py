"""The log as an outbox: each reader's cursor, at least once, through the restoring of a backup too."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from audit import epochs, outbox
from audit.checkpoint import Checkpoint
from audit.trail import Trail
from tests.audit.samples import ORIGIN, seen


@pytest.fixture
def log(engine: Engine, trail: Trail) -> Engine:
    """A log of five events, with readers."""
    with engine.begin() as connection:
        outbox.create(connection)
        for n in range(5):
            trail.append(connection, seen(n))
    return engine


def pass_on(engine: Engine, reader: str, most: int = 3) -> list[tuple[str, int]]:
    """Take the next events for *reader* and move its cursor."""
    with engine.begin() as connection:
        told = outbox.after(connection, reader, most)
        if told:
            outbox.move(connection, reader, told[-1])
        return [(one.epoch, one.index) for one in told]


def restored(engine: Engine, trail: Trail, at: int) -> str:
    """Let the log say that it is a backup, of so many entries, of one that had ninety; return the new epoch's name."""
    head = Checkpoint(ORIGIN, 90, bytes(32))
    draft = epochs.begin(head, b"note", at, 0)
    with engine.begin() as connection:
        trail.append(connection, draft.event, dedup_key=draft.dedup_key)
        return epochs.name(connection)


class TestReaders:
    def test_have_each_event_once_when_nothing_fails(self, log: Engine) -> None:
        """A batch begins where the one before it ended, for each reader by itself."""
        assert [[index for _, index in pass_on(log, "siem")] for _ in range(3)] == [[0, 1, 2], [3, 4], []]
        assert len(pass_on(log, "hook", 9)) == 5

    def test_have_again_what_was_not_passed_on(self, log: Engine) -> None:
        """Without a move the same events come again."""
        with log.begin() as connection:
            assert outbox.after(connection, "siem", 2) == outbox.after(connection, "siem", 2)

    def test_are_never_set_back(self, log: Engine) -> None:
        """A slower process of the same reader moves nothing back."""
        with log.begin() as connection:
            slow = outbox.after(connection, "siem", 1)
        pass_on(log, "siem", 4)
        with log.begin() as connection:
            outbox.move(connection, "siem", slow[-1])
        assert pass_on(log, "siem") == [("", 4)]


class TestANewEpoch:
    def test_is_told_and_names_its_events(self, log: Engine, trail: Trail) -> None:
        """The event that tells of the gap comes in its place; it and what follows bear the epoch's name."""
        pass_on(log, "siem", 9)
        epoch = restored(log, trail, 5)
        with log.begin() as connection:
            trail.append(connection, seen(6))
            assert outbox.after(connection, "siem", 1)[0].event["type"] == "trail.epoch"
        assert pass_on(log, "siem") == [(epoch, 5), (epoch, 6)]

    def test_is_not_skipped_by_a_cursor_that_is_further(self, log: Engine, trail: Trail) -> None:
        """A cursor that had come beyond where the backup ends goes back to it: other events have those numbers now."""
        with log.begin() as connection:
            outbox.move(connection, "siem", outbox.OutboxEvent("", 40, {}))
        epoch = restored(log, trail, 5)
        assert pass_on(log, "siem") == [(epoch, 5)]
        assert pass_on(log, "siem") == []
