"""A database of the first core keeps every account, judgement and question; facts come with the next search."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from casework.matching import answering
from casework.matching.judging import judge
from casework.matching.searching import find_everywhere
from casework.schema import _config, migrate
from casework.store import Store, open_engine
from models import tables
from tests.casework.conftest import Office
from tests.casework.shown import open_questions, show

ACCOUNT = """INSERT INTO account (id, case_id, service, vendor_id, ref, kind, label, active, mastered_elsewhere, reason, confidence,
 text, standing, decided_by, decided_at, listed_at) VALUES (:id, :case, :service, :vendor, :ref, 'member', 'x@example.test', 1, 0,
 :reason, :confidence, 'old words', :standing, :by, :at, NULL)"""
QUESTION = """INSERT INTO question (id, case_id, kind, service, text, options, asked_at) VALUES ('q-00000000000000aa', :case, 'whose_account', 'slack',
 'Which?', '[{"account": "s1", "standing": "asked"}]', :at)"""


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Engine]:
    """A database as the first core left it."""
    engine = open_engine(f"sqlite:///{tmp_path}/old.db")
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    yield engine
    engine.dispose()


def fill(engine: Engine, case_id: str) -> None:
    """Two accounts that the first core judged, one that it asked about, one that a person decided."""
    at = datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None)
    rows: list[dict[str, Any]] = [
        {
            "service": "google_workspace",
            "vendor": "g1",
            "reason": "employee_no",
            "confidence": 1.0,
            "standing": "accepted",
        },
        {"service": "google_workspace", "vendor": "g9", "reason": "alias", "confidence": 0.95, "standing": "accepted"},
        {"service": "slack", "vendor": "s1", "reason": "name", "confidence": 0.5, "standing": "asked"},
        {"service": "slack", "vendor": "s2", "reason": "name", "confidence": 0.5, "standing": "rejected", "by": "it"},
    ]
    with engine.begin() as connection:
        for n, row in enumerate(rows, start=1):
            values = {"id": n, "case": case_id, "ref": f"acct-{n:016x}", "by": None, "at": at} | row
            connection.execute(text(ACCOUNT), values)
        connection.execute(text(QUESTION), {"case": case_id, "at": at})


class TestMigration:
    def test_keeps_every_row(self, old: Engine) -> None:
        """Standing, reason and decisions stay; no fact is made up from a confidence."""
        fill(old, "case-1")
        migrate(old)
        with old.connect() as connection:
            rows = connection.execute(text("SELECT vendor_id, standing, reason, decided_by, facts FROM account")).all()
            asked = connection.execute(text("SELECT count(*) FROM question WHERE answered_at IS NULL")).scalar_one()
        assert [tuple(row) for row in rows] == [
            ("g1", "accepted", "employee_no", None, None),
            ("g9", "accepted", "alias", None, None),
            ("s1", "asked", "name", None, None),
            ("s2", "rejected", "name", "it", None),
        ]
        assert asked == 1

    def test_makes_the_tables_of_the_models(self, old: Engine) -> None:
        """The migrated schema has the columns that the models have."""
        migrate(old)
        for name in ("account", "account_link", "directory_numbers"):
            columns = {column["name"] for column in inspect(old).get_columns(name)}
            assert columns == {column.name for column in tables.metadata.tables[name].columns}

    async def test_is_judged_anew_by_the_next_search(self, make_office: Callable[..., Office], old: Engine) -> None:
        """What stands is judged by facts once a search has read it; what no search finds keeps its standing."""
        office = make_office()
        office.context = replace(office.context, store=Store(old, office.context.store.trail))
        case_id = bring_case(office, old)
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        profile = office.paper.add("g9", email="boss@example.test", name="月 影子")
        profile.profile = replace(profile.profile, aliases=("e1@example.test",))
        await find_everywhere(office.context, case_id)
        found = {a["id"]: a["standing"] for a in show(office.context, case_id)["accounts"]}
        assert found == {"g1": "accepted", "g9": "asked", "s1": "asked", "s2": "rejected"}
        (question,) = open_questions(office.context, case_id)
        answering.answer(office.context, question.id, chosen=["slack:s1"], by="it", revision=question.revision)
        found = {a["id"]: a["standing"] for a in show(office.context, case_id)["accounts"]}
        assert found == {"g1": "accepted", "g9": "rejected", "s1": "accepted", "s2": "rejected"}

    async def test_an_old_question_can_be_answered(self, make_office: Callable[..., Office], old: Engine) -> None:
        """A question that was asked about one service is answered as it was asked."""
        office = make_office()
        office.context = replace(office.context, store=Store(old, office.context.store.trail))
        case_id = bring_case(office, old)
        answering.answer(office.context, "q-00000000000000aa", chosen=["s1"], by="it")
        with office.context.store.write() as session:
            judge(office.context, session, case_id)
        found = {a["id"]: a["standing"] for a in show(office.context, case_id)["accounts"]}
        assert found == {"g1": "accepted", "g9": "accepted", "s1": "accepted", "s2": "rejected"}


def bring_case(office: Office, engine: Engine) -> str:
    """Migrate the old database with a case in it, and return the case."""
    fill(engine, "case-old")
    migrate(engine)
    case = office.report()
    with engine.begin() as connection:
        for table in ("account", "question"):
            connection.execute(text(f"UPDATE {table} SET case_id = :case"), {"case": case.id})  # noqa: S608  # two names of ours
    return case.id
