"""The record as one HTML file: no script, nothing fetched, everything of others escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from portal.document import Document
from portal.words import said

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
)  # fmt: skip
"""The page's, and those of plain text, in which nothing of others stands."""


def page(document: Document) -> bytes:
    """Return `record.html`.  The same document gives the same bytes."""
    return TEMPLATES.get_template("record.html").render(record=document, said=said).encode()
