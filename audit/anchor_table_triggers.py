"""
Triggers that keep anchors and alarms append-only.  As in `audit.append_only_triggers`, they guard against mistakes, not against an attacker.

A frozen note never changes; a stamp and a row number are added once; nothing is deleted.
"""

from __future__ import annotations

_REFUSE = "append-only: refused"
_KEPT = ("origin", "size", "note", "witnesses", "quorum", "created_at")
_ADDED = ("tsr", "tsa_time", "recorded_idx")
_ALARM_KEPT = ("id", "origin", "witness", "note", "raised_at")
_ALARM_ADDED = ("cleared_at", "cleared_by", "reason")


def _once(kept: tuple[str, ...], added: tuple[str, ...], same: str) -> str:
    """Return the SQL condition under which a row may be updated; *same* is the operator that compares two values, NULL included."""
    stays = [f"NEW.{name} {same} OLD.{name}" for name in kept]
    fills = [f"(OLD.{name} IS NULL OR NEW.{name} {same} OLD.{name})" for name in added]
    return " AND ".join([*stays, *fills])


_SQLITE_SAME, _POSTGRESQL_SAME = "IS", "IS NOT DISTINCT FROM"
_TABLES = (("audit_anchor", _KEPT, _ADDED), ("audit_alarm", _ALARM_KEPT, _ALARM_ADDED))
_EXISTING = {
    "audit_anchor": "SELECT 1 FROM audit_anchor WHERE origin = NEW.origin AND size = NEW.size",
    "audit_alarm": "SELECT 1 FROM audit_alarm WHERE id = NEW.id",
}


def _sqlite() -> list[str]:
    made = []
    for table, kept, added in _TABLES:
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table}: {_REFUSE}'); END"
        allowed = _once(kept, added, _SQLITE_SAME)
        made += [
            f"CREATE TRIGGER {table}_insert BEFORE INSERT ON {table} WHEN EXISTS ({_EXISTING[table]}) {refuse}",
            f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} WHEN NOT ({allowed}) {refuse}",
            f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} {refuse}",
        ]
    return made


def _postgresql() -> list[str]:
    made = []
    for table, kept, added in _TABLES:
        refuse = f"RAISE EXCEPTION USING MESSAGE = '{table}: {_REFUSE}'"
        head = "RETURNS trigger LANGUAGE plpgsql AS"
        made += [
            f"CREATE FUNCTION {table}_refuse() {head} $$ BEGIN {refuse}; END $$",
            (
                f"CREATE FUNCTION {table}_once() {head} $$ BEGIN "
                f"IF {_once(kept, added, _POSTGRESQL_SAME)} THEN RETURN NEW; END IF; {refuse}; END $$"
            ),
            (
                f"CREATE TRIGGER {table}_keep BEFORE DELETE OR TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
            ),
            f"CREATE TRIGGER {table}_fill BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_once()",
        ]
    return made


def statements(dialect: str) -> list[str]:
    """Return the DDL of the triggers, to run after the tables'.  Raises `ValueError` for any other database than SQLite and PostgreSQL."""
    if dialect not in {"sqlite", "postgresql"}:
        raise ValueError(f"trail: cannot keep anchors on {dialect}: only SQLite and PostgreSQL")
    return _sqlite() if dialect == "sqlite" else _postgresql()


def removals(dialect: str) -> list[str]:
    """Return the DDL that removes what dropping the tables leaves behind."""
    if dialect != "postgresql":
        return []
    return [f"DROP FUNCTION {table}_{name}()" for table, _, _ in _TABLES for name in ("refuse", "once")]
