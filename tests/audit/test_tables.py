"""What the database itself refuses, tried by the ways that have worked elsewhere."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from audit import append_only_triggers, tables
from audit.trail import Trail
from tests.audit.samples import seen

ANOTHER = """
  INSERT INTO audit_entry (idx, case_ref, case_seq, leaf, nodes)
  SELECT {idx}, 'case-1', {seq}, leaf, {nodes} FROM audit_entry WHERE idx = 0
"""


@pytest.fixture
def filled(engine: Engine, trail: Trail) -> Engine:
    with engine.begin() as connection:
        for n in range(6):
            trail.append(connection, seen(n), {"n": n}, dedup_key=f"k{n}")
    return engine


class TestSeatBelt:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_entry SET leaf = nodes WHERE idx = 2",
            "UPDATE audit_entry SET dedup_key = 'x' WHERE idx = 2",
            "DELETE FROM audit_entry WHERE idx = 5",
            "DELETE FROM audit_entry",
            "DELETE FROM audit_payload",
            "DELETE FROM audit_payload WHERE idx = 2",
            "UPDATE audit_payload SET payload = salt WHERE idx = 2",
            "UPDATE audit_payload SET idx = 9 WHERE idx = 2",
            "UPDATE audit_payload SET salt = NULL WHERE idx = 2",
            ANOTHER.format(idx=9, seq=6, nodes="nodes"),
            ANOTHER.format(idx=6, seq=2, nodes="nodes"),
            ANOTHER.format(idx=6, seq=6, nodes="substr(leaf, 1, 31)"),
            "INSERT INTO audit_payload (idx, salt, payload) VALUES (77, '', '')",
        ],
    )
    def test_refused(self, filled: Engine, trail: Trail, statement: str) -> None:
        """No row is changed, removed, put out of order or left hanging."""
        with pytest.raises(DBAPIError), filled.begin() as connection:
            connection.execute(text(statement))
        with filled.begin() as connection:
            report = trail.check(connection)
        assert (report.sound, report.size) == (True, 6)

    def test_truncate(self, postgres_url: str, trail: Trail) -> None:
        """PostgreSQL's shortest way of deleting is closed as well."""
        engine = create_engine(postgres_url)
        with engine.begin() as connection:
            tables.create(connection)
            trail.append(connection, seen())
        for statement in ("TRUNCATE audit_entry CASCADE", "TRUNCATE audit_payload"):
            with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
                connection.execute(text(statement))
        engine.dispose()

    def test_erase(self, filled: Engine, trail: Trail) -> None:
        """A payload may be erased, once and whole: leaves and hashes stay, the check asks who told of it."""
        erase = text("UPDATE audit_payload SET salt = NULL, payload = NULL, erased_at = :now WHERE idx = 2")
        with filled.begin() as connection:
            connection.execute(erase, {"now": "2026-11-22 00:00:00.000000"})
            assert str(trail.check(connection).broken) == "row 2: its payload is gone, and no payload.erased records it"
        with pytest.raises(DBAPIError), filled.begin() as connection:
            connection.execute(erase, {"now": "2027-11-22 00:00:00.000000"})


class TestReplace:
    @pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT"])
    @pytest.mark.parametrize(
        "row",
        [(2, "case-1", 2, None), (2, "case-9", 0, None), (6, "case-1", 2, None), (6, "case-1", 7, None),
         (6, "case-1", 6, "k2"), (None, "case-9", 0, None)],
    )  # fmt: skip
    def test_on_a_bare_connection(
        self, sqlite: Engine, trail: Trail, verb: str, row: tuple[int | None, str, int, str | None]
    ) -> None:
        """SQLite's REPLACE removes no row, even on a connection without any of our pragmas."""
        with sqlite.begin() as connection:
            for n in range(6):
                trail.append(connection, seen(n), dedup_key=f"k{n}")
        bare = sqlite3.connect(str(sqlite.url.database))
        with pytest.raises(sqlite3.IntegrityError):
            bare.execute(
                f"{verb} INTO audit_entry (idx, case_ref, case_seq, dedup_key, leaf, nodes) VALUES (?, ?, ?, ?, x'00', ?)",
                (*row, bytes(32)),
            )
        bare.close()
        with sqlite.begin() as connection:
            assert trail.check(connection).size == 6

    def test_payload(self, sqlite: Engine, trail: Trail) -> None:
        """Nor does it exchange a payload."""
        with sqlite.begin() as connection:
            trail.append(connection, seen(), {"n": 1})
        bare = sqlite3.connect(str(sqlite.url.database))
        with pytest.raises(sqlite3.IntegrityError):
            bare.execute("REPLACE INTO audit_payload (idx, salt, payload) VALUES (0, x'00', x'00')")
        bare.close()
        with sqlite.begin() as connection:
            assert trail.check(connection).sound


class TestSchema:
    def test_create_and_drop(self, engine: Engine) -> None:
        """A migration can go back and forth; nothing is left behind."""
        with engine.begin() as connection:
            tables.drop(connection)
            assert inspect(connection).get_table_names() == []
            tables.create(connection)
            lock = ["audit_lock"] if engine.dialect.name == "postgresql" else []  # SQLite's file is the lock
            assert sorted(inspect(connection).get_table_names()) == ["audit_entry", *lock, "audit_payload"]

    def test_stands_alone(self) -> None:
        """No foreign key leads out: nobody's deletion can reach a leaf."""
        for table in tables.metadata.tables.values():
            for key in table.foreign_keys:
                assert key.column.table is tables.audit_entry
                assert key.ondelete is None

    def test_another_database(self) -> None:
        """A database on which the log was never tried is refused."""
        with pytest.raises(ValueError, match="mysql"):
            append_only_triggers.statements("mysql")

    def test_pragmas(self, sqlite: Engine) -> None:
        """Each SQLite connection waits for the lock, writes through to the disk, minds its keys and append_only_triggers, and wipes what is erased."""
        with sqlite.begin() as connection:
            names = "busy_timeout journal_mode synchronous foreign_keys recursive_triggers secure_delete"
            found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names.split()]
        assert found == [30_000, "wal", 2, 1, 1, 1]

    def test_begin(self, sqlite: Engine) -> None:
        """A transaction begins IMMEDIATE, DEFERRED for those who only read, and in no other way."""
        shared = sqlite.execution_options(sqlite_begin="DEFERRED")
        with sqlite.begin(), shared.begin() as reading:
            assert reading.exec_driver_sql("SELECT count(*) FROM audit_entry").scalar_one() == 0
        with pytest.raises(ValueError, match="sqlite_begin"):
            sqlite.execution_options(sqlite_begin="EXCLUSIVE; --").connect().begin()
