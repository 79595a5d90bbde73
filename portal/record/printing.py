"""
The record as PDF/A-2b, set by typst from the same document, with its Japanese font inside.

The document goes in as JSON and comes out as text: nothing of it is ever read as markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import typst

from casework.errors import CaseworkError
from casework.fonts import FAMILY, drawable, font_folder
from portal.document import Document
from portal.words import said

_TEMPLATE = Path(__file__).parent / "templates" / "record.typ"
_STANDARD: Final = "a-2b"


class NotPrinted(CaseworkError):
    """The typesetter refused the record.  Its text is not repeated: it may quote what stands in the record."""


def pdf(document: Document) -> bytes:
    """
    Return `record.pdf`.  The same document gives the same bytes.

    Characters that the font lacks are shown by their number: `record.html` has them as they are.  Raises `NotPrinted`.
    """
    record = drawable(json.dumps({"family": FAMILY, **_plain(document)}, ensure_ascii=False))
    try:
        return typst.compile(
            _TEMPLATE.read_bytes(),
            font_paths=typst.Fonts(include_system_fonts=False, font_paths=[str(font_folder())]),
            ignore_system_fonts=True,
            sys_inputs={"record": record},
            pdf_standards=[_STANDARD],
            timestamp=int(document.made_at.timestamp()),
        )
    except typst.TypstError as exc:
        remedy = "Report it with the case's id: the page alone would be half a record."
        raise NotPrinted(f"record.pdf: cannot be set: {type(exc).__name__}", remedy) from None


def _plain(part: Any) -> Any:
    """Return a part of a document as JSON has it, labels as phrases beside their values."""
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
