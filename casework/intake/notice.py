"""What HR's notice becomes once it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from casework.intake.columns import Column
from casework.intake.dates import DEFAULT_ZONE
from casework.intake.refusals import Refusal
from models.vocabulary import DepartureKind, Leaver


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One row that can be taken.

    *row* as a spreadsheet counts (the header is 1); in JSON the place in the list, from 1.  *employment_ends_on* is
    inclusive, in *timezone*; for a leave of absence the last day before it begins, for a withdrawal the day of the
    departure that is withdrawn.  *extra* holds the filled cells of unknown columns, as they were written.  *given* are the columns
    that the source has: of any other it says nothing, while an empty cell says that there is no such thing.  *floating*: nothing in
    the source says in which zone *last_working_at* is meant; it was read in *timezone*.
    """

    row: int
    leaver: Leaver
    kind: DepartureKind
    employment_ends_on: date
    last_working_at: datetime | None = None
    timezone: str = DEFAULT_ZONE
    manager: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    given: frozenset[Column] = frozenset(Column)
    floating: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What was found in one file.

    Each of the *rows* that are not blank is in exactly one of *notices*, *same* and *refused* (there perhaps several
    times, once for each thing to correct).  A file that is refused whole has no rows.  *same*: rows that say what the first
    one of their person said already, with that row.  *sha256* is of the bytes as they came, in hexadecimal.
    """

    notices: tuple[Notice, ...]
    refused: tuple[Refusal, ...]
    unknown_columns: tuple[str, ...]
    rows: int
    sha256: str
    same: Mapping[int, int] = field(default_factory=dict)
