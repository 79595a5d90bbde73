"""The schema's versions, by Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from audit import roles
from models.tables import metadata

_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def newest() -> str:
    """Return the version that this code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(engine: Engine) -> str | None:
    """Return the version that the database has, None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> None:
    """Bring the database to the newest version, in one transaction.  Twice is safe."""
    config = _config()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # a large table takes longer than daily work may
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def grant(engine: Engine, writer: str | None, reader: str | None) -> None:
    """
    Grant *writer* and every earlier writer the rights on all tables, and *reader* those on the trail's leaves.  Twice is safe.

    Run it as the owner of the tables.  Raises `ValueError` like `audit.roles`.
    """
    with engine.begin() as connection:
        for role in dict.fromkeys([*roles.writers(connection), *([writer] if writer is not None else [])]):
            roles.grant_writer(connection, role)
            schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
            ours = ", ".join(table.name for table in metadata.sorted_tables)
            connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
            connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {ours} TO {role}")
            connection.exec_driver_sql(f"GRANT SELECT ON alembic_version TO {role}")
            connection.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}")
        if reader is not None:
            roles.grant_reader(connection, reader)
