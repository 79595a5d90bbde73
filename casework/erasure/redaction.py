"""
Redaction: empty everything personal in a case's rows, and keep what a record can still prove without it.

Every column of text or JSON in a table with a `case_id` is emptied unless it is listed here, so that a new column is not
forgotten.  Enums, times, counts and verdicts are kept.  Vendors' ids of accounts are replaced by the trail's random
references.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import JSON, Column, Connection, Enum, String, Table, TypeDecorator, select, update

from casework.context import Context
from casework.truth.reasons import NO_ACCOUNT
from casework.truth.states import WHOLE_KIND
from models import tables
from models.actor import NOBODY
from models.tables.columns import ActorColumn
from models.vocabulary import ConnectionId, Leaver, QuestionKind

CASE = "offboarding_case"
KEPT = {
    CASE: {"id", "company", "timezone", "run_id", "retain_basis"},
    "account": {"ref", "facts", "judged"},
    "account_link": {"facts"},
    "attestation": {"id"},
    "entitlement": {"op", "settled_by"},
    "evidence_file": {"id", "name", "sha256", "content_sha256"},
    "evidence_key": {"master"},
    "activity_collection": {"id", "account_ref", "source", "file", "reason", "problems"},
    "look": {"label", "verdict"},
    "notice": {"disposition"},
    "paper_ruling": {"id"},
    "plan": {"scope", "sha256", "policy_sha256"},
    "pause": {"id", "company"},
    "pledge": {"key", "op", "language"},
    "pledge_refusal": {"id"},
    "question": {"id"},
    "waiver": {"id"},
}
"""Texts of ours by table: random references, digests, words of enums.  `case_id` and `connection` are kept everywhere."""
_STATED = {
    "lastday", "service", "connection", "source", "round", "verdict", "reason", "from", "until", "begun_at", "oldest", "newest", "lag_seconds",
    "retention_days", "plan", "vendor_page", "caveats", "pages", "records", "duplicates_dropped", "came_late", "late_before",
    "problems", "file", "of_others", "tells",
}  # fmt: skip
"""The fields of a log's statement that are kept: words, times, counts and digests."""
_ACCOUNT = {"account_id", "vendor_id"}
_PERSON: Mapping[str, Any] = asdict(Leaver("", "")) | {"other_emails": []}


@dataclass
class Pseudonyms:
    """New names in place of a vendor's: one old name gets the same new name in the whole case."""

    context: Context
    accounts: dict[tuple[ConnectionId, str], str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def account(self, connection: ConnectionId, vendor_id: str) -> str:
        """Return the trail's reference of an account; for an account that is not the case's (a colleague's), a new one."""
        return self.accounts.setdefault((connection, vendor_id), self.context.name("acct"))

    def row(self, entitlement_id: str) -> str:
        if entitlement_id == NO_ACCOUNT:
            return entitlement_id
        return self.rows.setdefault(entitlement_id, self.context.name("row"))

    def next(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}:{self._counts[prefix]}"


def redact(context: Context, connection: Connection, case_id: str) -> None:
    """Empty the personal columns of every row of the case, in the caller's transaction.  Not to be repeated: the new names are random."""
    names = Pseudonyms(context)
    _learn(connection, case_id, names)
    for table, owner in case_tables():
        keys = list(table.primary_key)
        for row in connection.execute(select(table).where(owner == case_id)).mappings().all():
            changed = {column.name: value for column, value in _emptied(table, dict(row), names)}
            same = [column == row[column.name] for column in keys]
            if changed:
                connection.execute(update(table).where(*same).values(**changed))


def case_tables() -> Iterator[tuple[Table, Column[Any]]]:
    """Yield every table that holds rows of cases, with the column that names the case."""
    for table in tables.metadata.sorted_tables:
        if table.name == CASE:
            yield table, table.c.id
        elif "case_id" in table.c:
            yield table, table.c.case_id


def _learn(connection: Connection, case_id: str, names: Pseudonyms) -> None:
    """Load the trail's references of the accounts, and number the rows of the truth table anew."""
    account, row = tables.metadata.tables["account"], tables.metadata.tables["entitlement"]
    for found in connection.execute(select(account).where(account.c.case_id == case_id)).mappings():
        names.accounts[found["connection"], found["vendor_id"]] = found["ref"]
    query = select(row).where(row.c.case_id == case_id).order_by(row.c.order, row.c.id)
    for found in connection.execute(query).mappings():
        account_ref = names.account(found["connection"], found["account_id"])
        place = f"{found['connection']}:{account_ref}:{found['kind']}"
        whole = found["vendor_id"] == WHOLE_KIND
        names.rows[found["id"]] = f"{place}:{WHOLE_KIND}" if whole else names.next(place)


def _emptied(table: Table, row: Mapping[str, Any], names: Pseudonyms) -> Iterator[tuple[Column[Any], Any]]:
    kept = KEPT.get(table.name, set()) | {"case_id", "connection"}
    for column in table.c:
        if column.name not in kept and _may_be_personal(column):
            yield column, _instead(table, column, row, names)


def _may_be_personal(column: Column[Any]) -> bool:
    """Whether the column has text or JSON; an enum is stored as text too, but is not personal."""
    stored = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    return isinstance(stored, (String, JSON)) and not isinstance(stored, Enum)


def _instead(table: Table, column: Column[Any], row: Mapping[str, Any], names: Pseudonyms) -> Any:
    value = row[column.name]
    if (special := _SPECIAL.get((table.name, column.name))) is not None:
        return special(row, names)
    if isinstance(column.type, ActorColumn) and not column.nullable:
        return NOBODY
    if column.name in _ACCOUNT and value is not None:
        return names.account(row["connection"], value)
    if column.name == "entitlement_id" and value is not None:
        return names.row(value)
    if isinstance(column.type, JSON) and isinstance(value, (list, dict)):
        return type(value)()
    return None if column.nullable else ""


def _statement(row: Mapping[str, Any], names: Pseudonyms) -> Any:  # noqa: ARG001  # the signature of `_SPECIAL`
    """Keep a log's requests and counts, without the vendor's sentences, and the account by its reference alone."""
    kept = {name: value for name, value in (row["statement"] or {}).items() if name in _STATED}
    return row["statement"] and kept | {"account": row["account_ref"]}


_SPECIAL: Mapping[tuple[str, str], Callable[[Mapping[str, Any], Pseudonyms], Any]] = {
    (CASE, "leaver"): lambda _, __: dict(_PERSON),
    (CASE, "employee_key"): lambda row, _: f"erased-{row['id']}",  # it distinguishes live cases
    ("entitlement", "id"): lambda row, names: names.row(row["id"]),
    ("entitlement", "vendor_id"): lambda row, names: names.row(row["id"]).rpartition(":")[2],
    ("finding", "key"): lambda row, names: names.next(row["kind"]),  # it had the id of its row
    # a reference or a word of ours, except for the id of a row
    ("question", "subject"): lambda row, names: (
        names.row(row["subject"]) if row["kind"] == QuestionKind.TAKEN_BY_US else row["subject"]
    ),
    # that it failed is kept; its sentence may name an account
    ("search", "problem"): lambda row, _: row["problem"] and "erased",
    ("activity_collection", "statement"): _statement,
}
