"""The record as one HTML file, with no script, nothing fetched and everything of others escaped; and the folder's READMEs as plain text."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from casework.record.facts import Facts, Proof
from portal.document import Clock, Document
from portal.record.composing import COMMANDS, warnings
from portal.words import Phrase, phrase, said

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
)  # fmt: skip


def page(document: Document) -> bytes:
    """Return `record.html`.  The same document gives the same bytes."""
    return _TEMPLATES.get_template("record.html").render(record=document, said=said).encode()


def readmes(facts: Facts, known: Proof) -> dict[str, bytes]:
    """Return README.ja.txt and README.en.txt.  They name the case, never the person."""
    clock = Clock(facts.view.departure.timezone)
    return {
        f"README.{language}.txt": _TEMPLATES.get_template(f"README.{language}.txt")
        .render(
            facts=facts,
            known=known,
            commands=COMMANDS,
            erased_at=clock.text(facts.erased_at),
            state=_in(language, phrase(facts.view.state)),
            made_at=clock.text(facts.view.read_at),
            warnings=[_in(language, warning) for warning in warnings(facts, known)],
        )
        .encode()
        for language in ("ja", "en")
    }


def _in(language: str, both: Phrase) -> str:
    return both.ja if language == "ja" and both.ja else both.en
