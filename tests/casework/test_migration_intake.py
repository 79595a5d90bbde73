"""A database of the first core is carried over: every case keeps its row, and a dismissal is recorded as the emergency it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import Session, select

from casework.schema import migrate
from casework.store import open_engine
from models.tables import Case, metadata
from tests.unit.reading_source import ROOT

OPENED = "2026-11-20 03:00:00.000000"
CASES = [
    ("case-1", "E1", "resignation", "waiting"),
    ("case-2", "E2", "dismissal", "contained"),
    ("case-3", "E3", "leave", "closed"),
    ("case-4", "E1", "resignation", "withdrawn"),
]


def upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def insert(connection: Connection, case_id: str, number: str, kind: str, state: str) -> None:
    """Write a row as the first core did."""
    connection.execute(
        text(
            "INSERT INTO offboarding_case (id, employee_no, employee_key, employment_ends_on, timezone, due_at, kind, state, leaver,"
            " reported_by, opened_at, revision, for_real, run_attempt, run_state) VALUES (:id, :number, :key, '2026-11-30',"
            " 'Asia/Tokyo', :at, :kind, :state, '{\"name\": \"x\"}', 'hr.sato', :at, 0, 1, 0, 'none')"
        ),
        {"id": case_id, "number": number, "key": number.lower(), "kind": kind, "state": state, "at": OPENED},
    )


class TestMigration:
    def test_keeps_every_case(self, tmp_path: Path) -> None:
        """Each row of before is there with what it held; the default company is its own, no number is in dispute."""
        engine = open_engine(f"sqlite:///{tmp_path}/old.db")
        with engine.begin() as connection:
            upgrade_to(connection, "0004")
            for row in CASES:
                insert(connection, *row)
        migrate(engine)
        with Session(engine) as session:
            kept = session.exec(select(Case).order_by(Case.id)).all()
            assert [(c.id, c.employee_no, c.kind, c.state) for c in kept] == CASES
            assert {(c.company, c.number_disputed, c.leaver["name"]) for c in kept} == {("default", False, "x")}
            emergencies = [(c.id, c.at_once_at, c.at_once_by) for c in kept if c.at_once_at is not None]
        assert emergencies == [("case-2", datetime(2026, 11, 20, 3, tzinfo=UTC), "hr.sato")]
        engine.dispose()

    def test_leaves_the_tables_as_the_models_say(self, tmp_path: Path) -> None:
        """What the migrations make of the cases' table is what the code expects, its unique index included."""
        engine = open_engine(f"sqlite:///{tmp_path}/new.db")
        migrate(engine)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            steps = [step for step in compare_metadata(context, metadata) if "offboarding_case" in str(step)]
            names = [c[2] for c in connection.exec_driver_sql("PRAGMA index_info(one_live_case)").fetchall()]
        assert steps == []
        assert names == ["company", "employee_key", "employment_ends_on"]
        engine.dispose()
