"""Read a CSV file (RFC 4180, any line ending)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from casework.intake.columns import REQUIRED, Column, column_of
from casework.intake.decoding import decode_csv
from casework.intake.kinds import KindRule
from casework.intake.notice import Flaw, NoticeReading, NoticeRefusal, shown
from casework.intake.reading import read_file
from casework.intake.rows import Sheet, SheetRow
from casework.messages import message

_MOST_COLUMNS = 500
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical_bars"}


def read_csv(raw: bytes, kinds: KindRule | None = None) -> NoticeReading:
    """
    Return what the file *raw* reports.  Raises nothing, for any bytes.

    Headers in either language and any order; see `casework.intake.decoding` for encodings, `dates` for dates and zones,
    `kinds` for the column of the kind.  Rows are counted as a spreadsheet counts them, with blank ones.  Formulas are
    text.
    """
    return read_file(raw, kinds, _parse)


def _parse(raw: bytes, rule: KindRule) -> Sheet:
    records = _records(decode_csv(raw))
    _, head = next(records, (0, None))
    if head is None:
        raise Flaw("empty_file")
    if len(head) > _MOST_COLUMNS:
        raise Flaw("too_many", limit=_MOST_COLUMNS, things=message("columns"))
    places = _places(head, rule)
    rows = [_row(number, cells, places) for number, cells in records]
    named = [(place, cell.strip().strip("\ufeff")) for place, cell in zip(places, head, strict=True)]
    headers = {place: shown(name) for place, name in named if isinstance(place, Column)}
    filled = {name for row in rows for name in row.extra}
    unknown = [place for place, name in named if not isinstance(place, Column) and (name or place in filled)]
    return Sheet(rows, headers, tuple(unknown))


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not blank, with their number; the first record of the file has 1."""
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        raise Flaw("broken_quotes", row=number + 1) from error


def _places(head: list[str], rule: KindRule) -> list[Column | str]:
    """
    Return the column of each cell of a row: one of ours, or the unique name of an unknown one.

    Raises `Flaw` for a wrong separator, a header that occurs twice or one that is missing.
    """
    columns = rule.columns(head, column_of)
    ours = [columns.get(cell) for cell in head]
    if missing := [column for column in REQUIRED if column not in ours]:
        _look_for_separator(head)
        named = tuple(column.said for column in missing)
        raise Flaw("missing_header", column=missing[0].value, value=",".join(head), missing=named)
    for column in Column:
        if ours.count(column) > 1:
            again = [cell for cell, one in zip(head, ours, strict=True) if one is column][1]
            raise Flaw("duplicate_header", column=shown(again), name=column.said)
    places: list[Column | str] = []
    for n, (cell, known) in enumerate(zip(head, ours, strict=True), 1):
        name = shown(cell.strip()) or f"column {n}"
        while known is None and any(name == other for other in places if not isinstance(other, Column)):
            name += f" (column {n})"  # a header that occurs again
        places.append(known or name)
    return places


def _look_for_separator(head: list[str]) -> None:
    line = ",".join(head)
    for separator, name in _SEPARATORS.items():
        if sum(column_of(part) is not None for part in line.split(separator)) >= 2:
            raise Flaw("wrong_separator", separator=message(name))


def _row(number: int, cells: list[str], places: list[Column | str]) -> SheetRow:
    """Return a row.  Spreadsheets add blank cells beyond the header; filled ones, and missing ones, shift the columns: refused."""
    pairs = list(zip(places, cells, strict=False))
    known = {place: cell for place, cell in pairs if isinstance(place, Column)}
    extra = {str(place): cell for place, cell in pairs if not isinstance(place, Column) and cell.strip()}
    if len(cells) >= len(places) and not any(cell.strip() for cell in cells[len(places) :]):
        return SheetRow(number, known, extra)
    ragged = NoticeRefusal.of("ragged_row", row=number, value=",".join(cells), found=len(cells), expected=len(places))
    return SheetRow(number, known, extra, (ragged,))
