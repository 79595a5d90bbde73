"""What HR's notice becomes, and what becomes of one that cannot be taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from casework.intake.columns import Column
from casework.intake.wording import REMARKS, WORDINGS, Code, Flaw, Remark
from casework.intake.zones import DEFAULT_ZONE, end_of_day
from models.vocabulary import NOT_DEPARTURES, DepartureKind, Leaver

_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One row that can be taken.

    *row* as a spreadsheet counts (the header is 1); in JSON the place in the list, from 1.  *employment_ends_on* is
    inclusive, in *timezone*; for a leave of absence the last day before it begins, for a withdrawal the day of the
    departure that is withdrawn.  *extra* holds the filled cells of unknown columns, as they were written.  *given* are the columns
    that the source has: of any other it says nothing, while an empty cell says that there is no such thing.
    """

    row: int
    leaver: Leaver
    kind: DepartureKind
    employment_ends_on: date
    last_working_at: datetime | None = None
    timezone: str = DEFAULT_ZONE
    manager: str | None = None
    extra: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    given: frozenset[Column] = frozenset(Column)

    @property
    def due_at(self) -> datetime:
        """
        The default instant, UTC: the end of *employment_ends_on* in the person's zone.

        Policy may choose `last_working_at` for some kinds of entitlement, and cuts a dismissal at once.
        """
        return end_of_day(self.employment_ends_on, ZoneInfo(self.timezone))

    @property
    def is_departure(self) -> bool:
        """Whether a person leaves: a leave of absence, a withdrawal and an employment that goes on are notices of their own."""
        return self.kind not in NOT_DEPARTURES


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    Why a cell, a row or a file is not taken, and what to do about it.

    *row* None: the whole file.  *column* as the file spells it, None: the whole row.  *value* is the offending text,
    shortened, with unprintable characters escaped: personal data, for the sender's eyes and never for a log.
    """

    row: int | None
    column: str | None
    value: str | None
    reason: str
    remedy: str
    code: Code
    reason_ja: str
    remedy_ja: str

    @classmethod
    def of(cls, flaw: Flaw, *, row: int | None = None, column: str | None = None, value: str | None = None) -> Refusal:
        """Word *flaw*; what it knows of its own place goes before *row*, *column* and *value*."""
        text = WORDINGS[flaw.code].filled(flaw.facts)
        given = flaw.value if flaw.value is not None else value
        return cls(
            row=flaw.row if flaw.row is not None else row,
            column=flaw.column if flaw.column is not None else column,
            value=None if given is None else shown(given),
            reason=text.reason,
            remedy=text.remedy,
            code=flaw.code,
            reason_ja=text.reason_ja,
            remedy_ja=text.remedy_ja,
        )


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the sender of an accepted notice should know."""

    remark: Remark
    text: str
    text_ja: str

    @classmethod
    def of(cls, remark: Remark, **facts: object) -> Note:
        """Word *remark*."""
        return cls(remark, *(text.format_map(facts) for text in REMARKS[remark]))


@dataclass(frozen=True, slots=True)
class Same:
    """A row that says what *first_row* said already: one notice, not two."""

    row: int
    first_row: int


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What was found in one file.

    Each of the *rows* that are not blank is in exactly one of *notices*, *same* and *refused* (there perhaps several
    times, once for each thing to correct).  A file that is refused whole has no rows.  *sha256* is of the bytes as
    they came, in hexadecimal.
    """

    notices: tuple[Notice, ...]
    refused: tuple[Refusal, ...]
    unknown_columns: tuple[str, ...]
    rows: int
    sha256: str
    same: tuple[Same, ...] = ()


def shown(value: str) -> str:
    """Return *value* fit for a terminal and for JSON: one line, shortened, nothing unprintable."""
    text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[:_SHOWN])
    return text + ("…" if len(value) > _SHOWN else "")
