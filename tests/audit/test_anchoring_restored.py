"""A database that was restored from a backup: it signs nothing until a person has looked, and opens an epoch."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from audit import (
    anchoring,
    checkpoint,
    epochs,
    note,
    policy,
    rollback_check,
    tables,
)
from audit.anchor_files import AnchorFiles
from audit.anchoring import anchor
from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.note import NoteError
from audit.rollback_check import RollbackError
from audit.trail import Event, EventDraft, Trail
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.witness import Witness
from tests.audit.port import Port
from tests.audit.samples import ORIGIN, seen


class TestRestoredBackup:
    def restored(self, there: Port, tmp_path: Path) -> Engine:
        """Back up after seven events, anchor eleven, and bring the backup back."""
        backup = tmp_path / "backup.db"
        with there.berth.engine.begin() as connection:
            connection.execute(text("SELECT 1"))
        shutil.copyfile(tmp_path / "trail.db", backup)
        wal = tmp_path / "trail.db-wal"
        if wal.exists():
            shutil.copyfile(wal, f"{backup}-wal")
        with closing(sqlite3.connect(backup)) as again, closing(sqlite3.connect(tmp_path / "again.db")) as copy:
            again.backup(copy)
        there.append(4)
        there.anchor()
        return tables.prepare(create_engine(f"sqlite:///{backup}"))

    def guarded(self, there: Port) -> Trail:
        return Trail(ORIGIN, there.clock, skew=None, guard=rollback_check.RollbackCheck(there.berth.mirror))

    def test_begins_an_epoch(self, on_sqlite: Port, tmp_path: Path) -> None:
        """The first append to a restored backup says what is missing, names the head that was lost, and goes on; once."""
        engine = self.restored(on_sqlite, tmp_path)
        trail = self.guarded(on_sqlite)
        for _ in range(3):
            with engine.begin() as connection:
                trail.append(connection, seen())
        with engine.begin() as connection:
            (gap,) = epochs.told(connection)
            kinds = [entry.record["type"] for entry in trail.entries(connection, start=7)]
            lost = Checkpoint.parse(note.split(on_sqlite.kept()[-1].note)[0])
            assert (gap.row, gap.from_size, gap.size) == (7, 7, 11)
            assert gap.root == lost.text.split("\n")[2]
            assert kinds == ["trail.epoch", "observe.seen", "observe.seen", "observe.seen"]
            report = trail.check(connection)
            assert (report.sound, report.whole, len(report.gaps)) == (True, False, 1)
        engine.dispose()

    def test_taken_back_is_said_again(self, on_sqlite: Port, tmp_path: Path) -> None:
        """If the first transaction fails after it began the epoch, the next one begins it."""
        engine = self.restored(on_sqlite, tmp_path)
        trail = self.guarded(on_sqlite)
        with contextlib.suppress(ZeroDivisionError), engine.begin() as connection:
            trail.append(connection, seen())
            trail.append(connection, seen())
            raise ZeroDivisionError
        with engine.begin() as connection:
            trail.append(connection, seen())
            assert [gap.row for gap in epochs.told(connection)] == [7]
        engine.dispose()

    def test_grown_past(self, on_sqlite: Port, tmp_path: Path) -> None:
        """A backup that grew as long as the anchored log, with other events, says so too."""
        engine = self.restored(on_sqlite, tmp_path)
        with engine.begin() as connection:
            Trail(ORIGIN, on_sqlite.clock, skew=None).append_many(connection, [forged(n) for n in range(9)])
        trail = self.guarded(on_sqlite)
        with engine.begin() as connection:
            trail.append(connection, seen())
            (gap,) = epochs.told(connection)
            assert (gap.row, gap.from_size, gap.size) == (16, 0, 11)
            lost = Checkpoint.parse(note.split(on_sqlite.kept()[-1].note)[0])
            assert trail.check(connection, [lost]).sound
            rollback_check.require(connection, lost)
        engine.dispose()

    def test_kept_heads(self, on_sqlite: Port, tmp_path: Path) -> None:
        """A check with a head that was kept of what was lost finds the gap, and not a broken log; of another head, a broken one."""
        engine = self.restored(on_sqlite, tmp_path)
        trail = self.guarded(on_sqlite)
        lost = Checkpoint.parse(note.split(on_sqlite.kept()[-1].note)[0])
        with engine.begin() as connection:
            trail.append_many(connection, [forged(n) for n in range(9)])
            assert trail.check(connection, [lost]).sound
            assert not trail.check(connection, [Checkpoint(ORIGIN, 5, bytes(32))]).sound
            assert not trail.check(connection, [Checkpoint(ORIGIN, 14, bytes(32))]).sound
        engine.dispose()

    def test_is_anchored(self, on_sqlite: Port, tmp_path: Path) -> None:
        """The new epoch is anchored and stamped; the witness that holds the one before is told of as a problem, and no alarm."""
        engine = self.restored(on_sqlite, tmp_path)
        berth = replace(on_sqlite.berth, engine=engine, trail=self.guarded(on_sqlite))
        made = anchor(berth, at_once=True)
        assert made.made is not None
        assert (made.made.quorum, made.made.tsr is not None) == (False, True)
        assert "the epoch before" in " ".join(made.problems)
        with engine.begin() as connection:
            berth.trail.append_many(connection, [forged(n) for n in range(30)])
        later = anchor(berth, at_once=True)
        assert (later.made is not None, anchoring.health(berth).alarms) == (True, ())
        assert "the epoch before" in " ".join(anchoring.compare(berth))
        engine.dispose()

    def test_witness_that_only_signs(self, on_sqlite: Port, tmp_path: Path) -> None:
        """
        A witness that tells nobody what it holds refuses the new epoch, by its size or for its root, and that is no alarm either:
        the anchor says what to do, signing goes on.
        """
        engine = self.restored(on_sqlite, tmp_path)
        on_sqlite.witness_stage.faults.append(Fault("GET", status=404, times=None))
        berth = replace(on_sqlite.berth, engine=engine, trail=self.guarded(on_sqlite))
        for size in (9, 11, 40):  # fewer entries than the witness has signed, as many, more
            with engine.begin() as connection:
                berth.trail.append_many(connection, [forged(n) for n in range(size - berth.trail.size(connection) - 1)])
            outcome = anchor(berth, at_once=True)
            assert outcome.made is not None
            assert (outcome.made.quorum, outcome.made.tsr is not None) == (False, True)
            assert "show its operator the trail.epoch" in " ".join(outcome.problems)
        assert anchoring.health(berth).alarms == ()
        engine.dispose()

    def test_quorum_of_the_others(self, on_sqlite: Port, tmp_path: Path) -> None:
        """A quorum that the witnesses of the new epoch make up is one; the witness of the epoch before is told of as a problem."""
        engine = self.restored(on_sqlite, tmp_path)
        other = Witness(tmp_path / "other", logs=(on_sqlite.signer.verifier.vkey,))
        (first,) = on_sqlite.berth.policy.witnesses if on_sqlite.berth.policy else ()
        with served(FaultProxy(other.app)) as second:
            both = policy.read(
                f"log {on_sqlite.signer.verifier.vkey}\nwitness w1 {on_sqlite.witness.vkey} {first.url}\n"
                f"witness w2 {other.vkey} {second}\ngroup any-one any w1 w2\nquorum any-one\n"
            )
            berth = replace(on_sqlite.berth, engine=engine, trail=self.guarded(on_sqlite), policy=both)
            made = anchor(berth, at_once=True)
        assert made.made is not None
        assert (made.made.witnesses, made.made.quorum) == (("w2",), True)
        assert ["w1" in problem and "the epoch before" in problem for problem in made.problems] == [True]
        engine.dispose()

    def test_twice(self, on_sqlite: Port, tmp_path: Path) -> None:
        """A second restored backup loses the first epoch's heads as well: each is given up, by an entry of its own."""
        engine = self.restored(on_sqlite, tmp_path)
        berth = replace(on_sqlite.berth, engine=engine, trail=self.guarded(on_sqlite))
        with engine.begin() as connection:
            berth.trail.append_many(connection, [forged(1)])
        anchor(berth, at_once=True)
        engine.dispose()
        shutil.copyfile(tmp_path / "again.db", tmp_path / "second.db")
        second = tables.prepare(create_engine(f"sqlite:///{tmp_path / 'second.db'}"))
        trail = self.guarded(on_sqlite)
        for _ in range(4):
            with second.begin() as connection:
                trail.append(connection, seen())
        with second.begin() as connection:
            assert {gap.size for gap in epochs.told(connection)} == {11, 9}
        second.dispose()

    def test_without_mirror(self, on_sqlite: Port, tmp_path: Path) -> None:
        """If the files are lost too, the witness still knows: its head is mirrored, and the log says what it lacks."""
        engine = self.restored(on_sqlite, tmp_path)
        empty = AnchorFiles(tmp_path / "new-mirror", ORIGIN)
        trail = Trail(ORIGIN, on_sqlite.clock, skew=None, guard=rollback_check.RollbackCheck(empty))
        berth = replace(on_sqlite.berth, engine=engine, trail=trail, mirror=empty)
        with pytest.raises(RollbackError):
            anchoring.compare(berth)
        with pytest.raises(RollbackError):
            anchor(berth)
        with engine.begin() as connection:
            trail.append(connection, seen())
            assert [gap.size for gap in epochs.told(connection)] == [11]
        assert anchor(berth, at_once=True).made is not None
        engine.dispose()

    def test_long_running(self, on_sqlite: Port) -> None:
        """The check is made again whenever a newer head is known: a process that passed once is not exempt."""
        on_sqlite.append()
        on_sqlite.anchor()
        on_sqlite.append()
        longer = Checkpoint(ORIGIN, 99, bytes(32))
        on_sqlite.berth.mirror.keep_note(99, checkpoint.sign(longer, [on_sqlite.signer]))
        on_sqlite.append()
        assert [told["size"] for told in on_sqlite.told("trail.epoch")] == [99]

    @pytest.mark.parametrize("spoil", ["junk", "no folder", "a file", "unreadable"])
    def test_mirror_that_cannot_be_read(self, on_sqlite: Port, spoil: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Anchors' files that are missing or cannot be read stop no append: proof waits, a cut does not."""
        on_sqlite.anchor()
        folder = on_sqlite.berth.mirror.folder()
        if spoil == "junk":
            (folder / "00000050.checkpoint").write_bytes(b"junk")
        elif spoil == "unreadable":
            monkeypatch.setattr(Path, "read_bytes", _not_permitted)
            (folder / "00000050.checkpoint").write_text("x")
        else:
            shutil.rmtree(folder.parent)
            if spoil == "a file":
                folder.parent.write_text("x")
        on_sqlite.append()
        assert on_sqlite.told("trail.epoch") == []

    def test_junk_hides_no_head(self, on_sqlite: Port, tmp_path: Path) -> None:
        """A file that is no head does not hide the newest one that is; whoever compares is told of it."""
        engine = self.restored(on_sqlite, tmp_path)
        (on_sqlite.berth.mirror.folder() / "00000050.checkpoint").write_bytes(b"junk")
        trail = self.guarded(on_sqlite)
        with engine.begin() as connection:
            trail.append(connection, seen())
            assert [gap.size for gap in epochs.told(connection)] == [11]
        with pytest.raises(NoteError):
            anchoring.compare(on_sqlite.berth)
        engine.dispose()


def _not_permitted(_path: Path) -> bytes:
    raise PermissionError(13, "Permission denied")


def forged(n: int) -> EventDraft:
    return EventDraft(Event(EventType.OBSERVE_SEEN, "case-forged", "svc:test", {"state": "found", "count": n}))
