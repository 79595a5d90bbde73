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
_STAMPED = {("google_workspace", "password"), ("google_workspace", "session"), ("microsoft365", "session")}
_DIES_WITH_BLOCK = {("google_workspace", "backup_code")}
_NO_API = {("slack", "grant")}
"""The kinds that no plan of the vendor can list: the only ones whose standing waiver is as clear as it was."""
_OPEN = ("found", "commanded", "still_open")
_BLIND = ("unreadable", "no_api", "not_on_plan")
_GUARDS = {
    "own_credential": "guarded", "last_admin": "guarded", "primary_owner": "guarded", "last_owner": "guarded",
    "protected": "guarded", "dynamic": "dynamic", "inherited": "inherited", "mastered_elsewhere": "mastered_elsewhere",
}  # fmt: skip
_ACCEPTED = ("commanded", "already_absent")


def upgrade() -> None:
    _add_columns()
    connection = op.get_bind()
    _note_services(connection)
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


def _note_services(connection: sa.Connection) -> None:
    """A case is about the services in which it was searched: one that is not named is never contained."""
    found = connection.execute(sa.text("SELECT case_id, service FROM search ORDER BY case_id, service")).all()
    services: dict[str, list[str]] = {}
    for case_id, service in found:
        services.setdefault(case_id, []).append(service)
    told = sa.text("UPDATE offboarding_case SET services = :services WHERE id = :case")
    for case_id, names in services.items():
        connection.execute(told, {"case": case_id, "services": json.dumps(names)})


def _rename_single_kinds(connection: sa.Connection) -> None:
    """One row a kind.  Of two sign-in rows the one from which something was taken stays; it is open if either is."""
    single = sa.text(
        "SELECT case_id, id, service, account_id, kind, vendor_id, state, waived_from, found_at FROM entitlement WHERE kind IN "
        "('sign_in', 'session', 'password', 'backup_code') AND vendor_id <> '*' ORDER BY (op IS NULL), attempts DESC, found_at"
    )
    places: dict[tuple[str, str, str, str], list[sa.RowMapping]] = {}
    for row in connection.execute(single).mappings().all():
        was = _ONCE[row["kind"]]
        if was is None or row["vendor_id"] in {was, "account"}:
            places.setdefault((row["case_id"], row["service"], row["account_id"], row["kind"]), []).append(row)
    for (case_id, service, account_id, kind), rows in places.items():
        kept, *others = rows
        new = f"{service}:{account_id}:{kind}:account"
        for other in others:
            _fold_in(connection, kept, other)
        if kept["id"] != new:
            rename = "UPDATE entitlement SET id = :new, vendor_id = 'account' WHERE case_id = :case AND id = :old"
            connection.execute(sa.text(rename), {"case": case_id, "old": kept["id"], "new": new})
        for row in rows:
            for table in ("attestation", "waiver", "finding"):
                told = f"UPDATE {table} SET entitlement_id = :new WHERE case_id = :case AND entitlement_id = :old"  # noqa: S608  # our own names
                connection.execute(sa.text(told), {"case": case_id, "old": row["id"], "new": new})


def _fold_in(connection: sa.Connection, kept: sa.RowMapping, other: sa.RowMapping) -> None:
    """Two rows for one sign-in: what is open of either is open, and what was asked before it came back counts no more."""
    both = {"case": kept["case_id"], "kept": kept["id"], "other": other["id"], "found": other["found_at"]}
    connection.execute(sa.text("DELETE FROM entitlement WHERE case_id = :case AND id = :other"), both)
    if _was(other) in _OPEN and _was(kept) not in _OPEN:
        back = (
            "UPDATE entitlement SET state = 'still_open', waived_from = NULL, settled_by = NULL, observed_at = NULL, confirmed_by = NULL, "
            "cut_effective_by = NULL, result = NULL, commanded_at = NULL, vendor_commanded_at = NULL, came_back_at = :found "
            "WHERE case_id = :case AND id = :kept"
        )
        connection.execute(sa.text(back), both)


def _write_reads(connection: sa.Connection) -> None:
    """
    One synthetic read a kind: at the time of the newest read that its rows tell of, showing what was open.

    What was signed for was not known by reading: it says so of itself until it is read.
    """
    rows = connection.execute(sa.text("SELECT * FROM entitlement")).mappings().all()
    kinds: dict[tuple[str, str, str, str], list[sa.RowMapping]] = {}
    for row in rows:
        kinds.setdefault((row["case_id"], row["service"], row["account_id"], row["kind"]), []).append(row)
    insert = sa.text(
        "INSERT INTO kind_read (case_id, service, account_id, kind, read_at, answered_at, shown, exchanges, attempted_at, failed_as, "
        "migrated) VALUES (:case_id, :service, :account_id, :kind, :at, :at, :shown, '[]', :tried, :failed_as, :yes)"
    )
    unread = sa.text("UPDATE entitlement SET listed_as = :as WHERE case_id = :case AND id = :id")
    for (case_id, service, account_id, kind), mine in kinds.items():
        at = max((moment for row in mine if (moment := _read_at(row)) is not None), default=None)
        connection.execute(insert, {
            "case_id": case_id, "service": service, "account_id": account_id, "kind": kind, "at": at,
            "shown": json.dumps(sorted(row["vendor_id"] for row in mine if _is_shown(row))),
            "tried": at or max(row["found_at"] for row in mine), "failed_as": _failed_as(mine), "yes": True,
        })  # fmt: skip
        for row in mine:
            if row["vendor_id"] != "*" and _was(row) not in (*_OPEN, "observed_closed"):
                said = _was(row) if _was(row) in _BLIND else "unreadable"
                connection.execute(unread, {"as": said, "case": case_id, "id": row["id"]})


def _read_at(row: sa.RowMapping) -> Any:
    """Return the time of the newest successful read that *row* tells of; None if it tells of none."""
    state = _was(row)
    if state == "observed_closed":
        return row["observed_at"] or row["commanded_at"] or row["found_at"]
    if row["vendor_id"] == "*":
        return None
    seen_after = row["commanded_at"] if state == "still_open" else None
    return seen_after or row["found_at"]


def _is_shown(row: sa.RowMapping) -> bool:
    bears_a_stamp = (row["service"], row["kind"]) in _STAMPED and row["ended_at"] is not None
    return row["vendor_id"] != "*" and (_was(row) != "observed_closed" or bears_a_stamp)


def _failed_as(mine: list[sa.RowMapping]) -> str | None:
    """Return what the newest attempt said of the whole kind: what was signed for has no other name any more."""
    for row in mine:
        if row["vendor_id"] == "*" and _was(row) != "observed_closed":
            unnamed = "no_api" if (row["service"], row["kind"]) in _NO_API else "unreadable"
            return _was(row) if _was(row) in _BLIND else unnamed
    return None


def _was(row: sa.RowMapping) -> str:
    return str(row["waived_from"] or "still_open") if row["state"] == "waived" else str(row["state"])


def _name_reasons(connection: sa.Connection) -> None:
    """
    Each open row has a reason, and a case's own waiver accepted what its row was open for.  A standing one becomes `no_api` where
    the vendor has no such interface, and must be signed again elsewhere: it accepted whatever the kind was open for.
    """
    rows = connection.execute(sa.text("SELECT * FROM entitlement WHERE state <> 'observed_closed'")).mappings().all()
    mastered = {tuple(place) for place in connection.execute(
        sa.text("SELECT case_id, service, vendor_id FROM account WHERE mastered_elsewhere")
    )}  # fmt: skip
    blocked = {tuple(place) for place in connection.execute(sa.text(
        "SELECT case_id, service, account_id FROM entitlement WHERE kind = 'sign_in' AND vendor_id <> '*' "
        "AND state = 'observed_closed'"
    ))}  # fmt: skip
    for row in rows:
        place = (row["case_id"], row["service"], row["account_id"])
        reason = _reason(row, mastered=place in mastered, blocked=place in blocked)
        keys = {"reason": reason, "case": row["case_id"], "id": row["id"]}
        connection.execute(sa.text("UPDATE entitlement SET reason = :reason WHERE case_id = :case AND id = :id"), keys)
        own = "UPDATE waiver SET accepts = :reason WHERE case_id = :case AND entitlement_id = :id"
        connection.execute(sa.text(own), keys)
    for service, kind in _NO_API:
        standing = "UPDATE waiver SET accepts = 'no_api' WHERE case_id IS NULL AND service = :service AND kind = :kind"
        connection.execute(sa.text(standing), {"service": service, "kind": kind})


def _reason(row: sa.RowMapping, *, mastered: bool, blocked: bool) -> str:
    if _was(row) not in _OPEN:
        said = row["listed_as"] or _failed_as([row])
        return str(said or "unreadable")
    if row["guard"] in _GUARDS:
        return _GUARDS[row["guard"]]
    if (row["service"], row["kind"]) in _DIES_WITH_BLOCK and blocked and row["result"] not in _ACCEPTED:
        return "frozen_by_block"
    if row["kind"] == "sign_in" and mastered:
        return "mastered_elsewhere"
    return "refused" if row["result"] == "refused" else "still_open"


def downgrade() -> None:
    """The states that the reads came to stay; reads and reasons go."""
    op.drop_table("kind_read")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
    op.add_column("entitlement", sa.Column("waived_from", sa.String(length=40)))
