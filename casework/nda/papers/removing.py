"""Whether a signature was removed from a file's fields: its byte range is still in the file's bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_CONTENTS = re.compile(rb"/Contents\s*<\s*[0-9A-Fa-f]")
_STREAM = re.compile(rb"\bstream\r?\n.*?\bendstream\b", re.DOTALL)
"""Content of streams, such as what a page draws: not an object of the file."""


def bore_another(paper: bytes, reader: PdfFileReader, embedded: Iterable[EmbeddedPdfSignature]) -> bool:
    """Whether *paper* holds a signature's value other than those *embedded* in its fields and those of Adobe's usage rights."""
    known = {tuple(int(n) for n in one.byte_range) for one in embedded} | _usage_rights(reader)
    return not _reaches(paper) <= known


def _reaches(paper: bytes) -> set[tuple[int, ...]]:
    """Return the byte ranges of all signatures in *paper*, also removed ones: those of objects with a signature's value."""
    objects = _STREAM.sub(b"", paper).split(b"endobj")
    reaches = (found for one in objects if _CONTENTS.search(one) for found in _BYTE_RANGE.findall(one))
    return {tuple(map(int, found)) for found in reaches}


def _usage_rights(reader: PdfFileReader) -> set[tuple[int, ...]]:
    """Return the byte ranges of Adobe's usage rights signatures (ISO 32000-1, 12.8.2.3): without a field, known by their transform method."""
    found: set[tuple[int, ...]] = set()
    for name in ("/UR", "/UR3"):
        try:
            seal = reader.root["/Perms"][name]
            if seal["/Reference"][0]["/TransformMethod"] == name:
                found.add(tuple(int(n) for n in seal["/ByteRange"]))
        except Exception:  # noqa: BLE001, S112  # missing or not readable
            continue
    return found
