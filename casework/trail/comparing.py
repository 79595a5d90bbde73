"""Compare the tables with the trail.  They are a cache of it; a change that somebody made with a database client is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session, select

from audit import reading
from audit.events import EventType
from audit.record import CASE, CaseTables, Rows, Told, tables_of
from casework.changes import default_of, of_tenant, rows_in
from casework.context import case_in
from casework.errors import CaseworkError
from casework.question_kinds import TENANT
from models.tables import Case, Collection

_COLUMN = "a column"
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What reading raises for rows that lastday cannot have written."""


@dataclass(frozen=True, slots=True)
class TableDifference:
    """
    The tables and the trail differ in *what*.  *event*: the number, in the case, of the trail's last event on it.

    An empty *tables* or *trail*: that side does not have it.
    """

    case: str
    what: str
    tables: str
    trail: str
    event: int | None = None

    def __str__(self) -> str:
        said = f" (event {self.event:04d})" if self.event is not None else ""
        return f"{self.case}: {self.what}: {self.tables or '-'} in the tables, {self.trail or '-'} in the trail{said}"


class TableMismatch(CaseworkError):
    """The tables differ from what was sealed."""


def require_as_sealed(session: Session, case_id: str) -> None:
    """Raise `TableMismatch` with the first difference: a document from such tables would state what never happened."""
    if (found := next(differences(session, case_id), None)) is not None:
        if not found.tables and not found.trail:
            case_in(session, case_id)  # raises if neither side has the case
        raise TableMismatch(
            f"not as it was sealed: {found}",
            "Somebody changed the database by hand.  See all of it with `lastday trail check`, and restore a backup.",
        )


def require_readable(found: Iterable[TableDifference]) -> None:
    """Raise `TableMismatch` if a row cannot be read: lastday cannot have written it, and no caller can go on."""
    for one in found:
        if one.what == _COLUMN:
            raise TableMismatch(f"cannot be read: {one}", "Somebody changed the database by hand: restore a backup.")


def differences(session: Session, case_id: str | None = None) -> Iterator[TableDifference]:
    """
    Yield the differences between the tables and the trail in one case and the tenant's rows that it shows, or in all cases.

    A case that an earlier version opened is not compared until `adopt` has sealed all of it.
    """
    connection = session.connection()
    known = [case_id] if case_id is not None else sorted({*opened(connection), *session.exec(select(Case.id)).all()})
    for one in (TENANT, *known):
        try:
            yield from [*_of(session, one, only_for=case_id if one == TENANT else None)]
        except UNREADABLE as exc:
            yield TableDifference(one, _COLUMN, f"unreadable ({type(exc).__name__})", "")


def told_of(connection: Connection, case_id: str) -> list[Told]:
    """Return the events of a case, each with its payload unless that was erased."""
    payloads = reading.payloads(connection, case_id)
    return [(entry.record, payloads.get(entry.idx)) for entry in reading.entries(connection, case_id)]


def opened(connection: Connection) -> Iterator[str]:
    """Yield the cases whose opening is in the trail."""
    opened = f'"type":"{EventType.CASE_OPENED}"'.encode()
    return (entry.case for entry in reading.entries(connection) if entry.seq == 0 and opened in entry.leaf)


def _of(session: Session, case_id: str, *, only_for: str | None) -> Iterator[TableDifference]:
    connection = session.connection()
    events = told_of(connection, case_id)
    case = session.get(Case, case_id)
    if case_id != TENANT and (case is None or not events):
        yield TableDifference(case_id, "case", "there" if case else "", "there" if events else "")
        return
    sealed = tables_of(events)
    for seq in (*reading.not_committed(connection, case_id), *sealed.unfit):
        yield TableDifference(case_id, "payload", "another, or none", "the one committed to", seq)
    if case_id != TENANT and not sealed.whole:
        yield TableDifference(case_id, "case", "there", "sealed in part")
    else:
        ours = rows_in(session, case_id)
        if only_for is not None:
            ours, sealed.rows = (of_tenant(session, only_for, rows) for rows in (ours, sealed.rows))
        yield from _unlike(case_id, ours, sealed)


def _unlike(case_id: str, ours: Rows, sealed: CaseTables) -> Iterator[TableDifference]:
    """Yield each row that only one side has, and each column that differs."""
    for table in sorted({*ours, *sealed.rows}):
        mine, theirs = ours.get(table, {}), sealed.rows.get(table, {})
        for key in sorted({*mine, *theirs}):
            row, told, what = mine.get(key), theirs.get(key), f"{table} {key}"
            if row is None or told is None:
                seq = min((at for (*name, _), at in sealed.at.items() if name == [table, key]), default=None)
                yield TableDifference(
                    case_id, what, "" if row is None else "there", "" if told is None else "there", seq
                )
                continue
            for column in sorted({*row, *told} - _untold(table, row, told)):
                value, said = row.get(column), told.get(column, default_of(table, column))
                if value != said:
                    at = sealed.at.get((table, key, column))
                    name = column if table == CASE else f"{what}: {column}"
                    yield TableDifference(case_id, name, _word(value), _word(said), at)


def _untold(table: str, row: Mapping[str, Any], told: Mapping[str, Any]) -> set[str]:
    """Return the columns that earlier versions did not seal for a log's reading before its end: whether it reads all again."""
    is_under_way = table == Collection.__tablename__ and "ended_at" not in row
    return {"again"} if is_under_way and "again" not in told else set()


def _word(value: object) -> str:
    return "" if value is None else str(value)
