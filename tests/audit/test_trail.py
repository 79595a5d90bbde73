"""Appending: in the caller's transaction, in order, once; on both databases."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, create_engine, func, select

from audit import lock, merkle, tables
from audit.events import EventType
from audit.fields import Json
from audit.keys import open_or_create
from audit.leaf import Event, LeafError, commitment
from audit.lock import NotInTransaction
from audit.reading import origin
from audit.tables import audit_entry, audit_payload
from audit.trail import EventDraft, Trail, TrailError
from tests.audit.rfc6962 import hashing
from tests.audit.samples import ORIGIN, Clock, reference, seen


class TestAppend:
    def test_first(self, engine: Engine, trail: Trail, clock: Clock) -> None:
        """The first leaf of a log stands at 0, is its case's 0, and has no predecessor."""
        clock.now = clock.now.replace(microsecond=123_456)
        with engine.begin() as connection:
            entry = trail.append(connection, seen())
            assert [found.leaf for found in trail.entries(connection)] == [entry.leaf]
        assert (entry.idx, entry.seq, entry.record["prev"]) == (0, 0, "0" * 64)
        assert entry.record["log"] == ORIGIN
        assert entry.record["time"].endswith(".123Z")

    def test_chain(self, engine: Engine, trail: Trail) -> None:
        """Each case counts for itself, and each leaf names the plain SHA-256 of the case's leaf before it."""
        for n in range(9):
            with engine.begin() as connection:
                trail.append(connection, seen(n, case=f"case-{n % 2}"))
        with engine.begin() as connection:
            chain = list(trail.entries(connection, case="case-1"))
            assert [entry.idx for entry in trail.entries(connection, start=7)] == [7, 8]
        assert [(entry.idx, entry.seq) for entry in chain] == [(1, 0), (3, 1), (5, 2), (7, 3)]
        for before, after in pairwise(chain):
            assert after.record["prev"] == hashlib.sha256(before.leaf).hexdigest()

    def test_rolled_back(self, engine: Engine, trail: Trail) -> None:
        """What the caller rolls back never was: the next entry takes its place."""
        with engine.connect() as connection, connection.begin() as transaction:
            trail.append(connection, seen(1))
            transaction.rollback()
        with engine.begin() as connection:
            assert trail.append(connection, seen(2)).idx == 0

    def test_payload(self, engine: Engine, trail: Trail) -> None:
        """Personal data stands beside the leaf, and the leaf commits to it without telling it."""
        payload: Json = {"name": "田中 美咲", "mail": "misaki@hoshizora.example", "confidence": 0.9}
        with engine.begin() as connection:
            entries = [trail.append(connection, seen(n), payload) for n in range(2)]
            kept = connection.execute(select(audit_payload).order_by(audit_payload.c.idx)).all()
        assert json.loads(kept[0].payload) == payload
        for entry, row in zip(entries, kept, strict=True):
            assert entry.record["payload_commit"] == commitment(bytes(row.salt), bytes(row.payload))
            assert b'hoshizora.example"' not in entry.leaf
        assert entries[0].record["payload_commit"] != entries[1].record["payload_commit"]

    def test_clock_set_back(self, engine: Engine, clock: Clock) -> None:
        """Time in the log never runs backwards, even if a clock does."""
        trail = Trail(ORIGIN, clock, secrets.token_bytes, skew=None)
        times = []
        for step in (0, 10, -3600, 0):
            clock.move(seconds=step)
            with engine.begin() as connection:
                times.append(trail.append(connection, seen()).record["time"])
        assert times == sorted(times)
        assert times[1] == times[3]

    def test_other_log(self, engine: Engine, trail: Trail, clock: Clock) -> None:
        """A log is continued under its own name, or not at all."""
        with engine.begin() as connection:
            assert origin(connection) is None
            trail.append(connection, seen())
            assert origin(connection) == ORIGIN
        with engine.begin() as connection, pytest.raises(TrailError, match="holds the log"):
            Trail("lastday.hoshizora.example/audit/2027", clock, secrets.token_bytes).append(connection, seen())

    def test_unfit_payload(self, engine: Engine, trail: Trail) -> None:
        """A payload that JSON readers would read differently is refused, and nothing is written."""
        with engine.begin() as connection:
            with pytest.raises(LeafError):
                trail.append(connection, seen(), {"n": 2**60})
            assert trail.size(connection) == 0

    def test_many(self, engine: Engine, trail: Trail) -> None:
        """A batch is the same as its events one by one, under one lock."""
        drafts = [EventDraft(seen(n, case=f"case-{n % 4}"), {"n": n} if n % 2 else None, f"k{n}") for n in range(520)]
        with engine.begin() as connection:
            trail.append(connection, seen(case="case-1"))
            placed = trail.append_many(connection, drafts)
            assert trail.check(connection).sound
            assert trail.append_many(connection, []) == []
        assert [entry.idx for entry in placed] == list(range(1, 521))
        with engine.begin() as connection:
            assert trail.append_many(connection, drafts) == placed
            assert trail.size(connection) == 521


class TestRetry:
    def test_same(self, engine: Engine, trail: Trail, clock: Clock) -> None:
        """The same key again, even later and from another worker, is the entry that is there."""
        op = reference()
        told = [Event(EventType.REVOKE_INTENT, "case-1", f"svc:worker-{n}", {"op": op}) for n in range(2)]
        with engine.begin() as connection:
            first = trail.append(connection, told[0], {"id": "U1"}, dedup_key=f"{op}:intent")
        clock.move(hours=1)
        with engine.begin() as connection:
            again = trail.append(connection, told[1], {"id": "U1"}, dedup_key=f"{op}:intent")
            assert again == first == trail.find(connection, f"{op}:intent")
            assert trail.size(connection) == 1
            assert trail.find(connection, "another") is None

    def test_within_a_batch(self, engine: Engine, trail: Trail) -> None:
        """Twice in one batch is once in the log."""
        with engine.begin() as connection:
            one, two = trail.append_many(connection, [EventDraft(seen(), None, "k"), EventDraft(seen(), None, "k")])
            assert one == two
            with pytest.raises(TrailError):
                trail.append_many(connection, [EventDraft(seen(1), None, "j"), EventDraft(seen(2), None, "j")])

    @pytest.mark.parametrize(
        ("event", "payload"),
        [
            (seen(2), {"a": 1}),
            (seen(1, case="case-2"), {"a": 1}),
            (seen(1), {"a": 2}),
            (seen(1), None),
            (Event(EventType.OBSERVE_SEEN, "case-1", "role:hr", {"state": "found", "count": 1}), {"a": 1}),
        ],
        ids=["fields", "case", "payload", "no-payload", "person"],
    )
    def test_something_else(self, engine: Engine, trail: Trail, event: Event, payload: dict[str, int] | None) -> None:
        """The same key for something else is an error of ours, not a retry."""
        with engine.begin() as connection:
            trail.append(connection, seen(1), {"a": 1}, dedup_key="k")
        with engine.begin() as connection, pytest.raises(TrailError, match="another content"):
            trail.append(connection, event, {**payload} if payload else None, dedup_key="k")

    def test_after_erasure(self, engine: Engine, trail: Trail, clock: Clock) -> None:
        """When the payload is gone, a retry is compared by what the leaf tells."""
        with engine.begin() as connection:
            first = trail.append(connection, seen(1), {"a": 1}, dedup_key="k")
            connection.execute(audit_payload.update().values(salt=None, payload=None, erased_at=clock.now))
        with engine.begin() as connection:
            assert trail.append(connection, seen(1), {"a": 1}, dedup_key="k") == first


class TestLock:
    def test_no_transaction(self, engine: Engine, trail: Trail) -> None:
        """Outside of a transaction nothing is appended."""
        with engine.connect() as connection, pytest.raises(NotInTransaction):
            trail.append(connection, seen())

    def test_driver_did_not_begin(self, sqlite: Engine, trail: Trail) -> None:
        """SQLite's driver left to its own ways begins too late: refused, rather than raced."""
        plain = create_engine(sqlite.url)
        with plain.begin() as connection, pytest.raises(NotInTransaction, match="IMMEDIATE"):
            trail.append(connection, seen())
        plain.dispose()

    def test_clocks_differ(self, postgres_url: str, clock: Clock) -> None:
        """With a database that has a clock of its own, ours may not be more than five seconds from it."""
        engine = create_engine(postgres_url)
        with engine.begin() as connection:
            tables.create(connection)
            assert lock.take(connection) is not None
        clock.move(seconds=-60)
        with engine.begin() as connection, pytest.raises(TrailError, match="clock"):
            Trail(ORIGIN, clock, secrets.token_bytes).append(connection, seen())
        with engine.begin() as connection:
            Trail(ORIGIN, clock, secrets.token_bytes, skew=timedelta(minutes=2)).append(connection, seen())
        engine.dispose()


class TestProofs:
    def test_head_and_proofs(self, engine: Engine, trail: Trail) -> None:
        """Root, inclusion and consistency come from the stored hashes and verify against the leaves."""
        with engine.begin() as connection:
            leaves = [e.leaf for e in trail.append_many(connection, [EventDraft(seen(n)) for n in range(37)])]
            mth = hashing(leaves)
            root = trail.root(connection)
            assert root == mth(0, 37)
            assert trail.root(connection, 20) == mth(0, 20)
            for idx in (0, 17, 36):
                proof = trail.inclusion(connection, idx)
                assert merkle.verify_inclusion(merkle.leaf_hash(leaves[idx]), idx, 37, proof, root)
            early = trail.inclusion(connection, 3, 8)
            assert merkle.verify_inclusion(merkle.leaf_hash(leaves[3]), 3, 8, early, mth(0, 8))
            grown = trail.consistency(connection, 20, 37)
            assert merkle.verify_consistency((20, mth(0, 20)), (37, root), grown)

    def test_empty(self, engine: Engine, trail: Trail) -> None:
        """An empty log has the root of the empty tree."""
        with engine.begin() as connection:
            assert (trail.size(connection), trail.root(connection)) == (0, merkle.EMPTY_ROOT)

    def test_missing_row(self, engine: Engine, trail: Trail) -> None:
        """A proof over rows that are not there is an error, not a shorter proof."""
        with engine.begin() as connection:
            trail.append(connection, seen())
            with pytest.raises(LookupError, match="row 7"):
                trail.root(connection, 8)


class TestOpenIntents:
    def test_without_outcome(self, engine: Engine, trail: Trail) -> None:
        """An intent of which nothing was told since is found, oldest first, over the log or for one case."""
        ops = [reference() for _ in range(4)]
        with engine.begin() as connection:
            for n, op in enumerate(ops):
                trail.append(connection, Event(EventType.REVOKE_INTENT, f"case-{n % 2}", "svc:flow", {"op": op}))
            done = {"op": ops[1], "result": "unknown"}
            trail.append(connection, Event(EventType.REVOKE_OUTCOME, "case-1", "svc:flow", done))
            trail.append(connection, seen())
            assert [intent.op for intent in trail.open_intents(connection)] == [ops[0], ops[2], ops[3]]
            assert [(i.op, i.idx) for i in trail.open_intents(connection, "case-1")] == [(ops[3], 3)]


class TestStored:
    def test_convenience(self, engine: Engine, trail: Trail) -> None:
        """The key of retries and the database's time stand beside the leaf, not in it."""
        with engine.begin() as connection:
            entry = trail.append(connection, seen(), dedup_key="k")
            kept = connection.execute(select(audit_entry.c.dedup_key, audit_entry.c.appended_at)).one()
            assert connection.execute(select(func.count()).select_from(audit_payload)).scalar_one() == 0
        assert kept.dedup_key == "k"
        assert kept.appended_at is not None
        assert "dedup_key" not in entry.record

    def test_signed(self, engine: Engine, trail: Trail, tmp_path_factory: pytest.TempPathFactory) -> None:
        """The head of the log is its name, size and root under the log's key."""
        signer = open_or_create(tmp_path_factory.mktemp("key") / "log.key", ORIGIN)
        with engine.begin() as connection:
            trail.append(connection, seen())
            raw = trail.checkpoint(connection, signer)
        assert raw.decode().startswith(f"{ORIGIN}\n1\n")
