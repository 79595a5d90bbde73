"""
A transaction's changes to the tables of cases, for the payloads of its events: a record is computed from these alone.

A change is `{table: {key: {column: value}}}`: all columns of a new row, later only those that changed.  *key* is
the primary key without the case's id.  See `audit.record`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Column, Date, Enum
from sqlalchemy import Table as SchemaTable
from sqlmodel import Session, SQLModel, col, create_engine, or_, select

from audit.appending import EventDraft
from audit.events import EventType
from audit.leaf import Event
from audit.record import CHANGED
from casework.question_kinds import TENANT
from models import tables
from models.actor import Actor
from models.tables.columns import ActorColumn, Instant

Rows: TypeAlias = "dict[str, dict[str, dict[str, Any]]]"
"""Table to key to column to value, in JSON's types."""

_BESIDE: Final[Mapping[type[SQLModel], set[str]]] = {
    tables.Case: {
        "run_id", "run_attempt", "run_state", "next_run_at", "lease_holder", "lease_until", "tries",
    },
    tables.NoticeRecord: {"content"},
    tables.Plan: {"content"},
    tables.Look: {"tries", "blind", "blind_since"},
    tables.Search: set(),
    tables.CaseAccount: {"facts", "addresses", "seen_at", "listed_at", "active", "mastered_elsewhere"},
    tables.CaseEntitlement: {"prestate", "op", "attempts", "listed_as", "lifted_at"},
    tables.KindRead: {
        "read_at", "answered_at", "shown", "administrators", "exchanges", "attempted_at", "failed_as", "migrated",
    },
    tables.Comeback: {"ask_at"},
    tables.Finding: set(),
    tables.Question: set(),
    tables.Waiver: set(),
    tables.Pause: set(),
    tables.Attestation: set(),
    tables.Collection: {"cursor", "not_before", "moved_at", "gaps", "problems", "told_in"},
    tables.PaperCheck: {"next_at"},
    tables.CasePaper: set(),
    tables.Pledge: {"sending_until", "next_look_at"},
    tables.PledgeRefusal: set(),
    tables.PaperRuling: set(),
}  # fmt: skip
"""The tables that are sealed, with their columns that are not: leases, schedules, and what no record shows."""

_BEGUN = (
    "id", "case_id", "connection", "account_id", "account_ref", "source", "round", "from_at", "until_at", "late_before", "again", "file", "begun_at",
)  # fmt: skip
"""The columns of a log's reading that are known from its beginning on."""

_EMPTY: Final[Mapping[type[SQLModel], Mapping[str, Any]]] = {
    tables.NoticeRecord: {"content": {}}, tables.Plan: {"content": []}, tables.Collection: {"moved_at": datetime.min.replace(tzinfo=UTC)},
}  # fmt: skip
"""Values for unsealed columns that may not be empty."""


def _schema(model: type[SQLModel]) -> SchemaTable:
    return model.__table__  # type: ignore[attr-defined, no-any-return]  # SQLModel makes it


_COLUMNS: Final = {
    model: {column.name: column for column in _schema(model).columns if column.name not in beside}
    for model, beside in _BESIDE.items()
}
_KEYS: Final = {
    model: [column.name for column in _schema(model).primary_key if column.name != "case_id"] for model in _BESIDE
}
BY = "svc:lastday"


def changes(session: Session) -> dict[str, Rows]:
    """Return the changes noted since the last call, by case; call it after a flush."""
    noted: dict[str, Rows] = session.info.pop(CHANGED, {})
    return noted


def carrying(drafts: Iterable[EventDraft], changed: Mapping[str, Rows]) -> Iterator[EventDraft]:
    """
    Yield *drafts*, and in each case's last one what was *changed* in the case; a case without a draft gets a `CASE_CHANGED` one.

    A draft with a dedup key carries no changes: if it is a retry, it is not written.
    """
    told = list(drafts)
    last = {draft.event.case: at for at, draft in enumerate(told) if draft.dedup_key is None}
    for at, draft in enumerate(told):
        carries = last.get(draft.event.case) == at and draft.event.case in changed
        yield replace(draft, payload=_with(draft.payload, changed[draft.event.case])) if carries else draft
    for case in sorted(changed.keys() - last.keys()):
        yield EventDraft(Event(EventType.CASE_CHANGED, case, BY), {CHANGED: dict[str, Any](changed[case])})


def _with(payload: Any, changed: Rows) -> dict[str, Any]:
    return (payload or {}) | {CHANGED: changed}


def note(session: Session, _flushed: object) -> None:
    """Note what a flush of *session* writes to the tables of cases (SQLAlchemy's `after_flush`); `changes` returns it."""
    for row in (*session.new, *session.dirty):
        if type(row) in _BESIDE and (columns := _written(session, row)):
            case = session.info.setdefault(CHANGED, {}).setdefault(_case_of(row), {})
            case.setdefault(_schema(type(row)).name, {}).setdefault(key_of(row), {}).update(columns)


def _written(session: Session, row: SQLModel) -> dict[str, Any]:
    """Return the columns of *row* that this flush writes; a log's reading gives none while it is under way, all when it ends."""
    if row in session.new:
        return sealed(row)
    before: Mapping[str, Any] = row._sa_instance_state.committed_state  # type: ignore[attr-defined]  # noqa: SLF001  # what SQLAlchemy writes: `history` of each attribute takes ten times as long
    columns = _COLUMNS[type(row)]
    if isinstance(row, tables.Collection) and (row.ended_at is None or "ended_at" in before):
        return sealed(row) if row.ended_at is not None else {}
    if isinstance(row, tables.KindRead) and (row.asked is None or before.get("asked", row.asked) is None):
        return sealed(row)
    return {
        name: _plain(getattr(row, name)) for name in before if name in columns and before[name] != getattr(row, name)
    }


def sealed(row: SQLModel) -> dict[str, Any]:
    """
    Return the sealed columns of *row* in JSON's types, without empty ones.  A log's reading that has not ended gives only the
    columns of its beginning, a read without a sealed request gives none.
    """
    if isinstance(row, tables.KindRead) and row.asked is None:
        return {}
    under_way = isinstance(row, tables.Collection) and row.ended_at is None
    columns = ((name, getattr(row, name)) for name in (_BEGUN if under_way else _COLUMNS[type(row)]))
    return {name: _plain(value) for name, value in columns if value is not None}


def key_of(row: SQLModel) -> str:
    """Return the key of a row within its case and its table."""
    return " ".join(str(_plain(getattr(row, name))) for name in _KEYS[type(row)])


def _case_of(row: SQLModel) -> str:
    """Return the case whose chain has *row*: the tenant's if it concerns no single case."""
    case_id: str | None = getattr(row, "id" if isinstance(row, tables.Case) else "case_id")
    return case_id or TENANT


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case Actor():
            return value.payload
        case _:
            return value


def rows_in(session: Session, case_id: str) -> Rows:
    """Return all sealed rows of a case, or of the tenant, in the form of its changes."""
    found: Rows = {}
    for model in _BESIDE:
        for row in session.exec(select(model).where(_owner(model, case_id))).all():
            if columns := sealed(row):
                found.setdefault(_schema(model).name, {})[key_of(row)] = columns
    return found


def of_tenant(session: Session, case_id: str, rows: Rows) -> Rows:
    """Return the tenant's *rows* that a case shows: waivers of the tenant that settle its rows, pauses of its company or of everything."""
    settled = select(tables.CaseEntitlement.settled_by).where(tables.CaseEntitlement.case_id == case_id)
    ids = set(session.exec(settled).all())
    case = session.get(tables.Case, case_id)
    companies = {None, case.company if case is not None else None}
    shown = {
        "waiver": {key: row for key, row in rows.get("waiver", {}).items() if key in ids},
        "pause": {key: row for key, row in rows.get("pause", {}).items() if row.get("company") in companies},
    }
    return {table: found for table, found in shown.items() if found}


def default_of(table: str, column: str) -> Any:
    """Return the value of a column in rows that were written before the column was sealed."""
    default = tables.metadata.tables[table].c[column].default if table in tables.metadata.tables else None
    return getattr(default, "arg", None)


def _owner(model: type[SQLModel], case_id: str) -> Any:
    if model is tables.Case:
        return col(tables.Case.id) == case_id
    column = _schema(model).c.case_id
    return or_(column.is_(None), column == TENANT) if case_id == TENANT else column == case_id


def in_memory(*of: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Session:
    """Return a session on a new database in memory with these rows alone.  Raises what `load` raises."""
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    session = Session(engine)
    for rows in of:
        load(session, rows)
    return session


def load(session: Session, rows: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """
    Put *rows* into the empty tables of *session*.

    Raises `ValueError`, `LookupError` or `TypeError` for rows that we cannot have written; unknown columns are left out.
    """
    for model, columns in _COLUMNS.items():
        for row in rows.get(_schema(model).name, {}).values():
            known = {name: _value(columns[name], value) for name, value in row.items() if name in columns}
            session.add(model(**{**_EMPTY.get(model, {}), **known}))
    session.flush()


def _value(column: Column[Any], value: Any) -> Any:
    kind = column.type
    if value is None:
        return None
    if isinstance(kind, Instant):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, ActorColumn):
        return Actor(**value)
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return kind.enum_class(value)
    return value
