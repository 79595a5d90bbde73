"""The record as one HTML file: no script, nothing fetched, everything of others escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from portal.document import Cell, Document, Picture
from portal.words import Phrase, said

TEMPLATES = Path(__file__).parent / "templates"


def page(document: Document) -> bytes:
    """Return `record.html`.  The same document gives the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    environment.globals |= {"both": both, "shown": shown, "image": image, "said": said}
    return environment.get_template("record.html").render(record=document).encode()


def both(phrase: Phrase) -> Markup:
    """Return a phrase in both languages, for the reader to choose from; what is the same in both stands once."""
    if not phrase.ja:
        return Markup("<bdi>{}</bdi>").format(_lines(phrase.en))  # the template is ours, its parts are escaped
    return Markup('<span class="en" lang="en">{}</span> <span class="ja" lang="ja">{}</span>').format(  # as above
        _lines(phrase.en), _lines(phrase.ja)
    )


def shown(cell: Cell) -> Markup:
    """Return a cell's lines, toned."""
    lines = Markup("").join(
        Markup('<span class="line">{}</span>').format(both(line)) for line in cell.lines
    )  # as above
    return Markup('<span class="{}">{}</span>').format(
        cell.tone.value, both(cell.lines[0]) if len(cell.lines) == 1 else lines
    )  # as above


def image(picture: Picture) -> Markup:
    """Return a picture as part of the page."""
    return Markup(picture.svg)  # noqa: S704  # made by `portal.svg`, which escapes what it writes


def _lines(text: str) -> Markup:
    return Markup("<br>").join(escape(line) for line in text.split("\n"))  # each line is escaped
