"""
A case as a document: sections of labelled facts, tables and pictures, each word in both languages.

It knows neither HTML nor PDF nor a terminal.  All three are made from it, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from portal.words import Phrase, phrase, said, titled

_DASH, NONE = Phrase("–"), said("None.")


class Tone(StrEnum):
    """The style of a cell: good, signed for by a person, pending, open, quiet, plain; digests in fixed width."""

    PLAIN = "plain"
    GOOD = "good"
    SIGNED = "signed"
    PENDING = "pending"
    OPEN = "open"
    MONO = "mono"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Cell:
    """One shown value, on one line or several.  *folded*: the names behind it: a page unfolds them, a print sets them small."""

    lines: tuple[Phrase, ...]
    tone: Tone = Tone.PLAIN
    folded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """
    A table.  *columns*: each heading's English with the column's share of the width.

    *empty*: the sentence in place of missing rows, so that an empty table is never blank.
    """

    columns: Mapping[str, int]
    rows: tuple[tuple[Cell, ...], ...]
    empty: Phrase = NONE
    title: Cell | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing as SVG, with *alt* as its text alternative."""

    svg: str
    alt: Phrase


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a document, in the order: lead, facts (by their labels' English), pictures, grids, commands, closing notes."""

    id: str
    title: Phrase
    lead: Phrase | None = None
    facts: Mapping[str, Cell] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
    grids: tuple[Grid, ...] = ()
    commands: tuple[str, ...] = ()
    notes: tuple[Phrase, ...] = ()


def listing(
    section: str, columns: Mapping[str, int], rows: Iterable[tuple[Cell, ...]], empty: Phrase = NONE
) -> Section:
    """Return a section of one table; see `Grid`."""
    return Section(*titled(section), grids=(Grid(columns, tuple(rows), empty),))


@dataclass(frozen=True, slots=True)
class Document:
    """
    A whole document.  *figures*: shown on the front; *banners*: what a reader must not overlook.

    *made_at*: the time of the facts, not of the printing, so that the same facts give the same bytes.  *written*: *made_at* on the
    clock of *zone*, like every time in the document.
    """

    title: Phrase
    subject: Phrase
    case: str
    verdict: Cell
    zone: str
    made_at: datetime
    written: str
    figures: Mapping[str, Cell]
    banners: tuple[Phrase, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """Shows instants on the clock of the person's zone; None as a dash."""

    zone: str

    def __call__(self, moment: datetime | None, tone: Tone = Tone.PLAIN) -> Cell:
        return cell(self.text(moment), tone=tone)

    def text(self, moment: datetime | None) -> str:
        """Return nothing for None."""
        return "" if moment is None else f"{moment.astimezone(ZoneInfo(self.zone)):%Y-%m-%d %H:%M:%S}"


def cell(*values: object, tone: Tone = Tone.PLAIN) -> Cell:
    """Return *values* as a cell, each on its own line (see `phrase`); a dash if all are empty."""
    lines = tuple(line for line in map(phrase, values) if line.en)
    return Cell(lines, tone) if lines else Cell((_DASH,), Tone.QUIET)


def mono(*values: object) -> Cell:
    """Return digests, ids or commands as a cell."""
    return cell(*values, tone=Tone.MONO)


_STATES = {
    Tone.GOOD: "observed_closed closed restored withdrawn signed complete quiet accepted ok yes",
    Tone.SIGNED: "attested waived",
    Tone.PENDING: "found commanded asked open planned waiting cutting contained deprovisioned restoring",
    Tone.OPEN: "still_open unreadable failed missing altered broken",
    Tone.QUIET: "erased not_expected not_ours",
}
_TONES = {word: tone for tone, words in _STATES.items() for word in words.split()}


def state(value: StrEnum) -> Cell:
    """Return a state as a cell whose tone says whether anything is open."""
    return cell(value, tone=tone_of(value))


def tone_of(value: str, otherwise: Tone = Tone.OPEN) -> Tone:
    """Return the tone of a state, a verdict or an answer; *otherwise* for an unlisted value, which counts as open."""
    return _TONES.get(value, otherwise)


def yes_or_no(value: bool | None, *, unknown: Phrase = _DASH) -> Cell:  # noqa: FBT001  # the answer itself
    """Return a verdict as a cell: yes is good, no is open."""
    if value is None:
        return cell(unknown, tone=Tone.QUIET)
    answer = "yes" if value else "no"
    return cell(said(answer), tone=tone_of(answer))
