"""A database of the first core becomes one of this: no row is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from casework.schema import _config, migrate
from casework.store import open_engine
from models.tables import Approval, CaseEntitlement
from models.vocabulary import Restored

FIRST_CORE = "0004"


@pytest.fixture
def first_core(tmp_path: Path) -> Iterator[Engine]:
    """The first core's database, with a restore that was asked for and a row that it could not give back."""
    engine = open_engine(f"sqlite:///{tmp_path / 'first.db'}")
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, FIRST_CORE)
        connection.execute(
            text(
                "INSERT INTO approval (id, case_id, verb, reason, requested_by, requested_at) "
                "VALUES ('restore-1', 'case-1', 'restore', 'wrong person', 'hr', '2026-11-01 00:00:00')"
            )
        )
        for number, restored in enumerate((None, "restored", "re_enrol", "not_restorable", "problem", "attested")):
            connection.execute(
                text(
                    'INSERT INTO entitlement (case_id, id, service, account_id, kind, vendor_id, label, state, "order", '
                    "confirmation, prestate, found_at, attempts, restored) VALUES ('case-1', :id, 'slack', 'U1', 'group', 'S1', "
                    "'', 'observed_closed', 30, 'read', '{}', '2026-11-01 00:00:00', 1, :restored)"
                ),
                {"id": f"row-{number}", "restored": restored},
            )
    yield engine
    engine.dispose()


class TestRestores:
    def test_keep_their_fates(self, first_core: Engine) -> None:
        """What a restore of the first core came to is read as it was; one that was asked for is of the whole case."""
        migrate(first_core)
        with Session(first_core) as session:
            (request,) = session.exec(select(Approval)).all()
            rows = session.exec(select(CaseEntitlement).order_by(CaseEntitlement.id)).all()
        assert (request.id, request.account_ref) == ("restore-1", None)
        assert [row.restored for row in rows] == [
            None, Restored.RESTORED, Restored.RE_ENROL, Restored.NOT_RESTORABLE, Restored.PROBLEM, Restored.ATTESTED,
        ]  # fmt: skip

    def test_go_back(self, first_core: Engine) -> None:
        """The way back loses no row either."""
        migrate(first_core)
        config = _config()
        with first_core.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, FIRST_CORE)
            assert connection.execute(text("SELECT count(*) FROM entitlement")).scalar_one() == 6
            assert connection.execute(text("SELECT count(*) FROM approval")).scalar_one() == 1
