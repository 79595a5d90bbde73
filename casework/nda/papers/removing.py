"""Whether a file bore a signature that is in none of its fields any more: what it reached over stays in its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_CONTENTS = re.compile(rb"/Contents\s*<\s*[0-9A-Fa-f]")
_STREAM = re.compile(rb"\bstream\r?\n.*?\bendstream\b", re.DOTALL)
"""What a page draws, and whatever else is no object of the file's."""


def bore_another(paper: bytes, reader: PdfFileReader, embedded: Iterable[EmbeddedPdfSignature]) -> bool:
    """Whether *paper* has a signature's value beside those *embedded* in its fields, and that of a program's usage rights."""
    known = {tuple(int(n) for n in one.byte_range) for one in embedded} | _usage_rights(reader)
    return not _reaches(paper) <= known


def _reaches(paper: bytes) -> set[tuple[int, ...]]:
    """Return what the signatures in *paper* reach over, those that it had before included: of objects with a signature's value alone."""
    objects = _STREAM.sub(b"", paper).split(b"endobj")
    reaches = (found for one in objects if _CONTENTS.search(one) for found in _BYTE_RANGE.findall(one))
    return {tuple(map(int, found)) for found in reaches}


def _usage_rights(reader: PdfFileReader) -> set[tuple[int, ...]]:
    """Return what the seals of Adobe's usage rights reach over (ISO 32000-1, 12.8.2.3): a program's, in no signature field, and told by their transform."""
    found: set[tuple[int, ...]] = set()
    for name in ("/UR", "/UR3"):
        try:
            seal = reader.root["/Perms"][name]
            if seal["/Reference"][0]["/TransformMethod"] == name:
                found.add(tuple(int(n) for n in seal["/ByteRange"]))
        except Exception:  # noqa: BLE001, S112  # none, or none that can be read
            continue
    return found
