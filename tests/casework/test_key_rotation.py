"""The master key of the evidence changes: old and new readable throughout, told once, never back, and nothing under a lost key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from audit import rollover
from audit.trail import Trail
from casework.errors import BadRequest, EvidenceDamaged, EvidenceErased, Misconfigured
from casework.evidence import rotation
from casework.evidence.keys import KeyFile, make
from casework.evidence.rotation import Rotation
from casework.evidence.store import EvidenceStore
from casework.store import Store, open_engine
from models.actor import at_terminal
from models.tables import EvidenceKey

ROOT = Path(__file__).parent.parent.parent
CASES = [f"case-{n:016x}" for n in range(5)]
IT = at_terminal("it.mori")


@dataclass
class House:
    """A database with evidence under the key `one`.  `machine("two", "one")`: one whose settings name these files, new and former."""

    folder: Path
    engines: list[Engine] = field(default_factory=list)

    def machine(self, new: str, former: str | None = None) -> EvidenceStore:
        engine = open_engine(f"sqlite:///{self.folder}/case.db")
        self.engines.append(engine)
        store = Store(engine, Trail(origin="test.example/audit/2026"))
        return EvidenceStore(store, self.folder / "evidence", self.key(new), self.key(former) if former else None)

    def key(self, name: str) -> KeyFile:
        return KeyFile(self.folder / f"{name}.key", lambda: False)

    def name(self, key: str) -> str:
        return self.key(key).open().name

    def rows(self) -> list[tuple[str, str, bytes | None]]:
        """Return what stands in the table, as another process sees it."""
        with self.machine("one").store.read() as session:
            rows = session.exec(select(EvidenceKey).order_by(col(EvidenceKey.case_id))).all()
        return [(row.case_id, row.master, row.wrapped) for row in rows]

    def told(self) -> list[dict[str, Any]]:
        """Return what the log tells of changes; the log is sound."""
        trail = self.machine("one").store.trail
        with self.machine("one").store.read() as session:
            assert trail.check(session.connection()).sound
            said = [entry.record for entry in trail.entries(session.connection())]
        return [one for one in said if one["type"] == "log.evidence_rewrapped"]


def rotate(evidence: EvidenceStore) -> Rotation:
    return evidence.rotate(actor="svc:terminal", by=IT, told=lambda _done, _total: None)


def some_batches(house: House, number: int = 1) -> None:
    """Begin a change from `one` to `two`, and break it off after so many transactions."""
    evidence = house.machine("two", "one")
    run = Rotation(house.key("two").open(), evidence.key_named, "svc:terminal", IT)
    for _ in range(number):
        with evidence.store.write() as session:
            run.go_on(session, partial(evidence.store.tell, session))


def read(evidence: EvidenceStore, case: str) -> bytes:
    with evidence.open(case, "a.bin") as clear:
        return clear.read()


@pytest.fixture
def house(tmp_path: Path, empty_database: Path) -> Iterator[House]:
    shutil.copy(empty_database, tmp_path / "case.db")
    for name in ("one", "two", "three"):
        make(tmp_path / f"{name}.key")
    built = House(tmp_path)
    for case in CASES:
        built.machine("one").save(case, "a.bin", case.encode())
    yield built
    for engine in built.engines:
        engine.dispose()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)


class TestRotation:
    def test_only_the_new_key_is_needed(self, house: House) -> None:
        """Afterwards the new key alone opens every case's evidence, as it was, and the former one none."""
        done = rotate(house.machine("two", "one"))
        assert (done.count, done.damaged) == (5, ())
        assert [read(house.machine("two"), case) for case in CASES] == [case.encode() for case in CASES]
        for case in CASES:
            with pytest.raises(Misconfigured, match=house.name("two")):
                read(house.machine("one"), case)

    def test_told(self, house: House) -> None:
        """The log tells from which key to which, how many, and, in what can be erased, who: nowhere a key."""
        rotate(house.machine("two", "one"))
        said = house.told()
        assert [(one["from_key"], one["to_key"], one["count"]) for one in said] == [
            (house.name("one"), house.name("two"), number) for number in (2, 2, 1)
        ]
        assert {(one["case"], one["actor"]) for one in said} == {("log", "svc:terminal")}
        with house.machine("two").store.read() as session:
            raw = session.connection().exec_driver_sql("SELECT payload FROM audit_payload").scalars().all()
            leaves = session.connection().exec_driver_sql("SELECT leaf FROM audit_entry").scalars().all()
        assert all(b'"subject":"it.mori"' in payload and b'"unauthenticated"' in payload for payload in raw)
        assert not any(b"mori" in leaf for leaf in leaves)
        disk = (house.folder / "case.db").read_bytes() + (house.folder / "case.db-wal").read_bytes()
        for name in ("one", "two"):
            secret = house.key(name).path.read_text().strip()
            assert secret.encode() not in disk
            assert bytes.fromhex(secret) not in disk

    def test_progress(self, house: House) -> None:
        """Whoever waits hears how many of how many are done."""
        heard: list[tuple[int, int]] = []
        house.machine("two", "one").rotate(actor="svc:terminal", by=IT, told=lambda *one: heard.append(one))
        assert heard == [(2, 5), (4, 5), (5, 5)]

    def test_twice(self, house: House) -> None:
        """A second run changes no row and tells nothing."""
        rotate(house.machine("two", "one"))
        rows, told = house.rows(), house.told()
        for again in (house.machine("two", "one"), house.machine("two")):
            assert rotate(again).count == 0
        assert (house.rows(), house.told()) == (rows, told)

    def test_nothing_wrapped_yet(self, tmp_path: Path, empty_database: Path) -> None:
        """Without evidence there is nothing to change: the key that the settings name is simply the first."""
        (tmp_path / "empty").mkdir()
        shutil.copy(empty_database, tmp_path / "empty" / "case.db")
        make(tmp_path / "empty" / "one.key")
        house = House(tmp_path / "empty")
        assert rotate(house.machine("one")).count == 0
        assert (house.rows(), house.told()) == ([], [])

    def test_one_key_named_twice(self, house: House) -> None:
        """The same file as new and as former key is one key: nothing changes."""
        before = house.rows()
        assert rotate(house.machine("one", "one")).count == 0
        assert (house.rows(), house.told()) == (before, [])

    def test_a_file_that_grows_meanwhile(self, house: House) -> None:
        """A log that is being read while the key changes is read to its end, and comes back whole."""
        with house.machine("one").grow(CASES[0], "log.bin") as growing:
            growing.append(b"before ")
            rotate(house.machine("two", "one"))
            growing.append(b"after")
            house.machine("one").finish(growing)
        with house.machine("two").open(CASES[0], "log.bin") as clear:
            assert clear.read() == b"before after"

    def test_in_a_closed_log(self, house: House) -> None:
        """The evidence of a log that has ended stays under a key, which changes as any other does."""
        store = house.machine("one").store
        with store.write() as session:
            rollover.close(session.connection(), store.trail, "test.example/audit/2027", "svc:terminal")
        assert rotate(house.machine("two", "one")).count == 5
        assert [one["count"] for one in house.told()] == [2, 2, 1]

    def test_third_key(self, house: House) -> None:
        """Each change begins where the last one ended."""
        rotate(house.machine("two", "one"))
        rotate(house.machine("three", "two"))
        assert [read(house.machine("three"), case) for case in CASES] == [case.encode() for case in CASES]
        house.machine("three").save("case-new", "a.bin", b"new")
        assert {master for _, master, _ in house.rows()} == {house.name("three")}


class TestWriters:
    def test_both_keys_before_the_change(self, house: House) -> None:
        """Until the change is made, who holds both wraps by the present key: a machine with that one alone still reads all."""
        house.machine("two", "one").save("case-new", "a.bin", b"new")
        assert read(house.machine("one"), "case-new") == b"new"

    def test_both_keys_the_other_way_round(self, house: House) -> None:
        """Which setting names which of the two does not matter to a writer: by the log the key in force is one."""
        rotate(house.machine("two", "one"))
        house.machine("one", "two").save("case-new", "a.bin", b"new")
        assert read(house.machine("two"), "case-new") == b"new"

    def test_only_the_former_key(self, house: House) -> None:
        """From the first batch on, who holds only the former key begins no evidence, is told so, and reads what is still under it."""
        some_batches(house)
        late, before = house.machine("one"), house.rows()
        for case in ("case-new", CASES[0]):
            with pytest.raises(Misconfigured, match=house.name("two")) as refused:
                late.save(case, "b.bin", b"new")
            assert "LASTDAY_EVIDENCE_KEY_FILE" in refused.value.remedy
        assert house.rows() == before
        assert read(late, CASES[4]) == CASES[4].encode()

    def test_only_the_former_key_when_all_was_erased(self, house: House) -> None:
        """Also where nothing is left under the new key: a key that was left wraps nothing more."""
        rotate(house.machine("two", "one"))
        for case in CASES:
            house.machine("two").erase(case)
        with pytest.raises(Misconfigured, match=house.name("two")):
            house.machine("one").save("case-new", "a.bin", b"new")
        house.machine("two").save("case-new", "a.bin", b"new")
        assert read(house.machine("two"), "case-new") == b"new"

    def test_all_was_erased_and_the_key_lost(self, house: House) -> None:
        """Where no evidence is left, a lost key is missed by nobody: what the settings name begins anew."""
        for case in CASES:
            house.machine("one").erase(case)
        house.key("one").path.unlink()
        house.machine("two").save("case-new", "a.bin", b"new")
        assert read(house.machine("two"), "case-new") == b"new"

    def test_a_new_file_that_is_spoilt(self, house: House) -> None:
        """What is wrong with a key that is to come stops nothing under the present one, neither reading nor writing."""
        house.key("two").path.write_text("spoilt")
        house.machine("two", "one").save("case-new", "a.bin", b"new")
        assert read(house.machine("two", "one"), "case-new") == b"new"

    def test_at_once(self, house: House) -> None:
        """Writers with both keys and two runs at once: each case's key is wrapped anew once, told once, and none is lost."""
        cases = [f"case-new-{n}" for n in range(12)]

        def write(case: str) -> None:
            house.machine("two", "one").save(case, "a.bin", case.encode())

        def run(_: int) -> int:
            return rotate(house.machine("two", "one")).count

        with ThreadPoolExecutor(4) as pool:
            writes, runs = [pool.submit(write, case) for case in cases], [pool.submit(run, n) for n in range(2)]
            again = sum(one.result() for one in runs)
            for one in writes:
                one.result()
        assert again + rotate(house.machine("two", "one")).count == sum(one["count"] for one in house.told())
        assert len({one["from_key"] for one in house.told()}) == 1
        assert [read(house.machine("two"), case) for case in [*CASES, *cases]] == [
            case.encode() for case in [*CASES, *cases]
        ]

    def test_old_key_at_once(self, house: House) -> None:
        """Whoever holds only the former key meanwhile either wrote before the change, and is wrapped anew, or wrote nothing."""
        kept: list[str] = []

        def write(case: str) -> None:
            try:
                house.machine("one").save(case, "a.bin", case.encode())
            except Misconfigured:
                return
            kept.append(case)

        with ThreadPoolExecutor(4) as pool:
            writes = [pool.submit(write, f"case-new-{n}") for n in range(12)]
            run = pool.submit(rotate, house.machine("two", "one"))
            for one in writes:
                one.result()
            run.result()
        assert {master for _, master, _ in house.rows()} == {house.name("two")}
        assert [read(house.machine("two"), case) for case in kept] == [case.encode() for case in kept]

    @pytest.mark.parametrize("theirs", [CASES[:3], CASES[2:]])
    def test_two_keys_of_an_earlier_version(self, house: House, theirs: list[str]) -> None:
        """Where two machines wrapped by keys of their own, as once was possible, one change brings all under one key, for good."""
        new = house.name("two")
        with house.machine("one").store.write() as session:
            for case in theirs:
                row = session.get_one(EvidenceKey, case)
                key = house.key("one").open().unwrap(row.wrapped or b"", case.encode())
                row.wrapped, row.master = house.key("two").open().wrap(key, case.encode()), new
        assert rotate(house.machine("one", "two")).count == 3
        assert [read(house.machine("one"), case) for case in CASES] == [case.encode() for case in CASES]
        for case in CASES:
            house.machine("one").erase(case)
        with pytest.raises(Misconfigured, match=house.name("one")):
            house.machine("two").save("case-new", "a.bin", b"new")


class TestRefused:
    @pytest.mark.parametrize("settings", [("one", None), ("one", "two")])
    def test_a_key_that_was_left(self, house: House, settings: tuple[str, str | None]) -> None:
        """A key whose place another one took never wraps again, and nothing is changed."""
        rotate(house.machine("two", "one"))
        before = house.rows(), house.told()
        with pytest.raises((BadRequest, Misconfigured)) as refused:
            rotate(house.machine(*settings))
        assert refused.value.remedy
        assert (house.rows(), house.told()) == before

    @pytest.mark.parametrize("former", [None, "three"])
    def test_without_the_former_key(self, house: House, former: str | None) -> None:
        """A change does not begin without the key under which evidence lies: the sentence names it."""
        before = house.rows()
        with pytest.raises(Misconfigured, match=house.name("one")):
            rotate(house.machine("two", former))
        assert (house.rows(), house.told()) == (before, [])

    def test_before_the_last_one_ended(self, house: House) -> None:
        """A further change needs the key in force; what the last one left behind stays where it is, is named, and can follow later."""
        some_batches(house)
        before = house.rows(), house.told()
        with pytest.raises(Misconfigured, match=house.name("two")):
            rotate(house.machine("three", "one"))
        assert (house.rows(), house.told()) == before
        further = rotate(house.machine("three", "two"))
        assert (further.count, further.missing) == (2, (house.name("one"),))
        assert [read(house.machine("two", "one"), case) for case in CASES[2:]] == [case.encode() for case in CASES[2:]]
        last = rotate(house.machine("three", "one"))
        assert (last.count, last.missing) == (3, ())
        assert [read(house.machine("three"), case) for case in CASES] == [case.encode() for case in CASES]

    def test_a_case_that_is_damaged(self, house: House) -> None:
        """A case's key that nothing opens is in the way of no later change."""
        with house.machine("one").store.write() as session:
            session.get_one(EvidenceKey, CASES[1]).wrapped = b"x" * 60
        assert rotate(house.machine("two", "one")).damaged == (CASES[1],)
        further = rotate(house.machine("three", "two"))
        assert (further.count, further.damaged, further.missing) == (4, (), (house.name("one"),))

    def test_another_change_meanwhile(self, house: House) -> None:
        """A run that another key overtook stops: it takes nothing back to its own."""
        evidence = house.machine("two", "one")
        late = Rotation(house.key("two").open(), evidence.key_named, "svc:terminal", IT)
        rotate(house.machine("two", "one"))
        rotate(house.machine("three", "two"))
        before = house.rows()
        with pytest.raises((BadRequest, Misconfigured)), evidence.store.write() as session:
            late.go_on(session, partial(evidence.store.tell, session))
        assert house.rows() == before

    @pytest.mark.parametrize(
        ("which", "content", "mode"),
        [
            ("two", "00" * 32, 0o640),
            ("two", "00" * 31, 0o600),
            ("two", "", 0o600),
            ("one", "00" * 32, 0o644),
            ("one", "zz" * 32, 0o600),
            ("one", None, 0o600),
            ("two", None, 0o600),
        ],
    )
    def test_key_file(self, house: House, which: str, content: str | None, mode: int) -> None:
        """A file that is gone, is none, or lies open to others: nothing begins, and no other one is made in its place."""
        path = house.key(which).path
        path.unlink() if content is None else path.write_text(content)
        if content is not None:
            path.chmod(mode)
        before = house.machine("two", "one").store
        with before.read() as session:
            rows = [(row.master, row.wrapped) for row in session.exec(select(EvidenceKey)).all()]
        with pytest.raises(Misconfigured) as refused:
            rotate(house.machine("two", "one"))
        assert str(path) in str(refused.value)
        assert path.exists() is (content is not None)
        with before.read() as session:
            assert [(row.master, row.wrapped) for row in session.exec(select(EvidenceKey)).all()] == rows
            assert before.trail.check(session.connection()).size == 0

    def test_a_former_file_that_nobody_needs(self, house: House) -> None:
        """What is wrong with a key that is not needed stops nothing."""
        rotate(house.machine("two", "one"))
        house.key("one").path.write_text("spoilt")
        assert read(house.machine("two", "one"), CASES[0]) == CASES[0].encode()
        house.machine("two", "one").save("case-new", "a.bin", b"new")
        assert rotate(house.machine("two", "one")).count == 0


class TestErased:
    @pytest.mark.parametrize("batches", [0, 1, 2])
    def test_stays_erased(self, house: House, batches: int) -> None:
        """A case that was erased before, between or after has no key afterwards, whichever master keys one holds."""
        evidence, gone = house.machine("two", "one"), CASES[2]
        run = Rotation(house.key("two").open(), evidence.key_named, "svc:terminal", IT)
        for _ in range(batches):
            with evidence.store.write() as session:
                run.go_on(session, lambda draft: evidence.store.tell(session, draft))  # called within
        house.machine("two", "one").erase(gone)
        assert rotate(house.machine("two", "one")).damaged == ()
        assert [wrapped for case, _, wrapped in house.rows() if case == gone] == [None]
        for keys in (("two", "one"), ("one", None), ("two", None)):
            with pytest.raises(EvidenceErased):
                read(house.machine(*keys), gone)
            with pytest.raises(EvidenceErased):
                house.machine(*keys).save(gone, "b.bin", b"again")
        assert sum(one["count"] for one in house.told()) == (5 if batches == 2 else 4)

    def test_leaves_no_key_behind(self, house: House) -> None:
        """What the former key wrapped is in no page of the database any more: who keeps that key opens nothing with it."""
        wrapped = [one for _, _, one in house.rows() if one]
        evidence = house.machine("two", "one")
        rotate(evidence)
        for engine in house.engines:
            engine.dispose()
        with evidence.store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        disk = (house.folder / "case.db").read_bytes()
        assert not any(one in disk for one in wrapped)


class TestDamaged:
    def test_one_case(self, house: House) -> None:
        """A case's key that opens under none is named and left as it is; the others change, and a second run says the same."""
        with house.machine("one").store.write() as session:
            row = session.get_one(EvidenceKey, CASES[1])
            row.wrapped = bytes([row.wrapped[0] ^ 1]) + row.wrapped[1:] if row.wrapped else None
        [spoilt] = [row for row in house.rows() if row[0] == CASES[1]]
        for changed in (4, 0):
            done = rotate(house.machine("two", "one"))
            assert (done.count, done.damaged) == (changed, (CASES[1],))
        assert spoilt in house.rows()
        assert sum(one["count"] for one in house.told()) == 4
        with pytest.raises(EvidenceDamaged):
            read(house.machine("two", "one"), CASES[1])
        with house.machine("one").store.read() as session:
            assert rotation.needed(session) == {house.name("one"): 1, house.name("two"): 4}

    def test_a_whole_batch(self, house: House) -> None:
        """Though none of the first cases can be changed, the new key is in force with the first transaction."""
        with house.machine("one").store.write() as session:
            for case in CASES[:2]:
                session.get_one(EvidenceKey, case).wrapped = b"x" * 60
        some_batches(house)
        assert [one["count"] for one in house.told()] == [0]
        with pytest.raises(Misconfigured, match=house.name("two")):
            house.machine("one").save("case-new", "a.bin", b"new")


class TestBackup:
    def test_of_before_the_change(self, house: House) -> None:
        """A restored backup needs the key of its time: without it the sentence names it, with it the change is made again."""
        with house.machine("one").store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        backup = (house.folder / "case.db").read_bytes()
        rotate(house.machine("two", "one"))
        for engine in house.engines:
            engine.dispose()
        for left in house.folder.glob("case.db*"):
            left.unlink()
        (house.folder / "case.db").write_bytes(backup)
        later = house.machine("two")
        for attempt in (
            lambda: read(later, CASES[0]),
            lambda: later.save("case-new", "a.bin", b"new"),
            lambda: rotate(later),
        ):
            with pytest.raises(Misconfigured, match=house.name("one")):
                attempt()
        assert read(house.machine("two", "one"), CASES[0]) == CASES[0].encode()
        assert rotate(house.machine("two", "one")).count == 5
        assert read(house.machine("two"), CASES[0]) == CASES[0].encode()


KILLED = """
import os, sys
from pathlib import Path
from sqlmodel import Session
from casework.evidence import rotation
from casework.evidence.keys import MasterKey
from tests.casework.test_key_rotation import House, rotate

left = [int(sys.argv[2])]
def moment():
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), 9)
real_wrap, real_commit = MasterKey.wrap, Session.commit
def wrap(*given):
    moment()
    return real_wrap(*given)
def commit(session):
    moment()
    real_commit(session)
    moment()
MasterKey.wrap, Session.commit = wrap, commit
rotation.BATCH = 2
rotate(House(Path(sys.argv[1])).machine("two", "one"))
"""


class TestKilled:
    @pytest.mark.parametrize(
        "moment",
        [
            1,
            3,
            4,
            7,
            10,
            *(pytest.param(n, marks=pytest.mark.chaos) for n in range(1, 12) if n not in {1, 3, 4, 7, 10}),
        ],
    )
    def test_at_any_step(self, house: House, moment: int) -> None:
        """Killed by -9 before any key is wrapped, and before and after any commit: each is under one key, and a second run ends it."""
        child = subprocess.run(  # nothing else is to run meanwhile
            [sys.executable, "-c", KILLED, str(house.folder), str(moment)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert child.returncode == -9, child.stderr.decode()
        committed = {1: 0, 2: 0, 3: 0, 4: 2, 5: 2, 6: 2, 7: 2, 8: 4, 9: 4, 10: 4, 11: 5}[moment]
        assert [master for _, master, _ in house.rows()].count(house.name("two")) == committed
        assert sum(one["count"] for one in house.told()) == committed
        assert [read(house.machine("two", "one"), case) for case in CASES] == [case.encode() for case in CASES]
        assert rotate(house.machine("two", "one")).count == 5 - committed
        assert sum(one["count"] for one in house.told()) == 5
        assert [read(house.machine("two"), case) for case in CASES] == [case.encode() for case in CASES]

    def test_in_every_transaction(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A transaction that is taken back takes its event and its keys back together, whichever it is."""
        real: Callable[[Session], None] = Session.commit
        for nth in count(1):
            calls = count(1)

            def failing(session: Session, calls: Iterator[int] = calls, nth: int = nth) -> None:
                if next(calls) == nth:
                    raise OSError("disk")
                real(session)

            with monkeypatch.context() as patch:
                patch.setattr(Session, "commit", failing)
                try:
                    rotate(house.machine("two", "one"))
                except OSError:
                    assert [master for _, master, _ in house.rows()].count(house.name("two")) == sum(
                        one["count"] for one in house.told()
                    )
                    continue
            break
        assert sum(one["count"] for one in house.told()) == 5
