"""Turn one row's cells into a notice, or into a list of everything in the row that must be corrected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from casework.intake.columns import Column, parse_email, parse_emails, parse_employee_no, parse_kind, parse_text
from casework.intake.dates import DEFAULT_ZONE, end_of_day, parse_day, parse_instant, zone_name
from casework.intake.notice import Flaw, Notice, NoticeRefusal
from models.vocabulary import DepartureKind, Leaver

T = TypeVar("T")
LIKELY_NAME = "異動区分"
"""HR's most frequent name for the column of the kind, for a source without a hint."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """
    One row as text, not parsed yet, with its *number* as the sender counts.

    *cells* has only columns of the source; *extra*: the filled cells of unknown columns.  *refused*: flaws of the row as such,
    such as a wrong number of cells.
    """

    number: int
    cells: Mapping[Column, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[NoticeRefusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The content of a source of any format.  *headers*: its own spelling of our columns; *unknown*: its other columns."""

    rows: Sequence[SheetRow]
    headers: Mapping[Column, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def header(self, column: Column) -> str:
        """Return the sender's name of *column*."""
        return self.headers.get(column, column.value)


def read_row(row: SheetRow, table: Sheet) -> Notice | tuple[NoticeRefusal, ...]:
    """Return the row's notice, or one refusal for each wrong cell."""
    return row.refused or _RowReader(row, table).read()


def number_in(row: SheetRow) -> str | None:
    """Return the folded employee number of a row, also of a refused one; None if it cannot be read."""
    try:
        return parse_employee_no(row.cells.get(Column.EMPLOYEE_NO, "")).casefold()
    except Flaw:
        return None


class _RowReader:
    """Reads one row's cells and keeps the refusals, so that the sender can correct all of them at once."""

    def __init__(self, row: SheetRow, table: Sheet) -> None:
        self.row, self.table = row, table
        self.refused: list[NoticeRefusal] = []

    def read(self) -> Notice | tuple[NoticeRefusal, ...]:
        leaver = self._leaver()
        zone = self._take(Column.TIMEZONE, zone_name) or DEFAULT_ZONE
        kind = self._kind()
        manager = self._take(Column.MANAGER, parse_text)
        last = self._last(ZoneInfo(zone))
        ends_on = self._ends_on(kind, last, ZoneInfo(zone))
        if self.refused or leaver is None or kind is None or ends_on is None:
            return tuple(self.refused)
        given = frozenset(self.row.cells)
        floating = last is not None and Column.TIMEZONE not in given and last != self._last(ZoneInfo("UTC"))
        return Notice(self.row.number, leaver, kind, ends_on, last, zone, manager, self.row.extra, given, floating)

    def _last(self, zone: ZoneInfo) -> datetime | None:
        return self._take(Column.LAST_WORKING_AT, lambda text: parse_instant(text, zone))

    def _leaver(self) -> Leaver | None:
        number = self._take(Column.EMPLOYEE_NO, parse_employee_no, required=True)
        name = self._take(Column.NAME, parse_text, required=True)
        email = self._take(Column.EMAIL, parse_email)
        others = self._take(Column.OTHER_EMAILS, parse_emails) or ()
        kana, romaji, former = (
            self._take(column, parse_text) for column in (Column.KANA, Column.ROMAJI, Column.FORMER_NAME)
        )
        if number is None or name is None:
            return None
        return Leaver(number, name, email, tuple(e for e in others if e != email), kana, romaji, former)

    def _kind(self) -> DepartureKind | None:
        """Return the kind.  There is no default: a source without the column, and an empty cell, are refused."""
        if Column.KIND not in self.row.cells:
            self._refuse(Column.KIND, Flaw("no_kind", name=LIKELY_NAME))
            return None
        return self._take(Column.KIND, parse_kind, required=True)

    def _ends_on(self, kind: DepartureKind | None, last: datetime | None, zone: ZoneInfo) -> date | None:
        """Return the last day of employment; a leave of absence has none, so its last working day suffices."""
        stands_in = kind is DepartureKind.LEAVE and self._text(Column.LAST_WORKING_AT) != ""
        ends_on = self._take(Column.EMPLOYMENT_ENDS_ON, parse_day, required=not stands_in)
        if ends_on is None:
            return None if last is None else (last - timedelta(microseconds=1)).astimezone(zone).date()
        if last is not None and last > end_of_day(ends_on, zone):
            self._refuse(Column.LAST_WORKING_AT, Flaw("last_day_after_end"))
        return ends_on

    def _take(self, column: Column, parse: Callable[[str], T], *, required: bool = False) -> T | None:
        text = self._text(column)
        if text == "":
            if required:
                self._refuse(column, Flaw("missing_value"))
            return None
        try:
            return parse(text)
        except Flaw as flaw:
            self._refuse(column, flaw)
            return None

    def _text(self, column: Column) -> str:
        return self.row.cells.get(column, "").strip()

    def _refuse(self, column: Column, flaw: Flaw) -> None:
        self.refused.append(flaw.at(self.row.number, self.table.header(column), self.row.cells.get(column) or None))
