"""Recomputing the log: each thing that can be changed behind our back, and the row that it is found in."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from audit import leaf as leaves
from audit import reading
from audit.check import check
from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.leaf import Event
from audit.merkle import Frontier
from audit.tables import audit_entry, audit_payload
from audit.trail import EventDraft, Trail
from tests.audit.samples import Clock, seen

ROWS = 12


@pytest.fixture
def filled(engine: Engine, trail: Trail) -> Engine:
    """Twelve entries in three cases, each with a payload but the first."""
    drafts = [EventDraft(seen(n, case=f"case-{n % 3}"), {"n": n} if n else None) for n in range(ROWS)]
    with engine.begin() as connection:
        trail.append_many(connection, drafts)
    return engine


def tamper(engine: Engine, *statements: str, **values: Any) -> None:
    """Do what a database's owner can: switch the triggers off first."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement), values)
        return
    bare = sqlite3.connect(str(engine.url.database))
    for (name,) in bare.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        bare.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        bare.execute(statement, values)
    bare.commit()
    bare.close()


class TestTampered:
    @pytest.mark.parametrize(
        ("column", "statement", "row"),
        [
            ("idx", "UPDATE audit_entry SET idx = 30 WHERE idx = 11", 30),
            ("idx", "DELETE FROM audit_entry WHERE idx = 4", 5),
            ("case_ref", "UPDATE audit_entry SET case_ref = 'case-9' WHERE idx = 4", 4),
            ("case_seq", "UPDATE audit_entry SET case_seq = 99 WHERE idx = 4", 4),
            ("leaf", "UPDATE audit_entry SET leaf = nodes WHERE idx = 4", 4),
            ("nodes", "UPDATE audit_entry SET nodes = (SELECT nodes FROM audit_entry WHERE idx = 6) WHERE idx = 4", 4),
            ("payload.idx", "DELETE FROM audit_payload WHERE idx = 4", 4),
            ("payload.idx", "UPDATE audit_payload SET idx = 0 WHERE idx = 4", 0),
            ("payload.salt", "UPDATE audit_payload SET salt = payload WHERE idx = 4", 4),
            ("payload.payload", "UPDATE audit_payload SET payload = salt WHERE idx = 4", 4),
            ("payload.erased_at",
             "UPDATE audit_payload SET salt = NULL, payload = NULL, erased_at = '2026-11-22 00:00:00' WHERE idx = 4", 4),
        ],
    )  # fmt: skip
    def test_column(self, filled: Engine, trail: Trail, column: str, statement: str, row: int) -> None:
        """A changed value is found, and its row is named."""
        tamper(filled, statement)
        with filled.begin() as connection:
            report = trail.check(connection)
        assert report.broken is not None
        assert report.broken.idx == row, report.broken

    def test_every_column(self) -> None:
        """What the check does not cover is no evidence: the retries' key, and the database's own time and reference."""
        tried = {mark[0] for mark in TestTampered.test_column.pytestmark[0].args[1]}  # type: ignore[attr-defined]  # pytest's
        entry = {column.name for column in audit_entry.columns} - tried
        payload = {f"payload.{column.name}" for column in audit_payload.columns} - tried
        assert (entry, payload) == ({"prev_idx", "dedup_key", "appended_at"}, set())

    @pytest.mark.parametrize(
        ("change", "what"),
        [
            ({"case": "case-7"}, "case_ref"),
            ({"seq": 7}, "case_seq"),
            ({"log": "other.example/log"}, "another log"),
            ({"time": "2020-01-01T00:00:00.000Z"}, "time"),
            ({"state": "observed_closed"}, "stored hashes"),
            ({"v": 2}, "cannot be read"),
        ],
    )
    def test_leaf(self, filled: Engine, trail: Trail, change: dict[str, Any], what: str) -> None:
        """A leaf that was replaced by another well-formed one is found for what is wrong with it."""
        tamper(filled, "UPDATE audit_entry SET leaf = :leaf WHERE idx = 4", leaf=_changed(filled, trail, 4, change))
        with filled.begin() as connection:
            broken = trail.check(connection).broken
        assert broken is not None
        assert broken.idx == 4
        assert what in broken.what

    def test_one_case_rewritten(self, filled: Engine, trail: Trail) -> None:
        """Whoever also mends all hashes is found at the case's next leaf, which names the old one."""
        rewrite(filled, trail, lambda idx, said: said | ({"state": "still_open"} if idx == 4 else {}))
        with filled.begin() as connection:
            assert (
                str(trail.check(connection).broken) == "row 7: its prev is not the digest of the case's event before it"
            )

    def test_gap_in_a_case(self, filled: Engine, trail: Trail) -> None:
        """A case whose numbers jump is found, even if everything else was mended."""
        tamper(filled, "UPDATE audit_entry SET case_seq = 8 WHERE idx = 10")
        rewrite(filled, trail, lambda idx, said: said | ({"seq": 8} if idx == 10 else {}))
        with filled.begin() as connection:
            assert str(trail.check(connection).broken) == "row 10: it should be event 3 of its case"


class TestHeldHead:
    def test_tail_removed(self, filled: Engine, trail: Trail) -> None:
        """A log that was cut short looks whole; whoever kept a head sees that it is not."""
        head = _head(filled, trail)
        tamper(filled, "DELETE FROM audit_payload WHERE idx >= 9", "DELETE FROM audit_entry WHERE idx >= 9")
        with filled.begin() as connection:
            assert trail.check(connection).sound
            broken = trail.check(connection, [head]).broken
        assert str(broken) == "row 9: entries are missing: a head of 12 entries was signed"

    def test_rewritten(self, filled: Engine, trail: Trail) -> None:
        """A log that was rewritten with every chain and hash mended is no continuation of the head that was kept."""
        head = _head(filled, trail)
        last: dict[str, str] = {}

        def mend(idx: int, said: dict[str, Any]) -> dict[str, Any]:
            new = said | {"prev": last.get(said["case"], "0" * 64)} | ({"state": "still_open"} if idx == 4 else {})
            last[said["case"]] = hashlib.sha256(leaves.canonical(new)).hexdigest()
            return new

        rewrite(filled, trail, mend)
        with filled.begin() as connection:
            assert trail.check(connection).sound
            broken = trail.check(connection, [head]).broken
        assert broken is not None
        assert "not the one whose head of 12 entries was signed" in broken.what

    def test_grown(self, filled: Engine, trail: Trail) -> None:
        """A log that only grew still agrees with every head, and with that of the empty log."""
        head = _head(filled, trail)
        with filled.begin() as connection:
            trail.append(connection, seen())
            report = trail.check(connection, [head, Checkpoint(trail.origin, 0, hashlib.sha256().digest())])
        assert (report.sound, report.size) == (True, ROWS + 1)

    def test_another_name(self, filled: Engine) -> None:
        """A log of another name is not the one asked for."""
        with filled.begin() as connection:
            assert str(check(connection, origin="other.example/log").broken) == "row 0: its leaf belongs to another log"


class TestErased:
    def test_told(self, filled: Engine, trail: Trail, clock: Clock) -> None:
        """A payload whose erasure the log tells of is absent, not broken."""
        with filled.begin() as connection:
            gone = audit_payload.update().where(audit_payload.c.idx.in_([3, 4]))
            connection.execute(gone.values(salt=None, payload=None, erased_at=clock.now))
            told = Event(EventType.PAYLOAD_ERASED, "log", "svc:retention", {"idx": [3, 4], "basis": "retention"})
            trail.append(connection, told)
            report = trail.check(connection)
        assert (report.sound, report.erased) == (True, 2)


class TestSize:
    def test_memory(self, sqlite: Engine, trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ten times the log needs no more memory to check: rows are streamed, in batches (here of twenty)."""
        monkeypatch.setattr(reading, "BATCH", 20)
        peaks = []
        for target in (60, 600):
            with sqlite.begin() as connection:
                count = target - trail.size(connection)
                trail.append_many(connection, [EventDraft(seen(n, case=f"case-{n % 50}")) for n in range(count)])
                trail.check(connection)
                tracemalloc.start()
                assert trail.check(connection).size == target
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
        assert peaks[1] < 1.5 * peaks[0]

    def test_meanwhile(self, sqlite: Engine, trail: Trail) -> None:
        """A check is of the log as it was when it began."""
        with sqlite.begin() as connection:
            trail.append_many(connection, [EventDraft(seen(n)) for n in range(5)])
        reader = create_engine(sqlite.url)
        with reader.connect() as reading, sqlite.begin() as writing:
            size = trail.size(reading)
            trail.append(writing, seen())
            writing.commit()
            assert size == 5
            assert trail.check(reading).sound
        reader.dispose()


def _head(engine: Engine, trail: Trail) -> Checkpoint:
    with engine.begin() as connection:
        return Checkpoint(trail.origin, trail.size(connection), trail.root(connection))


def _changed(engine: Engine, trail: Trail, idx: int, change: dict[str, Any]) -> bytes:
    with engine.begin() as connection:
        said = next(trail.entries(connection, start=idx)).record
    return leaves.canonical(said | change)


def rewrite(engine: Engine, trail: Trail, mend: Callable[[int, dict[str, Any]], dict[str, Any]]) -> None:
    """Replace leaves and recompute every stored hash, as someone with the whole database would."""
    with engine.begin() as connection:
        said = [json.loads(entry.leaf) for entry in trail.entries(connection)]
    tree = Frontier()
    for idx, one in enumerate(said):
        leaf = leaves.canonical(mend(idx, one))
        nodes = b"".join(tree.add(leaf))
        tamper(
            engine,
            "UPDATE audit_entry SET leaf = :leaf, nodes = :nodes WHERE idx = :idx",
            leaf=leaf,
            nodes=nodes,
            idx=idx,
        )
