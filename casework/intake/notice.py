"""A notice of HR's once it is read, or its refusal: a code, whose sentence and remedy are in `casework/messages/intake.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from casework.messages import Message
from models.vocabulary import DepartureKind, Leaver

_SHOWN = 120


@dataclass(frozen=True, slots=True)
class NoticeRefusal(Message):
    """
    Why a cell, a row or a file is refused, and what to do about it.  The code is the same in all languages and releases.

    *row* None: the whole file.  *column* as the file spells it, None: the whole row.  *value*: the offending text,
    shortened, with unprintable characters escaped.  It is personal data, for the sender and never for a log.  The facts that
    fill the sentences are numbers, positions, names of columns and cases, never the value.
    """

    row: int | None
    column: str | None
    value: str | None

    @classmethod
    def of(
        cls, code: str, *, row: int | None = None, column: str | None = None, value: str | None = None, **facts: object
    ) -> NoticeRefusal:
        """Return a refusal whose *value* is safe to show."""
        return cls(code, facts, row, column, None if value is None else shown(value))


class Flaw(Exception):
    """An error in a cell, a row or a file: carries a refusal, with as much of its place as the raiser knows."""

    def __init__(self, code: str, **told: Any) -> None:
        """Take the arguments of `NoticeRefusal.of`."""
        super().__init__(code)
        self.code = code
        self.refusal = NoticeRefusal.of(code, **told)

    def at(self, row: int, column: str | None = None, value: str | None = None) -> NoticeRefusal:
        return replace(self.refusal, row=row, column=column, value=None if value is None else shown(value))


def shown(value: str) -> str:
    """Return *value* safe for a terminal and for JSON: one line, shortened, unprintable characters escaped."""
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[:_SHOWN])
    return text + ("…" if len(value) > _SHOWN else "")


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One valid row.

    *row* as a spreadsheet counts (the header is 1); in JSON the place in the list, from 1.  *employment_ends_on* is
    inclusive, in *timezone*; for a leave of absence the last day before it begins, for a withdrawal the day of the
    departure that is withdrawn.  *extra*: the filled cells of unknown columns, as they were written.  *given*: the columns of
    the source; an empty cell in one means that there is no value, a missing column says nothing.  *floating*: the source names
    no zone for *last_working_at*; it was read in *timezone*.
    """

    row: int
    leaver: Leaver
    kind: DepartureKind
    employment_ends_on: date
    last_working_at: datetime | None
    timezone: str
    manager: str | None
    extra: Mapping[str, str]
    given: frozenset[str]
    floating: bool


@dataclass(frozen=True, slots=True)
class NoticeReading:
    """
    The result of reading one file.

    Each of the *rows* that are not blank is in exactly one of *notices*, *same* and *refused* (there perhaps several
    times, once for each thing to correct).  A file that is refused whole has no rows.  *same*: rows that repeat the first row of
    their person, with that row.  *sha256*: of the bytes as they came, in hexadecimal.
    """

    notices: tuple[Notice, ...]
    refused: tuple[NoticeRefusal, ...]
    unknown_columns: tuple[str, ...]
    rows: int
    sha256: str
    same: Mapping[int, int] = field(default_factory=dict)
