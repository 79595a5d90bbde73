"""What is true follows from reads: one a kind, and signatures name a reason.  The first core's rows become reads."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ONCE = {"sign_in": None, "session": "all", "password": "current", "backup_code": "all"}
"""Kinds that an account holds once, and the vendor ids that they had; any, for sign-in."""
_OPEN = ("found", "commanded", "still_open")
_BLIND = ("unreadable", "no_api", "not_on_plan")
_REASONS = {"no_api": "no_api", "not_on_plan": "not_on_plan", "unreadable": "unreadable"}


def upgrade() -> None:
    _add_columns()
    connection = op.get_bind()
    _rename_single_kinds(connection)
    _write_reads(connection)
    _name_reasons(connection)
    op.drop_column("entitlement", "waived_from")


def _columns() -> dict[str, tuple[sa.Column[Any], ...]]:
    return {
        "offboarding_case": (sa.Column("for_real_at", sa.DateTime(timezone=True)), sa.Column("services", sa.JSON())),
        "entitlement": (
            sa.Column("reason", sa.String(length=40)),
            sa.Column("listed_as", sa.String(length=40)),
            sa.Column("by_hand", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("came_back_at", sa.DateTime(timezone=True)),
        ),
        "attestation": (sa.Column("ended_at", sa.DateTime(timezone=True)),),
        "waiver": (sa.Column("accepts", sa.String(length=40)),),
        "look": (
            sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("blind", sa.JSON(), nullable=False, server_default="[]"),
            sa.Column("blind_since", sa.DateTime(timezone=True)),
        ),
    }


def _add_columns() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    moment, word = sa.DateTime(timezone=True), sa.String(length=40)
    op.create_table(
        "kind_read",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("service", word, nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("kind", word, nullable=False),
        sa.Column("read_at", moment),
        sa.Column("answered_at", moment),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("exchanges", sa.JSON(), nullable=False),
        sa.Column("attempted_at", moment),
        sa.Column("failed_as", word),
        sa.Column("migrated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "service", "account_id", "kind"),
    )


def _rename_single_kinds(connection: sa.Connection) -> None:
    """One row a kind: of two sign-in rows the one that was asked about stays."""
    rows = connection.execute(
        sa.text("SELECT case_id, id, service, account_id, kind, vendor_id, attempts FROM entitlement WHERE kind IN "
                "('sign_in', 'session', 'password', 'backup_code') ORDER BY attempts DESC, found_at")
    ).mappings().all()  # fmt: skip
    taken = {(row["case_id"], row["id"]) for row in rows if row["vendor_id"] == "account"}
    for row in rows:
        was = _ONCE[row["kind"]]
        if row["vendor_id"] in {"*", "account"} or (was is not None and row["vendor_id"] != was):
            continue
        new = f"{row['service']}:{row['account_id']}:{row['kind']}:account"
        keys = {"case": row["case_id"], "old": row["id"], "new": new}
        if (row["case_id"], new) in taken:
            connection.execute(sa.text("DELETE FROM entitlement WHERE case_id = :case AND id = :old"), keys)
        else:
            taken.add((row["case_id"], new))
            rename = "UPDATE entitlement SET id = :new, vendor_id = 'account' WHERE case_id = :case AND id = :old"
            connection.execute(sa.text(rename), keys)
        for table in ("attestation", "waiver", "finding"):
            told = f"UPDATE {table} SET entitlement_id = :new WHERE case_id = :case AND entitlement_id = :old"  # noqa: S608  # our own names
            connection.execute(sa.text(told), keys)


def _write_reads(connection: sa.Connection) -> None:
    """One synthetic read a kind: at the time of the newest closing that it saw, showing what was open."""
    rows = connection.execute(
        sa.text("SELECT case_id, service, account_id, kind, vendor_id, state, waived_from, found_at, observed_at FROM entitlement")
    ).mappings().all()  # fmt: skip
    kinds: dict[tuple[str, str, str, str], list[sa.RowMapping]] = {}
    for row in rows:
        kinds.setdefault((row["case_id"], row["service"], row["account_id"], row["kind"]), []).append(row)
    insert = sa.text(
        "INSERT INTO kind_read (case_id, service, account_id, kind, read_at, answered_at, shown, exchanges, attempted_at, failed_as, "
        "migrated) VALUES (:case_id, :service, :account_id, :kind, :at, :at, :shown, '[]', :tried, :failed_as, :yes)"
    )
    for (case_id, service, account_id, kind), mine in kinds.items():
        real = [row for row in mine if row["vendor_id"] != "*"]
        blind = next((_was(row) for row in mine if row["vendor_id"] == "*" and _was(row) in _BLIND), None)
        at = max((row["observed_at"] or row["found_at"] for row in real), default=None)
        connection.execute(insert, {
            "case_id": case_id, "service": service, "account_id": account_id, "kind": kind, "at": at,
            "shown": json.dumps(sorted(row["vendor_id"] for row in real if _was(row) in _OPEN)),
            "tried": at or max(row["found_at"] for row in mine), "failed_as": blind, "yes": True,
        })  # fmt: skip


def _was(row: sa.RowMapping) -> str:
    return str(row["waived_from"] or row["state"]) if row["state"] == "waived" else str(row["state"])


def _name_reasons(connection: sa.Connection) -> None:
    """
    A case's own waiver accepted what its row was then; a standing one becomes `no_api` where the vendor has no such interface,
    and must be signed again elsewhere: it accepted whatever the kind was open for.
    """
    connection.execute(
        sa.text("UPDATE waiver SET accepts = 'no_api' WHERE case_id IS NULL AND service = 'slack' AND kind = 'grant'")
    )
    own = connection.execute(
        sa.text("SELECT w.id, e.waived_from FROM waiver w JOIN entitlement e ON e.case_id = w.case_id AND e.id = w.entitlement_id")
    ).mappings().all()  # fmt: skip
    for waiver in own:
        accepts = _REASONS.get(str(waiver["waived_from"]), "still_open")
        connection.execute(sa.text("UPDATE waiver SET accepts = :a WHERE id = :id"), {"a": accepts, "id": waiver["id"]})


def downgrade() -> None:
    """The states that the reads came to stay; reads and reasons go."""
    op.drop_table("kind_read")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
    op.add_column("entitlement", sa.Column("waived_from", sa.String(length=40)))
