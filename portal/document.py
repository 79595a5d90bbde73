"""
A case as a document: sections of labelled facts, tables and pictures, each word in both languages.

It knows neither HTML nor PDF nor a terminal; all are made from it, so that they cannot tell different things.
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
    """How a cell is set: what is well, what a person signed for, what is on its way, what is open; digests in fixed width."""

    PLAIN = "plain"
    GOOD = "good"
    SIGNED = "signed"
    PENDING = "pending"
    OPEN = "open"
    MONO = "mono"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as it is shown, on one line or several; *folded*: the names behind it, which a page unfolds and a print sets small."""

    lines: tuple[Phrase, ...]
    tone: Tone = Tone.PLAIN
    folded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """
    A table.  *columns*: each heading's English with the column's share of the width.

    *empty* is what stands there without rows: that there is nothing is told, too.
    """

    columns: Mapping[str, int]
    rows: tuple[tuple[Cell, ...], ...]
    empty: Phrase = NONE
    title: Cell | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing of ours as SVG, with *alt* for whoever does not see it."""

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
    The whole of it.  *figures* stand on the front; *banners* say what must not be overlooked.

    *made_at* is the time of the facts, not of the printing: the same facts give the same bytes.  *written* is that on the clock of *zone*,
    as every time in the document.
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
    """Return *values* as a cell, each on its own line, as `phrase` puts them; nothing at all as a dash."""
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
    """Return the tone of a state, a verdict or an answer: whatever is not known to be well is open."""
    return _TONES.get(value, otherwise)


def yes_or_no(value: bool | None, *, unknown: Phrase = _DASH) -> Cell:  # noqa: FBT001  # the answer itself
    """Return a verdict as a cell: yes is well, no is open."""
    if value is None:
        return cell(unknown, tone=Tone.QUIET)
    answer = "yes" if value else "no"
    return cell(said(answer), tone=tone_of(answer))
