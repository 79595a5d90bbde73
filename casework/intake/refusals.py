"""Why a notice is refused, and what its sender is told besides: codes, whose sentences stand in `casework/messages/intake.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from casework.messages import Said, message

_SHOWN = 120


class Code(StrEnum):
    """The reason for refusing a file, a row or a cell, stable across languages and releases."""

    EMPTY_FILE = "empty_file"
    TOO_LARGE = "too_large"
    UTF16 = "utf16"
    NUL_BYTE = "nul_byte"
    UNREADABLE_ENCODING = "unreadable_encoding"
    DOUBTFUL_ENCODING = "doubtful_encoding"
    WRONG_SEPARATOR = "wrong_separator"
    MISSING_HEADER = "missing_header"
    DUPLICATE_HEADER = "duplicate_header"
    NO_ROWS = "no_rows"
    BROKEN_QUOTES = "broken_quotes"
    BROKEN_JSON = "broken_json"
    NOT_FINITE = "not_finite"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    WRONG_SHAPE = "wrong_shape"
    RAGGED_ROW = "ragged_row"
    MISSING_VALUE = "missing_value"
    WRONG_TYPE = "wrong_type"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    BAD_CHARACTER = "bad_character"
    BAD_EMPLOYEE_NO = "bad_employee_no"
    BAD_EMAIL = "bad_email"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_TIMEZONE = "unknown_timezone"
    BAD_DATE = "bad_date"
    EXCEL_SERIAL = "excel_serial"
    NO_SUCH_DATE = "no_such_date"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIME = "bad_time"
    LAST_DAY_AFTER_END = "last_day_after_end"
    TWO_DATES = "two_dates"
    CONTRADICTING_ROWS = "contradicting_rows"
    LEAVE_IS_NO_DEPARTURE = "leave_is_no_departure"
    DEPARTURE_IS_NO_LEAVE = "departure_is_no_leave"
    WITHDRAWN_IS_NO_DEPARTURE = "withdrawn_is_no_departure"
    OTHER_DATE = "other_date"
    OTHER_KIND = "other_kind"
    NO_KIND = "no_kind"
    KIND_ELSEWHERE = "kind_elsewhere"
    KIND_TWICE = "kind_twice"
    OTHER_PERSON = "other_person"
    CONTINUED_BUT_OPEN = "continued_but_open"


class Remark(StrEnum):
    """What the sender of an accepted notice is told besides."""

    KEPT_AT_ONCE = "kept_at_once"
    CONTINUED = "continued"
    NUMBER_USED_BEFORE = "number_used_before"


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    Why a cell, a row or a file is not taken, and what to do about it.

    *row* None: the whole file.  *column* as the file spells it, None: the whole row.  *value* is the offending text,
    shortened, with unprintable characters escaped: personal data, for the sender's eyes and never for a log.  *facts* fill
    the sentences: numbers, positions, names of columns and cases, never the value.
    """

    code: Code
    row: int | None
    column: str | None
    value: str | None
    facts: Mapping[str, object]

    @classmethod
    def of(
        cls, code: Code, *, row: int | None = None, column: str | None = None, value: str | None = None, **facts: object
    ) -> Refusal:
        """Make *value* fit to be shown."""
        return cls(code, row, column, None if value is None else shown(value), facts)

    @property
    def reason(self) -> Said:
        """Why, as a sentence."""
        return message(self.code, **self.facts).said

    @property
    def remedy(self) -> Said:
        """What to do, as a sentence."""
        return message(self.code, **self.facts).remedy


class Flaw(Exception):
    """What stops a cell, a row or a file from being read: a refusal on its way, with what the raiser knows of its place."""

    def __init__(
        self,
        code: Code,
        *,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        **facts: object,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.refusal = Refusal.of(code, row=row, column=column, value=value, **facts)

    def at(self, row: int, column: str | None = None, value: str | None = None) -> Refusal:
        """Return the refusal of a cell."""
        return replace(self.refusal, row=row, column=column, value=None if value is None else shown(value))


def shown(value: str) -> str:
    """Return *value* fit for a terminal and for JSON: one line, shortened, nothing unprintable."""
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[:_SHOWN])
    return text + ("…" if len(value) > _SHOWN else "")
