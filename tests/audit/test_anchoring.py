"""Anchors: made in order, kept at each step, delayed and never lost; refusals that only a person lifts."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from audit import (
    anchor_files,
    anchoring,
    checkpoint,
    keys,
    leader_lock,
    note,
    tables,
    timestamp,
)
from audit.anchor_files import AnchorFiles
from audit.anchor_schedule import HealthLevel
from audit.anchoring import anchor
from audit.checkpoint import Checkpoint
from audit.rollback_check import SigningStopped
from emulators.fault_proxy import Fault
from tests.audit.port import Port, elsewhere, port
from tests.audit.samples import ORIGIN, reference
from tests.audit.test_anchoring_restored import forged


class TestMaking:
    def test_whole(self, there: Port) -> None:
        """The frozen note bears our signature and the witness's, the stamp is over its bytes, and the log tells of both."""
        outcome = there.anchor()
        made = outcome.made
        assert made is not None
        assert outcome.complete
        assert (outcome.why, made.size, made.witnesses, made.quorum) == ("first", 7, ("w1",), True)
        assert checkpoint.open_checkpoint(made.note, there.signer.verifier).size == 7
        assert there.berth.policy is not None
        assert there.berth.policy.cosigned_by(made.note).keys() == {"w1"}
        assert made.tsr is not None
        assert timestamp.verify(made.tsr, made.note, there.berth.roots).gen_time == made.tsa_time
        (told,) = there.told("anchor.recorded")
        assert told["checkpoint_sha256"] == hashlib.sha256(made.note).hexdigest()
        assert told["tsr_sha256"] == hashlib.sha256(made.tsr).hexdigest()
        assert (told["size"], told["root"]) == (7, note.split(made.note)[0].split("\n")[2])
        assert there.kept() == [made]
        folder = there.berth.mirror.folder()
        assert (folder / "00000007.checkpoint").read_bytes() == made.note
        assert (folder / "00000007.tsr").read_bytes() == made.tsr

    def test_many(self, on_sqlite: Port) -> None:
        """Each anchor continues the one before, in the witness's judgement; the whole log stays sound."""
        for count in (1, 2, 9, 1, 30):
            on_sqlite.append(count)
            assert on_sqlite.anchor(at_once=True).complete
        with on_sqlite.berth.reading() as connection:
            held = [Checkpoint.parse(note.split(one.note)[0]) for one in on_sqlite.kept()]
            assert len(held) == 5
            assert on_sqlite.berth.trail.check(connection, held).sound

    def test_two_keys(self, on_sqlite: Port, tmp_path: Path) -> None:
        """While the log changes its key both sign, and whoever knows either opens the note."""
        new = keys.open_or_create(tmp_path / "new.key", ORIGIN)
        berth = replace(on_sqlite.berth, signers=[new, on_sqlite.signer])
        made = anchor(berth).made
        assert made is not None
        for key in (new.verifier, on_sqlite.signer.verifier):
            assert checkpoint.open_checkpoint(made.note, key).size == 7

    def test_nobody_outside(self, on_sqlite: Port) -> None:
        """Without witness and authority nothing is claimed."""
        berth = replace(on_sqlite.berth, policy=None, authorities=())
        assert (anchor(berth).why, anchoring.health(berth).level) == ("nobody_outside", HealthLevel.NOBODY)
        assert on_sqlite.kept() == []

    def test_empty_log(self, sqlite: Engine, on_sqlite: Port) -> None:
        """There is nothing to anchor before the first event."""
        with sqlite.begin() as connection:
            tables.metadata.drop_all(connection)
            tables.create(connection)
        assert on_sqlite.anchor(at_once=True).why == "not_due"
        assert on_sqlite.witness_stage.journal == []

    def test_kept_as_it_is(self, there: Port) -> None:
        """The database refuses to change a frozen note, to replace a stamp or to delete an anchor."""
        there.anchor()
        for attack in (
            "UPDATE audit_anchor SET note = tsr",
            "UPDATE audit_anchor SET tsr = note",
            "UPDATE audit_anchor SET recorded_idx = NULL",
            "DELETE FROM audit_anchor",
        ):
            with pytest.raises(Exception, match="append-only"), there.berth.engine.begin() as connection:
                connection.execute(text(attack))


class TestCadence:
    def test_when(self, on_sqlite: Port) -> None:
        """At each case closed; hourly if cases' events were added; daily in any case; else not."""
        on_sqlite.anchor()
        assert on_sqlite.anchor().why == "not_due"
        on_sqlite.append(kind="case.closed")
        assert on_sqlite.anchor().why == "closed"
        on_sqlite.append()
        assert on_sqlite.anchor().why == "not_due"
        on_sqlite.clock.move(hours=1)
        assert on_sqlite.anchor().why == "grown"
        on_sqlite.clock.move(hours=23)
        assert on_sqlite.anchor().why == "not_due"  # its own events are no growth
        on_sqlite.clock.move(hours=1)
        assert on_sqlite.anchor().why == "idle"

    def test_health(self, on_sqlite: Port) -> None:
        """Green while anchors keep up, amber after twice the cadence, green again."""
        on_sqlite.anchor()
        assert anchoring.health(on_sqlite.berth).level is HealthLevel.GREEN
        on_sqlite.append()
        on_sqlite.clock.move(hours=2, minutes=1)
        late = anchoring.health(on_sqlite.berth)
        assert late.level is HealthLevel.AMBER
        assert late.late_since == on_sqlite.clock() - timedelta(hours=2, minutes=1)
        on_sqlite.anchor()
        on_sqlite.clock.move(hours=47)
        assert anchoring.health(on_sqlite.berth).level is HealthLevel.GREEN
        on_sqlite.clock.move(hours=2)
        assert anchoring.health(on_sqlite.berth).level is HealthLevel.AMBER


class TestOutsidersDown:
    def test_second_authority(self, on_sqlite: Port) -> None:
        """The next authority is asked when the first is down."""
        on_sqlite.authority_stage.faults.append(Fault("POST", status=503, times=None))
        outcome = on_sqlite.anchor()
        assert outcome.made is not None
        assert outcome.made.tsr is not None
        assert len(outcome.problems) == 1

    def test_no_authority(self, there: Port) -> None:
        """The frozen note waits for its stamp, the log says so once and goes on; later it is stamped, not made anew."""
        for stage in (there.authority_stage, there.second_stage):
            stage.faults.append(Fault("POST", drop=True, times=None))
        made = there.anchor().made
        assert made is not None
        assert (made.tsr, made.recorded_idx) == (None, None)
        there.append()
        there.anchor()
        assert len(there.told("anchor.failed")) == 1
        assert anchoring.health(there.berth).waiting == 1
        there.authority_stage.faults.clear()
        outcome = there.anchor()
        assert outcome.finished == 1
        (kept,) = there.kept()
        assert kept.note == made.note
        assert kept.tsr is not None
        assert there.told("anchor.recorded")[0]["tsr_sha256"] == kept.tsr_sha256

    def test_amber(self, on_sqlite: Port) -> None:
        """Two hours without a stamp are amber, and the time since when is told."""
        for stage in (on_sqlite.authority_stage, on_sqlite.second_stage):
            stage.faults.append(Fault("POST", status=500, times=None))
        on_sqlite.anchor()
        on_sqlite.clock.move(hours=3)
        assert anchoring.health(on_sqlite.berth).level is HealthLevel.AMBER

    def test_refused_stamp_is_kept(self, on_sqlite: Port) -> None:
        """What an authority sent and we could not verify stays for a person to look at."""
        on_sqlite.authority.wrong_nonce = True
        outcome = on_sqlite.anchor()
        assert not outcome.complete
        refused = on_sqlite.berth.mirror.folder() / f"00000007{anchor_files.STAMP}{anchor_files.REFUSED}"
        assert refused.read_bytes()[:1] == b"\x30"

    @pytest.mark.parametrize("minutes", [-3, 60])
    def test_clocks_apart(self, minutes: int, on_sqlite: Port) -> None:
        """
        A stamp of another time than the log's is not taken: every later record would be refused for it.  The anchor waits.

        An authority whose clock runs ahead, and a log whose clock had jumped ahead when it wrote, are the same sight.
        """
        on_sqlite.authority.clock = lambda: on_sqlite.clock() + timedelta(minutes=minutes)
        outcome = on_sqlite.anchor()
        assert outcome.made is not None
        assert (outcome.made.tsr, outcome.complete) == (None, False)
        assert all("differ by more than 5 s" in problem for problem in outcome.problems)
        on_sqlite.authority.clock = on_sqlite.clock
        assert on_sqlite.anchor().finished == 1

    def test_witness(self, on_sqlite: Port) -> None:
        """Without the quorum the anchor has its stamp alone and says so; an hour later there is one with both."""
        on_sqlite.witness_stage.faults.append(Fault("POST", status=500))
        first = on_sqlite.anchor()
        assert first.made is not None
        assert (first.made.quorum, first.made.tsr is not None, first.complete) == (False, True, False)
        assert on_sqlite.told("anchor.recorded")[0]["quorum"] is False
        on_sqlite.clock.move(hours=1)
        second = on_sqlite.anchor()
        assert second.made is not None
        assert (second.why, second.made.quorum) == ("incomplete", True)

    def test_slow_witness(self, sqlite: Engine, tmp_path: Path) -> None:
        """Patience ends; the cosignature that comes too late is not lost on the next anchor."""
        with port(sqlite, tmp_path, patience=0.2) as there:
            there.witness_stage.faults.append(Fault("POST", delay=1.0))
            assert there.anchor().problems == ("witness w1: cannot cosign: no answer in time",)
            there.append()
            made = anchor(replace(there.berth, patience=10.0), at_once=True).made
            assert made is not None
            assert made.quorum

    def test_unknown_log(self, on_sqlite: Port) -> None:
        """A witness that does not know the log is told about with what to do."""
        on_sqlite.witness.logs = ()
        assert "404" in on_sqlite.anchor().problems[0]

    def test_resynchronised(self, on_sqlite: Port) -> None:
        """A witness at another size than we believe says which (409), and is given the proof from there."""
        on_sqlite.anchor()
        with on_sqlite.berth.engine.begin() as connection:  # as if the anchors' table had been lost, but not the log
            for trigger in ("audit_anchor_delete",):
                connection.execute(text(f"DROP TRIGGER {trigger}"))
            connection.execute(text("DELETE FROM audit_anchor"))
        on_sqlite.append(3)
        made = on_sqlite.anchor(at_once=True).made
        assert made is not None
        assert made.quorum
        assert [r.status for r in on_sqlite.witness_stage.journal] == [200, 409, 200]


class TestFork:
    @pytest.fixture
    def forked(self, on_sqlite: Port, tmp_path: Path) -> Port:
        """A log whose witness has signed another history under the same key."""
        other = elsewhere(tables.prepare(create_engine(f"sqlite:///{tmp_path / 'other.db'}")), on_sqlite)
        with other.engine.begin() as connection:
            other.trail.append_many(connection, [forged(n) for n in range(5)])
        anchor(replace(other, mirror=AnchorFiles(tmp_path / "theirs", ORIGIN)))
        other.engine.dispose()
        return on_sqlite

    def test_stops_signing(self, forked: Port) -> None:
        """422 stops signing at once and for good; the log tells of it, doctor is red, the refused head is kept."""
        with pytest.raises(SigningStopped):
            forked.anchor()
        assert forked.kept() == []
        assert [told["reason"] for told in forked.told("anchor.failed")] == ["fork"]
        asked = len(forked.witness_stage.journal)
        with pytest.raises(SigningStopped):
            forked.anchor(at_once=True)
        assert len(forked.witness_stage.journal) == asked  # nothing was signed, nothing was sent
        standing = anchoring.health(forked.berth)
        assert (standing.level, standing.alarms) == (HealthLevel.RED, ("w1",))
        forked.append()  # the log itself goes on: accounts must still be cut

    def test_a_person_clears(self, forked: Port) -> None:
        """Only a person lets signing go on; the log tells of it, and the alarm stays on file."""
        with pytest.raises(SigningStopped):
            forked.anchor()
        who = f"person:{reference()}"
        with forked.berth.engine.begin() as connection:
            assert anchoring.clear(connection, forked.berth.trail, "鈴木", "key of a test", who) == 1
        (told,) = forked.told("anchor.cleared")
        assert (told["actor"], told["count"]) == (who, 1)
        forked.witness_stage.faults.append(Fault("POST", status=500, times=None))
        made = forked.anchor(at_once=True).made
        assert made is not None
        with forked.berth.engine.begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM audit_alarm")).scalar_one() == 1


class TestTwoJobs:
    def test_at_once(self, there: Port) -> None:
        """Two jobs at once make one anchor: the other one finds that somebody leads."""
        there.witness_stage.faults.append(Fault("POST", delay=0.5))
        outcomes: list[str] = []
        jobs = [threading.Thread(target=lambda: outcomes.append(there.anchor().why)) for _ in range(4)]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        assert set(outcomes) <= {"busy", "first", "not_due"}
        assert outcomes.count("first") == 1
        assert len(there.kept()) == len(there.told("anchor.recorded")) == 1

    def test_lead_is_given_back(self, there: Port) -> None:
        """Whoever leads keeps others out, and lets them in when it ends."""
        engine, root = there.berth.engine, there.berth.mirror.root
        with leader_lock.leadership(engine, root) as first, leader_lock.leadership(engine, root) as second:
            assert (first, second) == (True, False)
        with leader_lock.leadership(engine, root) as third:
            assert third


STEPS = ("cosigned", "frozen", "stamped")


class TestKilled:
    @pytest.mark.parametrize("step", STEPS)
    def test_in_the_middle(self, step: str, on_sqlite: Port, tmp_path: Path) -> None:
        """A job that is killed (-9) after any step leaves nothing behind that the next one does not finish."""
        assert on_sqlite.berth.policy is not None
        witness = on_sqlite.berth.policy.witnesses[0]
        roots, rules = tmp_path / "roots.pem", tmp_path / "rules"
        roots.write_bytes(on_sqlite.authority.papers.root_pem)
        rules.write_text(f"witness w1 {witness.key.vkey} {witness.url}\nquorum w1\n")
        words = [step, str(tmp_path), on_sqlite.berth.authorities[0]]
        done = subprocess.run(
            [sys.executable, "-m", "tests.audit.anchorer", *words],
            check=False,
            timeout=60,
            capture_output=True,
            env=dict(os.environ),
        )
        assert done.returncode == -signal.SIGKILL, done.stderr[-500:]
        before = on_sqlite.kept()
        assert len(before) == (0 if step == "cosigned" else 1)
        assert all((one.tsr is not None) is (step == "stamped") for one in before)
        outcome = on_sqlite.anchor()
        after = on_sqlite.kept()
        assert [one.note for one in after[: len(before)]] == [one.note for one in before]
        assert outcome.complete
        assert all(one.tsr is not None and one.recorded_idx is not None and one.quorum for one in after)
        assert len(after) == len(on_sqlite.told("anchor.recorded")) == 1
