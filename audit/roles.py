"""
What roles may do with the trail's tables on PostgreSQL: the other half of the seat belt (`audit.triggers`).

The owner makes the tables and is nobody's login in daily work.  The application may append and read, and may erase
a payload or add to an anchor, which triggers allow once and in one way; auditors may read leaves and anchors.  Whoever owns the database can undo all of it: anchors
are for that.
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
"""The trail's tables, and the columns that are filled, or emptied, once; a reader's cursor moves."""
_LOCK = "audit_lock"
"""Whoever may update its row may hold up every writer: nobody but a writer."""
_WRITERS = text(
    "SELECT DISTINCT grantee FROM information_schema.role_table_grants JOIN pg_tables ON tablename = table_name AND schemaname = table_schema"
    " WHERE table_schema = current_schema() AND table_name = 'audit_entry' AND privilege_type = 'INSERT'"
    " AND grantee NOT IN (tableowner, current_user)"
)
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)


def grant_writer(connection: Connection, role: str) -> None:
    """
    Let *role* append, read, anchor and erase payloads; take everything else from it.  Twice is safe.  Run it as the owner.

    Raises `ValueError` for a role whose name needs quoting, for the current user (an owner cannot be kept out), and on
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
    """Let *role* read leaves and anchors, which name nobody; payloads stay closed to it.  Otherwise like `grant_writer`."""
    _only_postgresql(connection, role)
    connection.exec_driver_sql(f"REVOKE ALL ON {', '.join([*_MAY_FILL, _LOCK])} FROM {role}")
    connection.exec_driver_sql(f"GRANT SELECT ON audit_entry, audit_anchor TO {role}")


def writers(connection: Connection) -> list[str]:
    """Return the roles that `grant_writer` has let append; none on other databases than PostgreSQL."""
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
