"""A CSV file (RFC 4180, any line ending) becomes a reading."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from casework.intake.columns import JAPANESE, REQUIRED, Column, column_of
from casework.intake.decoding import decode_csv
from casework.intake.gather import check_rows, gather, refuse_whole
from casework.intake.kinds import KindRule
from casework.intake.notice import Reading, Refusal, shown
from casework.intake.rows import Outcome, Row, read_row
from casework.intake.wording import Code, Flaw

_MOST_COLUMNS = 500
_SEPARATORS = {";": ("semicolons", "セミコロン"), "\t": ("tabs", "タブ"), "|": ("vertical bars", "縦棒")}


def read_csv(raw: bytes, kinds: KindRule | None = None) -> Reading:
    """
    Return what the file *raw* reports.  Raises nothing, whatever the bytes.

    Headers in either language and any order; see `casework.intake.decoding` for encodings, `dates` and `zones` for
    dates, `kinds` for where the kind stands.  Rows are counted as a spreadsheet counts them, blank ones included.  Formulas are
    text.
    """
    rule, sha256 = kinds or KindRule(), hashlib.sha256(raw).hexdigest()
    try:
        records = _records(decode_csv(raw))
        head = _Head.of(next(records)[1], rule)
        body = list(records)
        check_rows(body)
        unknown_cells = {name: [_cell(r, n) for _, r in body] for n, name in head.unknown.items()}
        whole = rule.settle(head.cells, unknown_cells, has_column=Column.KIND in head.headers)
    except Flaw as flaw:
        return refuse_whole(flaw, sha256)
    unknown = tuple(name for n, name in head.unknown.items() if head.named(n) or any(unknown_cells[name]))
    outcomes = [head.read(number, cells, whole) for number, cells in body]
    return gather(outcomes, sha256=sha256, unknown_columns=unknown, headers=head.headers)


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not blank with their number, the header's being 1 in a file that begins with it."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    found = False
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise Flaw(Code.BROKEN_QUOTES, row=number) from error
        if any(cell.strip() for cell in cells):
            found = True
            yield number, cells
    if not found:
        raise Flaw(Code.EMPTY_FILE)


def _cell(cells: list[str], n: int) -> str:
    return cells[n].strip() if n < len(cells) else ""


@dataclass(frozen=True, slots=True)
class _Head:
    """The header line: which cell of a row is what.  *unknown* holds the other cells' names, made unique."""

    cells: list[str]
    places: dict[int, Column]
    headers: dict[Column, str]
    unknown: dict[int, str]

    @classmethod
    def of(cls, cells: list[str], rule: KindRule) -> _Head:
        """Raise `Flaw` for a wrong separator, a header that stands twice or one that is missing."""
        if len(cells) > _MOST_COLUMNS:
            raise Flaw(Code.TOO_MANY, limit=_MOST_COLUMNS, things="columns", things_ja="列数")
        places = _places(cells, rule)
        missing = [column for column in REQUIRED if column not in places.values()]
        if missing:
            _look_for_separator(cells)
            raise Flaw(
                Code.MISSING_HEADER,
                column=missing[0].value,
                value=",".join(cells),
                missing=", ".join(missing),
                missing_ja="、".join(JAPANESE[column] for column in missing),
            )
        for column in Column:
            if (twice := [cells[n] for n, known in places.items() if known is column])[1:]:
                raise Flaw(Code.DUPLICATE_HEADER, column=shown(twice[1]), name=column.value, name_ja=JAPANESE[column])
        headers = {column: shown(cells[n].strip().strip("\ufeff")) for n, column in places.items()}
        return cls(cells, places, headers, _unique_names(cells, places))

    def named(self, n: int) -> bool:
        return n < len(self.cells) and bool(self.cells[n].strip())

    def read(self, number: int, cells: list[str], kind: str | None) -> Outcome:
        """Read one row, of the file's own *kind* where no column says it.  Blank cells beyond the header line are a spreadsheet's habit; filled ones shift the columns."""
        width = len(self.cells)
        if len(cells) < width or any(cell.strip() for cell in cells[width:]):
            flaw = Flaw(Code.RAGGED_ROW, found=len(cells), expected=width)
            return (Refusal.of(flaw, row=number, value=",".join(cells)),)
        known = {column: cells[n] for n, column in self.places.items()} | ({Column.KIND: kind} if kind else {})
        extra = {name: cells[n] for n, name in self.unknown.items() if cells[n].strip()}
        return read_row(Row(number, known, self.headers, MappingProxyType(extra)))


def _places(cells: list[str], rule: KindRule) -> dict[int, Column]:
    """Return what each cell of the header line is; where policy names the column of the kind, no other one is it."""
    places = {n: column for n, cell in enumerate(cells) if (column := column_of(cell)) is not None}
    named = [n for n, cell in enumerate(cells) if rule.names(cell)]
    if not named:
        return places
    return {n: column for n, column in places.items() if column is not Column.KIND} | dict.fromkeys(named, Column.KIND)


def _look_for_separator(cells: list[str]) -> None:
    line = ",".join(cells)
    for separator, (english, japanese) in _SEPARATORS.items():
        if sum(column_of(part) is not None for part in line.split(separator)) >= 2:
            raise Flaw(Code.WRONG_SEPARATOR, separator=english, separator_ja=japanese)


def _unique_names(cells: list[str], places: dict[int, Column]) -> dict[int, str]:
    """Name the unknown columns: by their header, else by their place; one that stands again gets its place as well."""
    names: dict[int, str] = {}
    for n, cell in enumerate(cells):
        if n in places:
            continue
        name = shown(cell.strip()) or f"column {n + 1}"
        while name in names.values():
            name += f" (column {n + 1})"
        names[n] = name
    return names
