"""The pages of a bundle that came back, held against those that its `record.json` makes."""

from __future__ import annotations

import io
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

from pyhanko.pdf_utils.generic import DictionaryObject, Reference, StreamObject
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import SignatureCoverageLevel

from audit import layout
from casework.record.facts import NotARecord
from portal.record.pages import NotPrinted, pages

_OF_SEALS = {"/AcroForm", "/Annots", "/Extensions", "/Version", "/ModDate", "/Producer"}
"""What a seal changes in the root, a page and the information of a document."""


def unlike(record: bytes, page_of: Callable[[str], bytes]) -> str | None:
    """
    Return the name of the first page of a bundle that *record* does not make, None if it makes each.

    *page_of* returns a page by its name.  A record of which nothing can be made is named itself.
    """
    try:
        made = pages(record)
    except (NotARecord, NotPrinted):
        return layout.RECORD
    for name, page in made.items():
        there = page_of(name)
        if there != page and not (name == layout.PRINTED and adds_a_seal_alone(page, there)):
            return name
    return None


def adds_a_seal_alone(page: bytes, sealed: bytes) -> bool:
    """
    Whether *sealed* is the PDF *page* with signatures behind its last byte: the last one over all of the file, none that is seen.

    Whose they are is not asked here.
    """
    if not sealed.startswith(page):
        return False
    try:
        reader = PdfFileReader(io.BytesIO(sealed))
        signatures = reader.embedded_signatures
        fields = {signature.sig_field.container_ref for signature in signatures}
        if (
            not signatures
            or any(map(_is_seen, signatures))
            or not _reads_the_same(PdfFileReader(io.BytesIO(page)), reader, fields)
        ):
            return False
        signatures[-1].compute_integrity_info()
        return signatures[-1].coverage is SignatureCoverageLevel.ENTIRE_FILE
    except (PdfError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False  # not a PDF that we have sealed


def _reads_the_same(before: PdfFileReader, after: PdfFileReader, fields: AbstractSet[Reference]) -> bool:
    """
    Whether later revisions change no object of the first one but `_OF_SEALS` and its metadata, and add to forms and pages no more than the
    signature *fields*.  (pyHanko's own comparison wants a form in the first revision.)
    """
    later = {ref for n in range(1, after.xrefs.total_revisions) for ref in after.xrefs.explicit_refs_in_revision(n)}
    metadata = before.root.raw_get("/Metadata").reference
    for ref in later & set(before.xrefs.explicit_refs_in_revision(0)) - {metadata}:
        old, new = before.get_object(ref), after.get_object(ref)  # type: ignore[no-untyped-call]  # pyHanko leaves these untyped
        if (
            isinstance(new, StreamObject)
            or {key for key in {*old, *new} if _raw(old, key) != _raw(new, key)} - _OF_SEALS
        ):
            return False
        if (
            not {one.reference for one in _raw(new, "/Annots") or ()}
            - {one.reference for one in _raw(old, "/Annots") or ()}
            <= fields
        ):
            return False
    form = after.root["/AcroForm"]
    known = set(form) <= {"/Fields", "/SigFlags"} and {one.reference for one in form["/Fields"]} <= fields
    return known and bool(after.root_ref == before.root_ref)


def _raw(found: DictionaryObject, key: str) -> Any:
    return found.raw_get(key) if key in found else None


def _is_seen(signature: Any) -> bool:
    left, bottom, right, top = map(float, signature.sig_field["/Rect"])
    return left != right and bottom != top
