"""
A record as a document: sections of labelled facts, tables and pictures, each word in both languages.

It knows neither HTML nor PDF; both are made from it.  Text of others (names, titles, reasons) is carried as it was written,
except for characters that nobody can see: those are made visible here, for every reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from casework.visible import visible


class Tone(StrEnum):
    """How a cell is set: what is well, what a person signed for, what is open; digests in fixed width."""

    PLAIN = "plain"
    GOOD = "good"
    SIGNED = "signed"
    OPEN = "open"
    MONO = "mono"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of ours, in both languages.  *ja* empty: the same in both, or written by others."""

    en: str
    ja: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as it is shown."""

    text: Phrase
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Grid:
    """
    A table.  *shares* are the columns' widths, as fractions of the whole.

    *empty* is what stands there without rows: that there is nothing is told, too.
    """

    headings: tuple[Phrase, ...]
    shares: tuple[int, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: Phrase = Phrase("None.", "なし。")
    title: Cell | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing as SVG.  *ours*: no words of others stand in it; any other is shown as a foreign image."""

    svg: str
    alt: Phrase
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the record, in the order: lead, facts, picture, grids, closing notes."""

    id: str
    title: Phrase
    lead: Phrase | None = None
    facts: tuple[tuple[Phrase, Cell], ...] = ()
    pictures: tuple[Picture, ...] = ()
    grids: tuple[Grid, ...] = ()
    notes: tuple[Phrase, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """
    The whole record.  *figures* stand on the front; *banners* say what must not be overlooked.

    *made_at* is the time of the facts, not of the printing: the same facts give the same bytes.
    """

    title: Phrase
    subject: str
    case: str
    verdict: Cell
    zone: str
    made_at: datetime
    figures: tuple[tuple[Phrase, Cell], ...]
    banners: tuple[Phrase, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """Shows instants on the clock of the person's zone; None as a dash."""

    zone: str

    def __call__(self, moment: datetime | str | None, tone: Tone = Tone.PLAIN) -> Cell:
        return Cell(Phrase(self.text(moment)), tone)

    def text(self, moment: datetime | str | None) -> str:
        if not moment:
            return "–"
        try:
            instant = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        except ValueError:
            return visible(str(moment))
        if instant.tzinfo is None:
            return instant.isoformat(sep=" ")
        return f"{instant.astimezone(ZoneInfo(self.zone)):%Y-%m-%d %H:%M:%S}"


def cell(value: object, tone: Tone = Tone.PLAIN) -> Cell:
    """Return others' text, a number or a word of ours as a cell; None and nothing as a dash."""
    if isinstance(value, Cell):
        return value
    if isinstance(value, Phrase):
        return Cell(value, tone)
    return Cell(Phrase("–" if value is None or value == "" else visible(str(value))), tone)


def in_both(said: Phrase, *before: object, tone: Tone = Tone.PLAIN) -> Cell:
    """Return a sentence in both languages, behind what is the same in both; nothing at all as a dash."""
    english = "\n".join(str(part) for part in (*before, said.en) if part)
    return cell(Phrase(visible(english), visible(said.ja)) if english else None, tone)


def mono(value: object) -> Cell:
    """Return a digest, an id or a command as a cell."""
    return cell(value, Tone.MONO)
