"""Read a source, a file or a command's options: each row by itself, then compare the rows of one person."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from casework.intake.columns import BY_NAME, Column
from casework.intake.kinds import KindRule
from casework.intake.notice import Flaw, Notice, NoticeReading, NoticeRefusal
from casework.intake.rows import Sheet, SheetRow, number_in, read_row
from casework.messages import BilingualText, message

MOST_ROWS = 20_000
_NAMED_ROWS = 10
_OPTIONS = {column: "--" + column.replace("_", "-") for column in Column}
_OF_LEAVER = (Column.NAME, Column.KANA, Column.ROMAJI, Column.FORMER_NAME, Column.EMAIL)
_OF_NOTICE = (Column.LAST_WORKING_AT, Column.KIND, Column.MANAGER, Column.TIMEZONE)


def read_file(raw: bytes, kinds: KindRule | None, parse: Callable[[bytes, KindRule], Sheet]) -> NoticeReading:
    """Return the reading of the bytes *raw*, which *parse* parses.  A flaw of the whole file is the only refusal."""
    rule, sha256 = kinds or KindRule(), hashlib.sha256(raw).hexdigest()
    try:
        table = rule.settle(_of_bearable_size(parse(raw, rule)))
    except Flaw as flaw:
        return NoticeReading(notices=(), refused=(flaw.refusal,), unknown_columns=(), rows=0, sha256=sha256)
    return _read_table(table, sha256)


def _of_bearable_size(table: Sheet) -> Sheet:
    if not table.rows:
        raise Flaw("no_rows")
    if len(table.rows) > MOST_ROWS:
        raise Flaw("too_many", limit=MOST_ROWS, things=message("rows"))
    return table


def read_options(**fields: str | Iterable[str] | None) -> NoticeReading:
    """
    Return the reading of one notice, its fields named as the columns.  None means not given; several values (of
    `other_emails`) are an iterable.  Only the kind must be given.

    *sha256*: of the given fields as JSON with sorted keys.
    """
    given = {
        name: value if isinstance(value, str) else ";".join(value)
        for name, value in fields.items()
        if value is not None
    }
    sha256 = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
    return _read_table(Sheet([SheetRow(1, {BY_NAME[name]: text for name, text in given.items()})], _OPTIONS), sha256)


def _read_table(table: Sheet, sha256: str) -> NoticeReading:
    """
    Return the reading of *table*.

    Rows of one person (by employee number, in any case) on one date are one notice, filled from all of them, if no two
    values differ.  If values or dates differ, or one row cannot be read, all rows of the person are refused: nobody here
    knows which one is right.
    """
    refused: list[NoticeRefusal] = []
    people: dict[str, list[Notice]] = {}
    unread: dict[str | None, list[NoticeRefusal]] = {}
    for row in table.rows:
        match read_row(row, table):
            case Notice() as notice:
                people.setdefault(notice.leaver.employee_no.casefold(), []).append(notice)
            case refusals:
                refused += refusals
                unread.setdefault(number_in(row), []).extend(refusals)
    agreeing: list[list[Notice]] = []
    for number, group in people.items():
        doubts = _disagreement(group, table, unread.get(number, []))
        refused += doubts
        agreeing += [] if doubts else [group]
    return NoticeReading(
        notices=tuple(_filled(group) for group in agreeing),
        refused=tuple(sorted(refused, key=lambda refusal: refusal.row or 0)),
        unknown_columns=table.unknown,
        rows=len(table.rows),
        sha256=sha256,
        same=dict(sorted((notice.row, group[0].row) for group in agreeing for notice in group[1:])),
    )


def _disagreement(group: list[Notice], table: Sheet, unread: list[NoticeRefusal]) -> list[NoticeRefusal]:
    """Return a refusal for each row of one person's *group*, if two of them differ, or a further row of theirs is *unread*."""
    numbers = list(dict.fromkeys(sorted([n.row for n in group] + [refusal.row or 0 for refusal in unread])))
    rows = ", ".join(map(str, numbers[:_NAMED_ROWS])) + (" …" if numbers[_NAMED_ROWS:] else "")
    if len({notice.employment_ends_on for notice in group}) > 1:
        column = table.header(Column.EMPLOYMENT_ENDS_ON)
        return [
            NoticeRefusal.of("two_dates", row=n.row, column=column, value=str(n.employment_ends_on), rows=rows)
            for n in group
        ]
    differing = [column for column in (*_OF_LEAVER, *_OF_NOTICE) if len(set(_said(group, column))) > 1]
    if not differing and not unread:
        return []
    columns = dict.fromkeys(refusal.column for refusal in unread)  # an unreadable cell differs from a readable one
    named = (
        *(one.said for one in differing),
        *(BilingualText(one, one) if one else message("columns").said for one in columns),
    )
    column = table.header(Column.EMPLOYEE_NO)
    return [
        NoticeRefusal.of(
            "contradicting_rows", row=n.row, column=column, value=n.leaver.employee_no, rows=rows, columns=named
        )
        for n in group
    ]


def _filled(group: list[Notice]) -> Notice:
    """Return the first notice with its gaps filled from the others; an unknown column keeps its first value."""
    first = group[0]
    emails = tuple(dict.fromkeys(email for notice in group for email in notice.leaver.other_emails))
    leaver = replace(first.leaver, other_emails=emails, **_given(group, _OF_LEAVER))
    return replace(
        first,
        leaver=leaver,
        given=frozenset().union(*(notice.given for notice in group)),
        floating=any(notice.floating for notice in group),
        extra={name: text for notice in reversed(group) for name, text in notice.extra.items()},
        **_given(group, _OF_NOTICE),
    )


def _given(group: list[Notice], columns: Iterable[Column]) -> dict[str, Any]:
    """Return the first value of each column that is not empty."""
    return {column.value: next(iter(_said(group, column)), None) for column in columns}


def _said(group: list[Notice], column: Column) -> list[Any]:
    """Return the values in *column* that are not empty."""
    every = [getattr(notice.leaver if column in _OF_LEAVER else notice, column) for notice in group]
    return [value for value in every if value is not None]
