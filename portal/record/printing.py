"""
The record as PDF/A-2b, set by typst from the same document, with its Japanese font inside.

The document goes in as JSON and comes out as text: nothing of it is ever read as markup.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import typst

from casework.fonts import FAMILY, drawable, font_folder
from portal.record.document import Cell, Document, Grid, Phrase, Picture, Section

_TEMPLATE = Path(__file__).parent / "templates" / "record.typ"
_STANDARD: Final = "a-2b"


class NotPrinted(Exception):
    """The typesetter refused the record.  Its text is not repeated: it may quote what stands in the record."""


def pdf(document: Document) -> bytes:
    """
    Return `record.pdf`.  The same document gives the same bytes.

    Characters that the font lacks are shown by their number; a foreign picture that cannot be set is left out: `record.html`
    shows both as they are.  Raises `NotPrinted`.
    """
    try:
        return _set(document)
    except typst.TypstError:
        own = tuple(replace(s, pictures=tuple(p for p in s.pictures if p.ours)) for s in document.sections)
    try:
        return _set(replace(document, sections=own))
    except typst.TypstError as exc:
        raise NotPrinted(f"record.pdf: cannot be set: {type(exc).__name__}") from None


def _set(document: Document) -> bytes:
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(font_folder())])
    said = json.dumps({"family": FAMILY, **_document(document)}, ensure_ascii=False)
    return typst.compile(
        _TEMPLATE.read_bytes(),
        font_paths=fonts,
        ignore_system_fonts=True,
        sys_inputs={"record": said},
        pdf_standards=[_STANDARD],
        timestamp=int(document.made_at.timestamp()),
    )


def _document(document: Document) -> dict[str, Any]:
    return {
        "title": _phrase(document.title),
        "subject": drawable(document.subject),
        "case": document.case,
        "verdict": _cell(document.verdict),
        "zone": document.zone,
        "made_at": document.made_at.isoformat(timespec="seconds"),
        "banners": [_phrase(banner) for banner in document.banners],
        "figures": [{"label": _phrase(label), "value": _cell(value)} for label, value in document.figures],
        "sections": [_section(section) for section in document.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": _phrase(section.title),
        "lead": _phrase(section.lead) if section.lead else None,
        "facts": [{"label": _phrase(label), "value": _cell(value)} for label, value in section.facts],
        "pictures": [_picture(picture) for picture in section.pictures],
        "grids": [_grid(grid) for grid in section.grids],
        "commands": list(section.commands),
        "notes": [_phrase(note) for note in section.notes],
    }


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "title": _cell(grid.title) if grid.title else None,
        "shares": list(grid.shares),
        "headings": [_phrase(heading) for heading in grid.headings],
        "rows": [[_cell(cell) for cell in row] for row in grid.rows],
        "empty": _phrase(grid.empty),
    }


def _picture(picture: Picture) -> dict[str, str]:
    return {"svg": drawable(picture.svg), "alt": picture.alt.en}


def _cell(cell: Cell) -> dict[str, str]:
    return {**_phrase(cell.text), "tone": cell.tone.value}


def _phrase(phrase: Phrase) -> dict[str, str]:
    return {"en": drawable(phrase.en), "ja": drawable(phrase.ja)}
