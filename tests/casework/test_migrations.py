"""A database of the first core becomes one of this: no row is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine
from sqlmodel import Session, select

from casework.consents import answered, living
from casework.question_kinds import YES
from casework.questions import open_questions
from casework.schema import _config, migrate
from casework.store import open_engine
from models.actor import NOBODY, UNAUTHENTICATED, Actor, itself
from models.tables import Attestation, CaseEntitlement, Question, Waiver, metadata
from models.vocabulary import QuestionKind, RestoreOutcome
from tests.audit.conftest import postgres, postgres_url

__all__ = ["postgres", "postgres_url"]

FIRST_CORE, BEFORE_QUESTIONS = "0004", "0008"
AT = datetime(2026, 11, 1, tzinfo=UTC)
FATES = (None, "restored", "re_enrol", "not_restorable", "problem", "attested", "asked")


def put(engine: Engine, table: str, **given: Any) -> None:
    """Write one row of an old table; what is not *given* and must not be empty is blank."""
    with engine.begin() as connection:
        old = sa.Table(table, sa.MetaData(), autoload_with=connection)
        blank: dict[type, Any] = {bool: False, int: 0, float: 1.0, str: "", datetime: AT, type(AT.date()): AT.date()}
        wanted = [c for c in old.columns if not c.nullable and not c.primary_key and c.name not in given]
        filled = {c.name: {} if isinstance(c.type, sa.JSON) else blank[c.type.python_type] for c in wanted}
        connection.execute(old.insert().values(**filled | given))


def carry(engine: Engine, version: str) -> None:
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        if version == FIRST_CORE and sa.inspect(connection).has_table("question"):
            command.downgrade(config, version)
        else:
            command.upgrade(config, version)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database, of each sort in turn."""
    url = f"sqlite:///{tmp_path}/old.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = open_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def first_core(engine: Engine) -> Engine:
    """The first core's database, with a restore that was asked for and rows that it brought to their ends."""
    carry(engine, FIRST_CORE)
    put(
        engine, "approval", id="restore-1", case_id="case-1", verb="restore", reason="wrong person", requested_by="hr",
        requested_at=AT,
    )  # fmt: skip
    for number, restored in enumerate(FATES):
        put(
            engine, "entitlement", case_id="case-1", id=f"row-{number}", service="slack", account_id="U1", kind="group",
            vendor_id=f"S{number}", state="observed_closed", confirmation="read", found_at=AT, restored=restored,
        )  # fmt: skip
    return engine


@pytest.fixture
def signed(engine: Engine) -> Engine:
    """A database in which approvals, waivers and answers had tables of their own, one of each sort of row."""
    carry(engine, BEFORE_QUESTIONS)
    put(engine, "offboarding_case", id="case-1", employee_no="E1", employee_key="e1", timezone="Asia/Tokyo", due_at=AT,
        kind="resignation", state="closed", run_state="none")  # fmt: skip
    for id_, case, verb, ref, by in (
        ("restore-1", "case-1", "restore", "acct-1", "it"), ("restore-2", "case-1", "restore", None, None),
        ("return-1", "case-1", "restore", None, "hr"), ("erase-1", "case-1", "erase", None, None),
        ("retire-1", "tenant", "retire:slack", None, "ciso"),
    ):  # fmt: skip
        put(engine, "approval", id=id_, case_id=case, verb=verb, account_ref=ref, reason="why", requested_by="hr",
            requested_at=AT, approved_by=by, approved_at=AT if by else None)  # fmt: skip
    waiver = {"service": "slack", "kind": "grant", "accepts": "no_api", "reason": "why", "until": AT.date(),
              "requested_by": "a", "requested_at": AT}  # fmt: skip
    put(engine, "waiver", id="waiver-1", **waiver, approved_by="b", approved_at=AT)
    put(engine, "waiver", id="waiver-2", case_id="case-1", entitlement_id="row-1", **waiver)
    put(engine, "attestation", id="attest-1", case_id="case-1", entitlement_id="row-1", person="it", attested_at=AT)
    put(engine, "attestation", id="attest-2", case_id="case-2", entitlement_id="row-1", person="", attested_at=AT)
    put(engine, "trade_secret_answer", id="answer-1", case_id="case-1", test="usefulness", text="prices",
        answered_by="legal", answered_at=AT)  # fmt: skip
    asked = {"case_id": "case-1", "text": "?", "options": [{"account": "s1", "standing": "asked"}], "asked_at": AT}
    put(engine, "question", id="q-1", kind="whose_account", service="slack", **asked)
    answer = {"answered_at": AT, "answered_by": "it", "reason": ""}
    put(engine, "question", id="q-2", kind="release", answer=["release"], **asked, **answer)
    put(engine, "question", id="q-3", kind="whose_account", answer=[], **asked, **answer | {"answered_by": "svc:serve"})
    return engine


def every(engine: Engine, table: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        old = sa.Table(table, sa.MetaData(), autoload_with=connection)
        return [dict(row) for row in connection.execute(old.select().order_by(*old.primary_key)).mappings()]


class TestRestores:
    def test_keep_their_fates(self, first_core: Engine) -> None:
        """
        What a restore of the first core came to is read as it was; one that was asked for is of the whole case, and a row that
        a person is asked about has its question.
        """
        migrate(first_core)
        with Session(first_core) as session:
            (request,) = open_questions(session, "case-1", {QuestionKind.RESTORE})
            rows = session.exec(select(CaseEntitlement).order_by(CaseEntitlement.id)).all()
            (asked,) = open_questions(session, "case-1", {QuestionKind.TAKEN_BY_US})
        assert (request.id, request.subject, request.text) == ("restore-1", None, "wrong person")
        assert [row.restored for row in rows] == [fate and RestoreOutcome(fate) for fate in FATES]
        assert asked.subject == rows[-1].id

    def test_go_back(self, first_core: Engine) -> None:
        """The way back loses no row either."""
        migrate(first_core)
        carry(first_core, FIRST_CORE)
        assert len(every(first_core, "entitlement")) == len(FATES)
        (request,) = every(first_core, "approval")
        assert (request["verb"], request["requested_by"], request["approved_by"]) == ("restore", "hr", None)


class TestQuestions:
    def test_of_every_kind_are_carried_over(self, signed: Engine) -> None:
        """Whatever was asked is a question of its kind, with who asked, who answered and what about; given is given."""
        migrate(signed)
        with Session(signed) as session:
            found = {q.id: q for q in session.exec(select(Question)).all()}
            waiting = {q.id for q in open_questions(session, "case-1", set(QuestionKind))}
            retired = [q.subject for q in answered(session, "tenant", QuestionKind.RETIRE)]
            (told,) = answered(session, "case-1", QuestionKind.TRADE_SECRET)
        kinds = {"restore-1": "restore", "restore-2": "restore", "return-1": "return", "erase-1": "erase", "retire-1": "retire",
                 "waiver-1": "waive", "waiver-2": "waive", "answer-1": "trade_secret", "q-1": "whose_account",
                 "q-2": "release", "q-3": "whose_account"}  # fmt: skip
        assert {id_: str(question.kind) for id_, question in found.items()} == kinds
        assert waiting == {"restore-2", "erase-1", "waiver-2", "q-1"}
        assert (retired, found["restore-1"].subject) == (["slack"], "acct-1")
        given = {id_ for id_, question in found.items() if question.answer == [YES]}
        assert given == {"restore-1", "return-1", "retire-1", "waiver-1", "q-2"}
        assert (told.subject, told.answer) == ("usefulness", ["prices"])
        assert {question.revision for question in found.values()} == {1}
        assert found["q-1"].wanted_by == AT

    def test_what_was_consented_to_is_asked_anew(self, signed: Engine) -> None:
        """A consent of earlier days allows nothing any more; only a restore that is under way goes on."""
        put(signed, "offboarding_case", id="case-2", employee_no="E2", employee_key="e2", timezone="Asia/Tokyo", due_at=AT,
            kind="resignation", state="restoring", run_state="none")  # fmt: skip
        for id_, case, verb in (
            ("restore-3", "case-1", "restore"), ("restore-4", "case-2", "restore"), ("erase-2", "case-1", "erase"),
            ("erase-3", "case-2", "erase"),
        ):  # fmt: skip
            put(signed, "approval", id=id_, case_id=case, verb=verb, reason="why", requested_by="hr", requested_at=AT,
                approved_by="it", approved_at=AT)  # fmt: skip
        migrate(signed)
        with Session(signed) as session:
            used = {q.id: q.used_at for q in session.exec(select(Question)).all() if q.used_at is not None}
            going_on = [q.id for q in living(session, "case-2", QuestionKind.RESTORE)]
        assert used == dict.fromkeys(("restore-1", "return-1", "restore-3", "erase-2", "erase-3"), AT)
        assert going_on == ["restore-4"]

    def test_names_are_of_a_terminal(self, signed: Engine) -> None:
        """Who signed did so at a terminal, unauthenticated; what casework settled it settled itself, what was erased names nobody."""
        migrate(signed)
        with Session(signed) as session:
            waiver, attestation = session.get_one(Waiver, "waiver-1"), session.get_one(Attestation, "attest-1")
            erased, settled = session.get_one(Attestation, "attest-2"), session.get_one(Question, "q-3")
            asked = session.get_one(Question, "waiver-1")
        assert waiver.requested_by == asked.asked_by == Actor("terminal", "a", UNAUTHENTICATED)
        assert waiver.approved_by == asked.answered_by == Actor("terminal", "b", UNAUTHENTICATED)
        assert attestation.person == Actor("terminal", "it", UNAUTHENTICATED)
        assert (erased.person, settled.answered_by) == (NOBODY, itself("svc:serve"))

    def test_make_the_tables_of_the_models(self, signed: Engine) -> None:
        """The migrated tables and indexes are the models'; of looks, those to come alone are in the index."""
        migrate(signed)
        (look,) = [index for index in sa.inspect(signed).get_indexes("look") if index["name"] == "look_to_come"]
        assert "looked_at IS NULL" in "".join(map(str, look["dialect_options"].values()))
        tables = (
            "question", "waiver", "attestation", "offboarding_case", "approval", "trade_secret_answer", "look", "entitlement",
            "heartbeat", "call_budget",
        )  # fmt: skip
        with signed.connect() as connection:
            context = MigrationContext.configure(connection)
            steps = [str(step) for step in compare_metadata(context, metadata)]
        assert [step for step in steps if any(f"'{name}'" in step for name in tables)] == []

    def test_go_back(self, signed: Engine) -> None:
        """Each row is in its old table again, as it was."""
        names = ("approval", "waiver", "attestation", "trade_secret_answer", "question")
        before = {name: every(signed, name) for name in names}
        migrate(signed)
        config = _config()
        with signed.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, BEFORE_QUESTIONS)
        assert {name: every(signed, name) for name in names} == before
