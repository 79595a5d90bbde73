"""Tables and documents for a terminal: foreign text is shown as text, never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.terminal import say
from portal.document import Cell, Document, Grid, Section, Tone, cell, tone_of
from portal.words import Phrase, said

_STYLES = {Tone.GOOD: "green", Tone.SIGNED: "cyan", Tone.PENDING: "yellow", Tone.OPEN: "bold red"}


def document_page(shown: Document) -> Iterator[RenderableType]:
    """Yield a document: first its verdict and figures on a few lines, then its sections."""
    yield f"{shown.case}  {told(shown.subject)}  [{_lines(shown.verdict)}]  {shown.zone}"
    yield from _labelled(shown.figures)
    yield from map(told, shown.banners)
    for section in shown.sections:
        yield from section_page(section)


def section_page(shown: Section) -> Iterator[RenderableType]:
    """Yield a section without its lead, which people who use it every day know."""
    yield Text(f"\n{told(shown.title)}", style="bold")
    yield from _labelled(shown.facts)
    for number, grid in enumerate(shown.grids):
        if number:
            yield ""
        yield _grid(grid) if grid.rows else f"  {told(grid.empty)}"
    yield from (f"  {line}" for line in (*shown.commands, *map(told, shown.notes)))


def _grid(grid: Grid) -> Table:
    made = table(*grid.columns, title=_lines(grid.title) if grid.title is not None else None, rows=grid.rows)
    made.show_edge = False
    return made


def _labelled(facts: Mapping[str, Cell]) -> Iterator[str]:
    if facts:
        parts = (f"{told(said(label))}: {_lines(value, ' ')}" for label, value in facts.items())
        yield "  " + "   ".join(parts)


def told(words: Phrase) -> str:
    """Return *words* in the terminal's language, English without Japanese."""
    return say(words.en, words.ja or words.en)


def table(*headings: str, title: str | None = None, rows: Iterable[Iterable[object]] = ()) -> Table:
    """Return a table with these headings, in the terminal's language, and *rows*: states in their colour, None as a dash."""
    made = Table(
        box=box.SIMPLE_HEAD,
        title=Text(Phrase(title).en, style="bold") if title else None,
        title_justify="left",
        pad_edge=False,
    )
    for heading in headings:
        made.add_column(told(said(heading)), overflow="fold")
    for row in rows:
        made.add_row(*map(_text, row))
    return made


def _text(value: object) -> Text:
    match value:
        case Cell():
            shown = value
        case datetime():
            shown = cell(local(value))
        case bool():
            shown = cell(said("yes" if value else "no"))
        case _:
            shown = cell(value, tone=tone_of(str(value), Tone.PLAIN))
    return Text(_lines(shown), style=_STYLES.get(shown.tone, ""))


def _lines(shown: Cell, between: str = "\n") -> str:
    return between.join(map(told, shown.lines))


def local(moment: datetime, zone: str | None = None) -> str:
    """Return an instant on the clock of *zone* (by default this machine's)."""
    shown = moment.astimezone(ZoneInfo(zone) if zone else None)
    return f"{shown:%Y-%m-%d %H:%M:%S %Z}"
