"""
What the bytes of a paper show by themselves: is it readable, who signed inside it, was it changed afterwards.

No network (no OCSP, no CRL is fetched) and no file is used, and the clock only without *now*.  Treat the bytes as hostile:
pyHanko reads them in this process, so call this through `casework.nda.papers.examiner`, which bounds memory and time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO

from asn1crypto import pem
from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import (
    DocumentTimestampStatus,
    ModificationInfo,
    PdfSignatureStatus,
    SignatureCoverageLevel,
)
from pyhanko_certvalidator import ValidationContext

from casework.nda.papers.examination import Examination, Signature
from casework.nda.papers.pdf_seals import Kind, kind_of
from casework.nda.papers.removing import bore_another
from casework.nda.papers.resealing import digest_under, seals_from

MOST_SIGNATURES = 40
"""Signatures of one file, more than any pledge has; a file with more is refused as unreadable, since each one costs time."""

_HARMLESS = ModificationLevel.LTA_UPDATES  # validation material and timestamps, which prove more and change nothing
_BREAKS_OFF = re.compile(rb"\d+ \d+ obj\b")
"""An object after the last end-of-file marker: the copy lost the rest of an update."""
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82", "PNG"),
    (b"\xff\xd8\xff", b"\xff\xd9", "JPEG"),
    (b"II*\x00", b"", "TIFF"),
    (b"MM\x00*", b"", "TIFF"),
)
_NAMES = {"person": "signature", "seal": "a company's seal", "timestamp": "time stamp of the document"}
_SCAN = "nobody signed it electronically: what a scan or a print shows proves nothing by itself"


class UnreadablePaper(Exception):
    """The bytes cannot be opened as a paper.  The text says why."""


def read_roots(bundle: bytes) -> tuple[Certificate, ...]:
    """Return the certificates of a PEM *bundle*.  Raises `ValueError` for one without certificates."""
    roots = tuple(Certificate.load(der) for _, _, der in pem.unarmor(bundle, multiple=True))
    if not roots:
        raise ValueError("the bundle holds no certificate")
    return roots


def examine(paper: bytes, roots: Sequence[Certificate] = (), *, now: datetime | None = None) -> Examination:
    """
    Return what *paper* shows.  *roots*: the certificates that signers and timestamps must lead to; without roots, none is trusted.

    Never raises: a paper that cannot be opened is `readable=False`, with the reason in its text.
    """
    found = Examination(
        hashlib.sha256(paper).hexdigest(), len(paper), readable=False, altered=False, signatures=(), text=""
    )
    try:
        picture = _picture(paper)
        if picture is not None:
            return replace(found, readable=True, text=f"a picture ({picture}): {_SCAN}")
        judge = _Judge(paper, tuple(roots), now or datetime.now(UTC))
        with ThreadPoolExecutor(1) as thread:  # pyHanko starts an event loop, which fails in a thread that runs one
            return thread.submit(_examine_pdf, found, paper, judge).result()
    except UnreadablePaper as exc:
        return replace(found, text=str(exc))


def _picture(paper: bytes) -> str | None:
    for begins, ends, name in _PICTURES:
        if paper.startswith(begins):
            if b"%PDF-" in paper:
                raise UnreadablePaper(f"a picture ({name}) and a PDF in one: readers differ in what it shows")
            if not paper.rstrip(b"\0\r\n").endswith(ends):
                raise UnreadablePaper(f"a picture ({name}) that breaks off")
            return name
    return None


def _examine_pdf(found: Examination, paper: bytes, judge: _Judge) -> Examination:
    reader = _open(paper)
    embedded = list(_embedded(reader))
    kinds = [_kind(one) for one in embedded]
    signatures: list[Signature] = []
    for n in reversed(range(len(embedded))):  # from the last one: it decides what the earlier ones must cover
        answered = any(one.kind == "person" and one.trusted and one.intact for one in signatures)
        signatures.insert(0, judge.signature(embedded[n], kinds[n], _Later(embedded[n + 1 :], by_a_person=answered)))
    vanished = bore_another(paper, reader, embedded)
    if not signatures and _BREAKS_OFF.search(paper, paper.rfind(b"%%EOF")):
        raise UnreadablePaper("a PDF that breaks off in a later version of itself, where a signature may have been")
    broken = [s for s in signatures if not (s.intact and s.covers_whole)]
    said = [_said(s) for s in signatures] or [_SCAN]
    if signatures and "person" not in kinds:
        said.append("no person signed it electronically")
    if vanished:
        said.insert(0, "a signature that an earlier version of the file bore is gone")
    altered = vanished or bool(broken)
    if (start := seals_from(signatures)) is not None and not altered:
        signatures[start] = replace(signatures[start], over_sha256=digest_under(embedded[start:], paper))
    return replace(found, readable=True, altered=altered, signatures=tuple(signatures), text="; ".join(said))


def _open(paper: bytes) -> PdfFileReader:
    """Open a PDF and read its page count.  Raises `UnreadablePaper`, which says why it cannot."""
    if b"%PDF-" not in paper[:1024]:
        raise UnreadablePaper("neither a PDF nor a picture" if paper else "an empty file")
    try:
        reader = PdfFileReader(BytesIO(paper), strict=False)
        locked = reader.encrypted and reader.decrypt("").status is AuthStatus.FAILED
        pages = 0 if locked else int(reader.root["/Pages"]["/Count"])
    except Exception as exc:  # a hostile file makes pyHanko raise any exception
        raise UnreadablePaper(f"a PDF that no reader opens: {type(exc).__name__}") from exc
    if locked:
        raise UnreadablePaper("encrypted: it opens with a password only")
    if pages < 1:
        raise UnreadablePaper("a PDF without a page")
    return reader


def _embedded(reader: PdfFileReader) -> Iterator[EmbeddedPdfSignature]:
    try:
        found = reader.embedded_signatures
    except Exception as exc:
        raise UnreadablePaper(f"a PDF whose signature fields cannot be read: {type(exc).__name__}") from exc
    if len(found) > MOST_SIGNATURES:
        raise UnreadablePaper(f"a PDF with more than {MOST_SIGNATURES} signatures")
    yield from found


class _Later:
    """The signatures after a signature: their *fields*, and whether a trusted one *by_a_person* covers what was filled in between."""

    def __init__(self, embedded: Sequence[EmbeddedPdfSignature], *, by_a_person: bool) -> None:
        self.fields = {one.field_name for one in embedded}
        self.by_a_person = by_a_person


@dataclass(frozen=True, slots=True)
class _Judge:
    """Verify one paper's signatures against *roots*, as of *now*."""

    paper: bytes
    roots: tuple[Certificate, ...]
    now: datetime

    def signature(self, embedded: EmbeddedPdfSignature, kind: Kind, later: _Later) -> Signature:
        """Verify one signature.  Never raises: a signature that cannot be verified is broken, and says why."""
        try:
            found = self._timestamp(embedded, later) if kind == "timestamp" else self._signed(embedded, later)
            return replace(found, kind=kind)
        except Exception as exc:  # noqa: BLE001  # likewise: any exception from pyHanko means a broken signature
            known = isinstance(exc, (SignatureValidationError, SigningError, ValueError))
            problem = f"cannot be verified: {type(exc).__name__}" if known else "cannot be understood"
            return Signature(
                _named(embedded), intact=False, trusted=False, covers_whole=False, problem=problem, kind=kind
            )

    def _signed(self, embedded: EmbeddedPdfSignature, later: _Later) -> Signature:
        status = validate_pdf_signature(embedded, self._context(), self._context())
        stamp = status.timestamp_validity
        stamped_at = stamp.timestamp if stamp is not None and stamp.valid and stamp.intact and stamp.trusted else None
        if stamped_at is not None and not status.trusted:  # a certificate that expired since was valid at that time
            status = validate_pdf_signature(embedded, self._context(stamped_at), self._context(), skip_diff=False)
        whole = _covers(status, later) and not (not later.fields and self._trails(embedded, status))
        return Signature(
            _named(embedded),
            intact=bool(status.intact and status.valid),
            trusted=bool(status.trusted),
            covers_whole=whole,
            claimed_at=status.signer_reported_dt,
            timestamped_at=stamped_at,
            problem=_problem(status, self.roots, whole=whole, unstamped=stamp is not None and stamped_at is None),
            filled_after=whole and bool(_filled_in(status) - later.fields),
        )

    def _timestamp(self, embedded: EmbeddedPdfSignature, later: _Later) -> Signature:
        status = validate_pdf_timestamp(embedded, self._context())
        whole = _covers(status, later) and not (not later.fields and self._trails(embedded, status))
        return Signature(
            _named(embedded),
            intact=bool(status.intact and status.valid),
            trusted=bool(status.trusted),
            covers_whole=whole,
            timestamped_at=status.timestamp if status.trusted else None,
            problem=_problem(status, self.roots, whole=whole),
        )

    def _trails(self, embedded: EmbeddedPdfSignature, status: PdfSignatureStatus | DocumentTimestampStatus) -> bool:
        """Whether bytes follow that pyHanko ignores: another reader may show them."""
        *_, start, length = (int(n) for n in embedded.byte_range)
        unexplained = getattr(status, "modification_level", None) is ModificationLevel.NONE
        return unexplained and bool(self.paper[start + length :].strip())

    def _context(self, at: datetime | None = None) -> ValidationContext:
        """Trust our roots alone, fetch nothing, and judge certificates at *at* (else now)."""
        return ValidationContext(
            trust_roots=list(self.roots), allow_fetching=False, moment=at or self.now, retroactive_revinfo=True
        )


def _kind(embedded: EmbeddedPdfSignature) -> Kind:
    """Return whose signature it is; one whose certificate cannot be read counts as a person's without a name."""
    if embedded.sig_object.get("/Type", None) == "/DocTimeStamp":
        return "timestamp"
    try:
        return kind_of(embedded.signer_cert)
    except Exception:  # noqa: BLE001  # a damaged certificate is judged where the signature is
        return "person"


def _covers(status: PdfSignatureStatus | DocumentTimestampStatus, later: _Later) -> bool:
    """
    Whether the signature allows everything that came after it.

    After the last signature: only validation material and timestamps.  After the last person's: only further signatures, since a seal or a
    timestamp does not cover what somebody filled in.
    """
    if status.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return False
    change = status.modification_level if isinstance(status, ModificationInfo) else None
    if change is None or status.docmdp_ok is False:
        return False
    if not later.fields:
        return bool(change <= _HARMLESS)
    if later.by_a_person:
        return bool(change < ModificationLevel.OTHER)
    return bool(change <= ModificationLevel.FORM_FILLING) and not _filled_in(status) - later.fields


def _filled_in(status: PdfSignatureStatus | DocumentTimestampStatus) -> set[str]:
    """Return the fields that were changed since the signature, including those of later signatures; `?` where pyHanko does not know."""
    found = status.diff_result if isinstance(status, ModificationInfo) else None
    return found.changed_form_fields if isinstance(found, DiffResult) else {"?"}


def _problem(
    status: PdfSignatureStatus | DocumentTimestampStatus,
    roots: Sequence[Certificate],
    *,
    whole: bool,
    unstamped: bool = False,
) -> str | None:
    """Return the gravest problem, None without any."""
    if not (status.intact and status.valid):
        return "what it signed was changed"
    if not whole:
        return "the paper was changed after it"
    if status.revoked:
        return "its certificate was revoked"
    if not status.trusted:
        reason = "leads to none of the configured roots, or its time has ended" if roots else "no roots are configured"
        return f"its certificate cannot be trusted: {reason}"
    return "its timestamp cannot be trusted" if unstamped else None


def _named(embedded: EmbeddedPdfSignature) -> str:
    """Return the common name in the signer's certificate, else the organisation's; empty if neither can be read."""
    try:
        subject = embedded.signer_cert.subject.native
    except Exception:  # noqa: BLE001  # a damaged certificate names nobody
        return ""
    name = subject.get("common_name") or subject.get("organization_name") or ""
    return str(name)[:200]


def _said(one: Signature) -> str:
    words = [
        "unchanged since" if one.intact and one.covers_whole else "broken",
        "trusted certificate" if one.trusted else "untrusted certificate",
        "trusted timestamp" if one.timestamped_at is not None else "time by its own word",
    ]
    return f"{_NAMES[one.kind]}: " + ", ".join(words) + (f" ({one.problem})" if one.problem else "")
