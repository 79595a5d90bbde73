"""
The record's pages: HTML and PDF/A-2b of one document, and the folder's READMEs as plain text.

The HTML has no script and fetches nothing; foreign text is escaped.  Typst sets the PDF with an embedded Japanese font: it gets the
document as JSON and reads nothing of it as markup.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typst
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import casework.messages
import casework.view
from casework.errors import CaseworkError
from casework.record.facts import RecordFacts, read
from casework.visible_text import FAMILY, drawable, font_folder
from portal.document import Clock, Document
from portal.record.composing import COMMANDS, compose, warnings
from portal.words import GLOSSARY, Phrase, phrase, said

_HERE = Path(__file__).parent / "templates"
_SHAPES = {".py", ".toml", ".html", ".css", ".typ", ".txt"}
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE), autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
)  # fmt: skip


class TypesettingError(CaseworkError):
    """The typesetter refused the record.  Its message is not repeated, because it may quote the record."""


def pages(record: bytes) -> dict[str, bytes]:
    """
    Return every page of a bundle by its name, made from its `record.json`: the record as page and PDF, and the two READMEs.

    The same record gives the same bytes.  Raises `RecordError` and `TypesettingError`.
    """
    facts = read(record)
    document = compose(facts)
    return {"record.html": page(document), "record.pdf": pdf(document), **_readmes(facts)}


@cache
def made_by() -> str:
    """Return the versions of lastday and of the typesetter, and a digest of the files that shape a page: together they fix its bytes."""
    shaping = [_HERE.parent.parent, Path(casework.view.__file__).parent, Path(casework.messages.__file__).parent]
    files = sorted(file for folder in shaping for file in folder.rglob("*") if file.suffix in _SHAPES)
    digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in (*files, GLOSSARY)))
    return f"lastday {version('lastday')}, typst {version('typst')}, {digest.hexdigest()[:16]}"


def page(document: Document) -> bytes:
    """Return `record.html`.  The same document gives the same bytes."""
    return _TEMPLATES.get_template("record.html").render(record=document, said=said).encode()


def pdf(document: Document) -> bytes:
    """
    Return `record.pdf`.  The same document gives the same bytes.

    Shows the number of a character that the font lacks; `record.html` has the character.  Raises `TypesettingError`.
    """
    record = drawable(json.dumps({"family": FAMILY, **_plain(document)}, ensure_ascii=False))
    try:
        return typst.compile(
            (_HERE / "record.typ").read_bytes(),
            font_paths=typst.Fonts(include_system_fonts=False, font_paths=[str(font_folder())]),
            ignore_system_fonts=True,
            sys_inputs={"record": record},
            pdf_standards=["a-2b"],
            timestamp=int(document.made_at.timestamp()),
        )
    except typst.TypstError as exc:
        remedy = "Report it with the case's id: the page alone would be half a record."
        raise TypesettingError(f"record.pdf: cannot be set: {type(exc).__name__}", remedy) from None


def _plain(part: Any) -> Any:
    """Return a part of a document as JSON values, with labels as phrases beside their values."""
    match part:
        case datetime():
            return part.isoformat(timespec="seconds")
        case Mapping():
            return [{"label": _plain(said(label)), "value": _plain(value)} for label, value in part.items()]
        case tuple():
            return [_plain(one) for one in part]
        case _ if is_dataclass(part):
            return {field.name: _plain(getattr(part, field.name)) for field in fields(part)}
        case _:
            return part


def _readmes(facts: RecordFacts) -> dict[str, bytes]:
    """Return README.ja.txt and README.en.txt.  They name the case, never the person."""
    clock = Clock(facts.view.departure.timezone)
    return {
        f"README.{language}.txt": _TEMPLATES.get_template(f"README.{language}.txt")
        .render(
            facts=facts,
            commands=COMMANDS,
            erased_at=clock.text(facts.erased_at),
            state=_in(language, phrase(facts.view.state)),
            made_at=clock.text(facts.view.read_at),
            warnings=[_in(language, warning) for warning in warnings(facts)],
        )
        .encode()
        for language in ("ja", "en")
    }


def _in(language: str, both: Phrase) -> str:
    return both.ja if language == "ja" and both.ja else both.en
