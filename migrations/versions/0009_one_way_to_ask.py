"""One way to ask: approvals, answers to the trade-secret tests and what a restore asks are questions; who signed is an actor."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SIGNED = (("question", "answered_by", True), ("waiver", "requested_by", False), ("waiver", "approved_by", True),
           ("attestation", "person", False))  # fmt: skip
"""Who signed, by table and column; whether there may be nobody."""
_OLD_KINDS = ("whose_account", "release")
_CONSENTS = ("restore", "return", "erase", "retire")
_TENANT = "tenant"


def upgrade() -> None:
    connection = op.get_bind()
    moment = sa.DateTime(timezone=True)
    op.add_column("offboarding_case", sa.Column("retain_until", moment))
    op.add_column("offboarding_case", sa.Column("retain_basis", sa.String()))
    op.add_column("question", sa.Column("subject", sa.String()))
    op.add_column("question", sa.Column("asked_by", sa.JSON()))
    op.add_column("question", sa.Column("wanted_by", moment))
    op.add_column("question", sa.Column("used_at", moment))
    op.add_column("question", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    for table, column, may_be_nobody in _SIGNED:
        _change(connection, table, column, sa.JSON(), _actor, nullable=may_be_nobody)
    _complete_questions(connection)
    question = _table(connection, "question")
    for asked in (*_approvals(connection), *_waivers(connection), *_tests(connection), *_rows_asked(connection)):
        connection.execute(question.insert().values(**{"options": [], "revision": 1, "text": ""} | asked))
    with op.batch_alter_table("question") as batch:
        batch.alter_column("wanted_by", existing_type=moment, nullable=False)
    op.drop_table("approval")
    op.drop_table("trade_secret_answer")


def _table(connection: sa.Connection, name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=connection)


def _rows(connection: sa.Connection, name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(_table(connection, name).select()).mappings().all()]


def _actor(name: str | None) -> Any:
    """Whoever signed did so at a terminal, where nobody made sure who they were; an empty name was erased."""
    if name is None:
        return sa.null()
    typed = {"issuer": "terminal", "subject": name, "authenticated_by": "unauthenticated"}
    itself = {"issuer": "lastday", "subject": name, "authenticated_by": "process"}
    nobody = {"issuer": "", "subject": "", "authenticated_by": ""}
    said = nobody if not name else itself if name.startswith("svc:") else typed
    return said | {"role": None, "host": None, "os_user": None}


def _change(
    connection: sa.Connection, name: str, column: str, kind: Any, turned: Callable[[Any], Any], *, nullable: bool
) -> None:
    """Give a column another type, each of its values being *turned*."""
    new = f"{column}_new"
    op.add_column(name, sa.Column(new, kind))
    table = _table(connection, name)
    for row in connection.execute(table.select()).mappings().all():
        connection.execute(table.update().where(table.c.id == row["id"]).values({new: turned(row[column])}))
    with op.batch_alter_table(name) as batch:
        batch.drop_column(column)
        batch.alter_column(new, new_column_name=column, existing_type=kind, nullable=nullable)


def _complete_questions(connection: sa.Connection) -> None:
    """An answer was wanted at the case's instant; a release that was given is a yes."""
    due = {row["id"]: row["due_at"] for row in _rows(connection, "offboarding_case")}
    table = _table(connection, "question")
    for row in _rows(connection, "question"):
        said = ["yes"] if row["answer"] == ["release"] else row["answer"]
        wanted = {"wanted_by": due.get(row["case_id"], row["asked_at"]), "answer": sa.null() if said is None else said}
        connection.execute(table.update().where(table.c.id == row["id"]).values(**wanted))


def _approvals(connection: sa.Connection) -> list[dict[str, Any]]:
    """What is still wanted of an earlier consent is asked anew, but for a restore under way, which goes on."""
    under_way = {row["id"] for row in _rows(connection, "offboarding_case") if row["state"] == "restoring"}
    return [
        {
            "id": row["id"], "case_id": row["case_id"], "text": row["reason"],
            "kind": "return" if row["id"].startswith("return-") else row["verb"].partition(":")[0],
            "subject": row["account_ref"] or row["verb"].partition(":")[2] or None,
            "used_at": row["approved_at"] if row["verb"] == "erase" or (row["verb"] == "restore" and row["case_id"] not in under_way) else None,
        } | _consented(_actor(row["requested_by"]), row["requested_at"], _actor(row["approved_by"]), row["approved_at"])
        for row in _rows(connection, "approval")
    ]  # fmt: skip


def _waivers(connection: sa.Connection) -> list[dict[str, Any]]:
    return [
        {"id": row["id"], "case_id": row["case_id"] or _TENANT, "kind": "waive", "text": row["reason"]}
        | _consented(row["requested_by"], row["requested_at"], row["approved_by"] or sa.null(), row["approved_at"])
        for row in _rows(connection, "waiver")
    ]


def _consented(asked_by: Any, asked_at: Any, by: Any, at: Any) -> dict[str, Any]:
    said = {"answer": sa.null() if at is None else ["yes"], "answered_by": by, "answered_at": at}
    return said | {"asked_by": asked_by, "asked_at": asked_at, "wanted_by": asked_at}


def _tests(connection: sa.Connection) -> list[dict[str, Any]]:
    return [
        {
            "id": row["id"], "case_id": row["case_id"], "kind": "trade_secret", "subject": row["test"], "answer": [row["text"]],
            "answered_by": _actor(row["answered_by"]), "answered_at": row["answered_at"], "reason": "",
            "asked_at": row["answered_at"], "wanted_by": row["answered_at"], "asked_by": sa.null(),
        }
        for row in _rows(connection, "trade_secret_answer")
    ]  # fmt: skip


def _rows_asked(connection: sa.Connection) -> list[dict[str, Any]]:
    """Rows of which a restore asks whether we took them."""
    asked = [row for row in _rows(connection, "entitlement") if row["restored"] == "asked"]
    return [
        {
            "id": f"q-{number:016x}", "case_id": row["case_id"], "kind": "taken_by_us", "subject": row["id"],
            "text": "Did we take it?", "asked_at": row["found_at"], "wanted_by": row["found_at"],
        }
        for number, row in enumerate(asked, start=1)
    ]  # fmt: skip


def downgrade() -> None:
    connection = op.get_bind()
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "approval",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("case_id", sa.String(), nullable=False, index=True),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("account_ref", sa.String()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", moment, nullable=False),
        sa.Column("approved_by", sa.String()),
        sa.Column("approved_at", moment),
    )
    op.create_table(
        "trade_secret_answer",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("case_id", sa.String(), nullable=False, index=True),
        sa.Column("test", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("answered_by", sa.String(), nullable=False),
        sa.Column("answered_at", moment, nullable=False),
    )
    for row in _rows(connection, "question"):
        _ask_as_before(connection, row)
    for table, column, may_be_nobody in _SIGNED:
        _change(connection, table, column, sa.String(), _subject, nullable=may_be_nobody)
    for name in ("subject", "asked_by", "wanted_by", "used_at", "revision"):
        op.drop_column("question", name)
    for name in ("retain_until", "retain_basis"):
        op.drop_column("offboarding_case", name)


def _subject(actor: dict[str, Any] | None) -> str | None:
    return None if actor is None else actor["subject"]


def _ask_as_before(connection: sa.Connection, row: dict[str, Any]) -> None:
    question = _table(connection, "question")
    if row["kind"] not in _OLD_KINDS:
        connection.execute(question.delete().where(question.c.id == row["id"]))
    elif row["answer"] == ["yes"]:
        connection.execute(question.update().where(question.c.id == row["id"]).values(answer=["release"]))
    if row["kind"] in _CONSENTS:
        retired = row["kind"] == "retire"
        verb = {"return": "restore", "retire": f"retire:{row['subject']}"}.get(row["kind"], row["kind"])
        connection.execute(_table(connection, "approval").insert().values(
            id=row["id"], case_id=row["case_id"], verb=verb, account_ref=None if retired else row["subject"], reason=row["text"],
            requested_by=_subject(row["asked_by"]) or "", requested_at=row["asked_at"],
            approved_by=_subject(row["answered_by"]), approved_at=row["answered_at"],
        ))  # fmt: skip
    elif row["kind"] == "trade_secret" and row["answered_at"] is not None:
        connection.execute(_table(connection, "trade_secret_answer").insert().values(
            id=row["id"], case_id=row["case_id"], test=row["subject"], text="".join(row["answer"] or ()),
            answered_by=_subject(row["answered_by"]) or "", answered_at=row["answered_at"],
        ))  # fmt: skip
