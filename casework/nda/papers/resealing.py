"""
The digest of a file without its last seals: a service seals the file anew at each download, so the digest of the whole file changes.

There is one only if the seals come last and brought nothing else; otherwise the file counts as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel
from pyhanko.sign.diff_analysis.commons import compare_dicts
from pyhanko.sign.validation import EmbeddedPdfSignature

from casework.nda.papers.examination import Signature

_OF_THE_ROOT = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Perms", "/Version"})
_OF_A_PAGE = frozenset({"/Annots"})


def seals_from(signatures: Sequence[Signature]) -> int | None:
    """Return the index from which all signatures are seals or timestamps; None if a person signed last, or nobody signed."""
    persons = [n for n, one in enumerate(signatures) if one.kind == "person"]
    start = persons[-1] + 1 if persons else 0
    return start if start < len(signatures) else None


def digest_under(seals: Sequence[EmbeddedPdfSignature], paper: bytes) -> str | None:
    """Return the SHA-256 of *paper* before *seals*, its last ones; None if something else came with them, or nothing was before them."""
    reader, before = seals[0].reader, seals[0].signed_revision - 1
    if before < 0:
        return None
    try:
        if not _adds_nothing_else(reader, before, {one.field_name for one in seals}):
            return None
        end = paper.find(b"%%EOF", reader.xrefs.get_xref_container_info(before).end_location)
    except Exception:  # noqa: BLE001  # a hostile file can break its reader anywhere: then the earlier file is not known
        return None
    return hashlib.sha256(paper[:end]).hexdigest() if end >= 0 else None


def _adds_nothing_else(reader: PdfFileReader, before: int, fields: set[str]) -> bool:
    if "/AcroForm" not in reader.get_historical_resolver(before).root:
        if not _adds_a_form_alone(reader, before, fields):
            return False
        before += 1
    found = DEFAULT_DIFF_POLICY.review_file(reader, before)
    if not isinstance(found, DiffResult) or found.modification_level > ModificationLevel.FORM_FILLING:
        return False
    return not found.changed_form_fields - fields


def _adds_a_form_alone(reader: PdfFileReader, before: int, fields: set[str]) -> bool:
    """
    Whether the first seal of a file without a form brought only new objects; pyHanko does not compare such a file.

    Old objects must be unchanged, except the root (which now has a form of these *fields*), the pages with the fields, and the metadata.
    """
    old, new = reader.get_historical_resolver(before), reader.get_historical_resolver(before + 1)
    form = new.root["/AcroForm"]["/Fields"]
    if {str(one.get_object()["/T"]) for one in form} - fields:
        return False
    of_the_file = reader.trailer.raw_get("/Info").reference if "/Info" in reader.trailer else None
    changed = (
        ref for ref in reader.xrefs.explicit_refs_in_revision(before + 1) if _was_there(old, ref) and ref != of_the_file
    )
    return all(_is_the_same(old(ref), new(ref), form) for ref in changed)


def _was_there(old: HistoricalResolver, ref: generic.Reference) -> bool:
    return old.reader.xrefs.get_historical_ref(ref, old.revision) is not None


def _is_the_same(one: generic.PdfObject, other: generic.PdfObject, form: generic.ArrayObject) -> bool:
    if one == other:
        return True
    if not isinstance(one, generic.DictionaryObject) or not isinstance(other, generic.DictionaryObject):
        return False
    kind = one.get("/Type", None)
    if kind == "/Page":
        widgets = {ref.reference for ref in form}
        was = {ref.reference for ref in one.get("/Annots", ())}
        same = {ref.reference for ref in other.get("/Annots", ())} - widgets == was
        return same and compare_dicts(one, other, _OF_A_PAGE, raise_exc=False)
    if kind == "/Metadata":
        return bool(other.get("/Type", None) == kind)
    return kind == "/Catalog" and compare_dicts(one, other, _OF_THE_ROOT, raise_exc=False)
