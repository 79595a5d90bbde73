"""What the roles of PostgreSQL may do with the trail, tried as those roles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from audit import anchors, outbox, roles, tables
from audit.trail import Trail
from tests.audit.samples import seen


@pytest.fixture
def shared(postgres_url: str, trail: Trail) -> Iterator[Engine]:
    """A log with three events, one writer and one reader."""
    engine = create_engine(postgres_url, poolclass=NullPool)
    with engine.begin() as connection:
        for role in ("lastday_app", "lastday_auditor"):
            connection.execute(text(f"DROP ROLE IF EXISTS {role}"))
            connection.execute(text(f"CREATE ROLE {role}"))
            connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {role}"))
        tables.create(connection)
        anchors.create(connection)
        outbox.create(connection)
        for n in range(3):
            trail.append(connection, seen(n), {"n": n})
        for _ in range(2):  # twice is safe
            roles.grant_writer(connection, "lastday_app")
            roles.grant_reader(connection, "lastday_auditor")
    yield engine
    with engine.begin() as connection:
        connection.execute(text("DROP OWNED BY lastday_app, lastday_auditor"))


class TestWriter:
    def test_appends(self, shared: Engine, trail: Trail) -> None:
        """The application's role appends, and the log stays sound."""
        with shared.begin() as connection:
            connection.execute(text("SET ROLE lastday_app"))
            trail.append(connection, seen(3), {"n": 3})
            report = trail.check(connection)
        assert (report.sound, report.size) == (True, 4)

    def test_erases(self, shared: Engine) -> None:
        """It erases a payload in the one way that the trigger allows."""
        with shared.begin() as connection:
            connection.execute(text("SET ROLE lastday_app"))
            erased = "UPDATE audit_payload SET salt = NULL, payload = NULL, erased_at = now() WHERE idx = 1"
            assert connection.execute(text(erased)).rowcount == 1

    def test_anchors(self, shared: Engine) -> None:
        """It keeps an anchor, adds the stamp that came later, and raises an alarm."""
        with shared.begin() as connection:
            connection.execute(text("SET ROLE lastday_app"))
            connection.execute(text("INSERT INTO audit_anchor VALUES ('log', 1, 'note', '[]', 1, now())"))
            stamped = connection.execute(text("UPDATE audit_anchor SET tsr = 'tsr', tsa_time = now()"))
            alarm = "INSERT INTO audit_alarm (origin, witness, note, raised_at) VALUES ('log', 'w', 'note', now())"
            assert (stamped.rowcount, connection.execute(text(alarm)).rowcount) == (1, 1)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_entry SET leaf = nodes",
            "DELETE FROM audit_entry",
            "TRUNCATE audit_entry, audit_payload",
            "DELETE FROM audit_payload",
            "UPDATE audit_payload SET idx = 9",
            "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
            "DELETE FROM audit_anchor",
            "UPDATE audit_anchor SET note = ''",
            "UPDATE audit_alarm SET witness = ''",
            "DROP TABLE audit_entry",
            "DROP FUNCTION audit_refuse()",
            "CREATE TRIGGER mine BEFORE INSERT ON audit_entry EXECUTE FUNCTION audit_refuse()",
        ],
    )
    def test_refused(self, shared: Engine, trail: Trail, statement: str) -> None:
        """Everything else is refused for want of the right, before any trigger is asked."""
        with shared.connect() as connection:
            connection.execute(text("SET ROLE lastday_app"))
            with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
                connection.execute(text(statement))
        with shared.begin() as connection:
            assert trail.check(connection).sound


class TestReader:
    def test_leaves_alone(self, shared: Engine) -> None:
        """An auditor's role reads leaves, which name nobody, and no payload."""
        with shared.connect() as connection:
            connection.execute(text("SET ROLE lastday_auditor"))
            assert connection.execute(text("SELECT count(*) FROM audit_entry")).scalar_one() == 3
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text("SELECT * FROM audit_payload"))


class TestNotForThis:
    def test_owner(self, shared: Engine) -> None:
        """The owner cannot be kept out, and is told to migrate as another role."""
        with shared.begin() as connection:
            owner = connection.execute(text("SELECT current_user")).scalar_one()
            with pytest.raises(ValueError, match="migrate as another one"):
                roles.grant_writer(connection, owner)

    def test_odd_name(self, shared: Engine) -> None:
        """A name that would have to be quoted is refused, not quoted."""
        with shared.begin() as connection, pytest.raises(ValueError, match="small letters"):
            roles.grant_writer(connection, 'x"; DROP TABLE audit_entry; --')

    def test_sqlite(self) -> None:
        """SQLite has no roles, and says so."""
        with create_engine("sqlite://").begin() as connection, pytest.raises(ValueError, match="there are none"):
            roles.grant_writer(connection, "lastday_app")
