"""
Triggers that keep the log append-only: they guard against mistakes, not against the database's owner (anchors do).

SQLite's REPLACE deletes rows without firing a delete trigger unless a pragma says so, and each connection sets its own pragmas.
So the insert trigger demands the next index, the case's next number and an unused key: then REPLACE finds no row to replace.
"""

from __future__ import annotations

_REFUSE = "append-only: refused"

_SQLITE = (
    """
    CREATE TRIGGER audit_entry_insert BEFORE INSERT ON audit_entry BEGIN
      SELECT RAISE(ABORT, 'audit_entry: not the next idx')
       WHERE NEW.idx IS NOT (SELECT COALESCE(MAX(idx) + 1, 0) FROM audit_entry);
      SELECT RAISE(ABORT, 'audit_entry: not the next case_seq')
       WHERE NEW.case_seq IS NOT (SELECT COALESCE(MAX(case_seq) + 1, 0) FROM audit_entry WHERE case_ref = NEW.case_ref);
      SELECT RAISE(ABORT, 'audit_entry: dedup_key is used')
       WHERE EXISTS (SELECT 1 FROM audit_entry WHERE dedup_key = NEW.dedup_key);
    END
    """,
    f"CREATE TRIGGER audit_entry_update BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, 'audit_entry: {_REFUSE}'); END",
    f"CREATE TRIGGER audit_entry_delete BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, 'audit_entry: {_REFUSE}'); END",
    """
    CREATE TRIGGER audit_payload_insert BEFORE INSERT ON audit_payload
      WHEN EXISTS (SELECT 1 FROM audit_payload WHERE idx = NEW.idx)
      BEGIN SELECT RAISE(ABORT, 'audit_payload: idx is used'); END
    """,
    f"""
    CREATE TRIGGER audit_payload_update BEFORE UPDATE ON audit_payload
      WHEN NOT (NEW.idx IS OLD.idx AND OLD.erased_at IS NULL
                AND NEW.salt IS NULL AND NEW.payload IS NULL AND NEW.erased_at IS NOT NULL)
      BEGIN SELECT RAISE(ABORT, 'audit_payload: {_REFUSE}'); END
    """,
    f"CREATE TRIGGER audit_payload_delete BEFORE DELETE ON audit_payload BEGIN SELECT RAISE(ABORT, 'audit_payload: {_REFUSE}'); END",
)

_POSTGRESQL = (
    f"""
    CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ': {_REFUSE}'; END $$
    """,
    """
    CREATE FUNCTION audit_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.idx = OLD.idx AND OLD.erased_at IS NULL
         AND NEW.salt IS NULL AND NEW.payload IS NULL AND NEW.erased_at IS NOT NULL THEN RETURN NEW; END IF;
      RAISE EXCEPTION 'audit_payload: append-only: refused';
    END $$
    """,
    """
    CREATE TRIGGER audit_entry_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
      FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
    """,
    """
    CREATE TRIGGER audit_payload_keep BEFORE DELETE OR TRUNCATE ON audit_payload
      FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
    """,
    "CREATE TRIGGER audit_payload_erase BEFORE UPDATE ON audit_payload FOR EACH ROW EXECUTE FUNCTION audit_erase_only()",
)


def statements(dialect: str) -> tuple[str, ...]:
    """Return the DDL of the triggers, to run after the tables'.  Raises `ValueError` except for SQLite and PostgreSQL."""
    by_dialect = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
    if dialect not in by_dialect:
        raise ValueError(f"trail: cannot keep a log on {dialect}: only SQLite and PostgreSQL")
    return by_dialect[dialect]


def removals(dialect: str) -> tuple[str, ...]:
    """Return the DDL that removes what dropping the tables leaves behind."""
    if dialect != "postgresql":
        return ()
    return ("DROP FUNCTION audit_refuse()", "DROP FUNCTION audit_erase_only()")
