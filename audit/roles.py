"""
The rights of roles on the trail's tables in PostgreSQL, beside the triggers (`audit.append_only_triggers`).

The owner creates the tables, and nobody logs in as the owner in daily work.  The application may append and read; it may erase
a payload or complete an anchor, each once, as the triggers allow.  Auditors may read leaves and anchors.  The database's owner
can undo all of it; anchors make that visible.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

_MAY_FILL = {
    "audit_entry": (),
    "audit_payload": ("salt", "payload", "erased_at"),
    "audit_anchor": ("tsr", "tsa_time", "recorded_idx"),
    "audit_alarm": ("cleared_at", "cleared_by", "reason"),
    "audit_reader": ("epoch", "idx"),
}
"""The trail's tables, and their columns that may be updated: filled or emptied once; only a reader's cursor moves often."""
_LOCK = "audit_lock"
"""A role that may update its row can block every writer, so only writers may."""
_WRITERS = text(
    "SELECT DISTINCT grantee FROM information_schema.role_table_grants JOIN pg_tables ON tablename = table_name AND schemaname = table_schema"
    " WHERE table_schema = current_schema() AND table_name = 'audit_entry' AND privilege_type = 'INSERT'"
    " AND grantee NOT IN (tableowner, current_user)"
)
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)


def grant_writer(connection: Connection, role: str) -> None:
    """
    Let *role* append, read, anchor and erase payloads; revoke all its other rights.  Safe to repeat.  Run it as the owner.

    Raises `ValueError` for a role whose name needs quoting, for the current user (an owner cannot be restricted), and on
    other databases than PostgreSQL.
    """
    _only_postgresql(connection, role)
    for table, columns in _MAY_FILL.items():
        connection.exec_driver_sql(f"REVOKE ALL ON {table} FROM {role}, PUBLIC")
        connection.exec_driver_sql(f"GRANT SELECT, INSERT ON {table} TO {role}")
        if columns:
            connection.exec_driver_sql(f"GRANT UPDATE ({', '.join(columns)}) ON {table} TO {role}")
    connection.exec_driver_sql(f"REVOKE ALL ON {_LOCK} FROM {role}, PUBLIC")
    connection.exec_driver_sql(f"GRANT SELECT, UPDATE ON {_LOCK} TO {role}")
    connection.exec_driver_sql(f"GRANT USAGE ON SEQUENCE audit_alarm_id_seq TO {role}")


def grant_reader(connection: Connection, role: str) -> None:
    """Let *role* read leaves and anchors, which name nobody, but not payloads.  Otherwise like `grant_writer`."""
    _only_postgresql(connection, role)
    connection.exec_driver_sql(f"REVOKE ALL ON {', '.join([*_MAY_FILL, _LOCK])} FROM {role}")
    connection.exec_driver_sql(f"GRANT SELECT ON audit_entry, audit_anchor TO {role}")


def writers(connection: Connection) -> list[str]:
    """Return the roles to which `grant_writer` gave its rights; empty on other databases than PostgreSQL."""
    if connection.dialect.name != "postgresql":
        return []
    return [role for role in connection.execute(_WRITERS).scalars() if _ROLE.fullmatch(role) is not None]


def _only_postgresql(connection: Connection, role: str) -> None:
    if connection.dialect.name != "postgresql":
        raise ValueError("roles: there are none on this database: protect the file by its owner and mode")
    if _ROLE.fullmatch(role) is None:
        raise ValueError("roles: cannot use the name: small letters, digits and underscores only")
    if connection.exec_driver_sql("SELECT current_user").scalar_one() == role:
        raise ValueError("roles: cannot restrict the role that owns the tables: migrate as another one")
