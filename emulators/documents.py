"""
A company's papers: signed, timestamped, tampered with, scanned, encrypted, truncated.  All made in memory.

The authority of `emulators.signing_authority` issues the signers' certificates and the timestamps.
"""

# pyHanko types its readers, and not what writes
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from secrets import token_hex
from typing import Any

from asn1crypto import cms, core
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigFieldSpec
from pyhanko.sign.timestamps import DummyTimeStamper

from emulators.signing_authority import SigningAuthority, Subject, pki

__all__ = [
    "SigningAuthority", "Subject", "bytes_flipped", "changed_afterwards", "claiming", "encrypted", "filled_in", "form", "pki", "plain", "scan_pdf", "scan_png",
    "sealed_and_filled_in", "sealed_with_other_words", "signature_named_as_rights",
    "signature_removed", "signed", "time_stamped", "truncated", "with_empty_rights",
    "with_usage_rights",
]  # fmt: skip


def plain(text: str = "I keep the company's secrets.", *, pages: int = 1) -> bytes:
    """Return a PDF that nobody has signed: *text* in Latin letters on each page."""
    writer = PdfFileWriter()
    for _ in range(pages):
        font = generic.DictionaryObject(
            {pdf_name("/Type"): pdf_name("/Font"), pdf_name("/Subtype"): pdf_name("/Type1"),
             pdf_name("/BaseFont"): pdf_name("/Helvetica")}
        )  # fmt: skip
        resources = generic.DictionaryObject({pdf_name("/Font"): generic.DictionaryObject({pdf_name("/F1"): font})})
        drawn = f"BT /F1 14 Tf 72 720 Td ({text}) Tj ET".encode("ascii", "replace")
        stream = writer.add_object(generic.StreamObject(stream_data=drawn))
        page = PageObject(contents=stream, media_box=(0, 0, 595, 842), resources=resources)
        writer.insert_page(page)
    return _written(writer)


class _CarelessSigner(signers.PdfSigner):
    """Signs even after the author's certification has closed the paper: the reader has to refuse that."""

    def _enforce_certification_constraints(self, reader: PdfFileReader) -> None:
        """Enforce nothing."""


def signed(  # noqa: PLR0913  # one keyword an option, each with a default
    name: str,
    *,
    body: bytes | None = None,
    at: datetime | None = None,
    stamped: bool | SigningAuthority = False,
    by: signers.SimpleSigner | None = None,
    field: str = "Signature1",
    certify: bool = False,
    allow: MDPPerm = MDPPerm.FILL_FORMS,
) -> bytes:
    """
    Return *body* (by default a plain page) with *name*'s signature appended; call it again on the result for a second signer.

    *at*: the time that the signature claims, and the timestamp's time with *stamped* (by that authority).  *by*: another signer than
    *name*'s.  *certify*: as the author's signature, after which only *allow* is allowed.
    """
    writer = IncrementalPdfFileWriter(BytesIO(body if body is not None else plain()))
    claimed = at or datetime.now(UTC)
    meta = signers.PdfSignatureMetadata(
        field_name=field, md_algorithm="sha256", name=name, certify=certify, docmdp_permissions=allow
    )
    authority = stamped if isinstance(stamped, SigningAuthority) else pki()
    return _sign(writer, meta, by or pki().signer(name), authority.stamper(claimed) if stamped else None)


class _Claiming(signers.SimpleSigner):
    """Claims another time of signing than now."""

    at: datetime

    async def signed_attrs(self, *known: Any, **more: Any) -> cms.CMSAttributes:
        """Return the attributes with the claimed time instead of the present one."""
        found = await super().signed_attrs(*known, **more)
        time = cms.Time(name="generalized_time", value=core.GeneralizedTime(self.at))
        claimed = cms.CMSAttribute({"type": "signing_time", "values": [time]})
        return cms.CMSAttributes([*(one for one in found if one["type"].native != "signing_time"), claimed])


def claiming(name: str, at: datetime) -> signers.SimpleSigner:
    """Return *name*'s signer who claims to sign at *at*."""
    known = pki().signer(name)
    signer = _Claiming(
        signing_cert=known.signing_cert, signing_key=known.signing_key, cert_registry=known.cert_registry
    )
    signer.at = at
    return signer


def _sign(
    writer: IncrementalPdfFileWriter,
    meta: signers.PdfSignatureMetadata,
    by: signers.SimpleSigner,
    stamper: DummyTimeStamper | None = None,
) -> bytes:
    signer = _CarelessSigner(meta, by, timestamper=stamper, new_field_spec=SigFieldSpec(meta.field_name or "Signature"))
    out = BytesIO()
    with ThreadPoolExecutor(1) as apart:  # pyHanko starts an event loop, which fails beside a running one
        apart.submit(signer.sign_pdf, writer, output=out).result()
    return out.getvalue()


def form(text: str = "I keep the company's secrets.") -> bytes:
    """Return a page with a field to be filled in."""
    writer = IncrementalPdfFileWriter(BytesIO(plain(text)))
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    box = generic.ArrayObject(generic.NumberObject(n) for n in (72, 600, 300, 620))
    field = generic.DictionaryObject(
        {pdf_name("/FT"): pdf_name("/Tx"), pdf_name("/T"): generic.pdf_string("Penalty"), pdf_name("/V"): generic.pdf_string(""),
         pdf_name("/Type"): pdf_name("/Annot"), pdf_name("/Subtype"): pdf_name("/Widget"), pdf_name("/Rect"): box, pdf_name("/P"): page}
    )  # fmt: skip
    there = writer.add_object(field)
    writer.root[pdf_name("/AcroForm")] = generic.DictionaryObject(
        {pdf_name("/Fields"): generic.ArrayObject([there]), pdf_name("/SigFlags"): generic.NumberObject(3)}
    )
    writer.update_root()
    writer.root["/Pages"]["/Kids"][0][pdf_name("/Annots")] = generic.ArrayObject([there])
    writer.update_container(writer.root["/Pages"]["/Kids"][0])
    return _written(writer)


def filled_in(paper: bytes, words: str = "None.") -> bytes:
    """Return *paper* with its field filled in by an incremental update, as a form allows it."""
    writer = IncrementalPdfFileWriter(BytesIO(paper))
    _fill_in(writer, words)
    return _written(writer)


def _fill_in(writer: IncrementalPdfFileWriter, words: str) -> None:
    field = next(one.get_object() for one in writer.root["/AcroForm"]["/Fields"] if one.get_object()["/FT"] == "/Tx")
    field[pdf_name("/V")] = generic.pdf_string(words)
    writer.update_container(field)


def time_stamped(paper: bytes, at: datetime | None = None, *, by: SigningAuthority | None = None) -> bytes:
    """Return *paper* with authority *by*'s time stamp over the whole document (ISO 32000-2, 12.8.5), and no person's signature."""
    out = BytesIO()
    with ThreadPoolExecutor(1) as apart:  # see `signed`
        stamper = signers.PdfTimeStamper((by or pki()).stamper(at))
        apart.submit(stamper.timestamp_pdf, IncrementalPdfFileWriter(BytesIO(paper)), "sha256", output=out).result()
    return out.getvalue()


def changed_afterwards(paper: bytes, text: str = "I keep nothing.") -> bytes:
    """Return *paper* with other words on its first page, by an incremental update: the signed bytes stay as they were."""
    writer = IncrementalPdfFileWriter(BytesIO(paper))
    page = writer.root["/Pages"]["/Kids"][0]
    drawn = f"BT /F1 14 Tf 72 720 Td ({text}) Tj ET".encode("ascii", "replace")
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=drawn))
    writer.update_container(page)
    return _written(writer)


def sealed_with_other_words(text: str = "I keep nothing.") -> bytes:
    """Return a page whose words were changed and sealed by a company in one update."""
    writer = IncrementalPdfFileWriter(BytesIO(plain()))
    page = writer.root["/Pages"]["/Kids"][0]
    drawn = f"BT /F1 14 Tf 72 720 Td ({text}) Tj ET".encode("ascii", "replace")
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=drawn))
    writer.update_container(page)
    return _sign(
        writer, signers.PdfSignatureMetadata(field_name="Seal", md_algorithm="sha256"), pki().signer("Acme, Inc.")
    )


def sealed_and_filled_in(words: str = "None.") -> bytes:
    """Return a form that was filled in and sealed by a company in one update."""
    writer = IncrementalPdfFileWriter(BytesIO(form()))
    _fill_in(writer, words)
    return _sign(
        writer, signers.PdfSignatureMetadata(field_name="Seal", md_algorithm="sha256"), pki().signer("Acme, Inc.")
    )


def signature_removed(paper: bytes) -> bytes:
    """Return *paper* whose signature fields an incremental update has emptied, as if it had never been signed."""
    writer = IncrementalPdfFileWriter(BytesIO(paper))
    form = writer.root["/AcroForm"]
    for field in form["/Fields"]:
        del field.get_object()[pdf_name("/V")]
        writer.update_container(field.get_object())
    return _written(writer)


def bytes_flipped(paper: bytes, word: bytes = b"company") -> bytes:
    """Return *paper* with one letter of *word* changed in place, inside what was signed."""
    at = paper.index(word)
    return paper[:at] + bytes([paper[at] ^ 0x01]) + paper[at + 1 :]


def with_usage_rights(paper: bytes) -> bytes:
    """Enable a form as Adobe's program does it, with a seal of its own in the document's permissions."""
    writer = IncrementalPdfFileWriter(BytesIO(paper))
    reach = generic.ArrayObject(generic.NumberObject(n) for n in (0, 10, 20, 30))
    transform = generic.DictionaryObject({pdf_name("/TransformMethod"): pdf_name("/UR3")})
    seal = generic.DictionaryObject(
        {pdf_name("/Type"): pdf_name("/Sig"), pdf_name("/ByteRange"): reach, pdf_name("/Contents"): generic.ByteStringObject(b"seal"),
         pdf_name("/Reference"): generic.ArrayObject([transform])}
    )  # fmt: skip
    writer.root[pdf_name("/Perms")] = generic.DictionaryObject({pdf_name("/UR3"): seal})
    writer.update_root()
    return _written(writer)


def with_empty_rights(paper: bytes) -> bytes:
    """Return a paper that names a seal of usage rights without having one."""
    writer = IncrementalPdfFileWriter(BytesIO(paper))
    writer.root[pdf_name("/Perms")] = generic.DictionaryObject({pdf_name("/UR3"): generic.NullObject()})
    writer.update_root()
    return _written(writer)


def signature_named_as_rights(paper: bytes) -> bytes:
    """Return *paper* whose signature was moved from its field to a program's seal of usage rights."""
    writer = IncrementalPdfFileWriter(BytesIO(paper))
    field = writer.root["/AcroForm"]["/Fields"][0]
    value = field.raw_get("/V")
    del field[pdf_name("/V")]
    writer.update_container(field)
    writer.root[pdf_name("/Perms")] = generic.DictionaryObject({pdf_name("/UR3"): value})
    writer.update_root()
    return _written(writer)


def scan_pdf() -> bytes:
    """Return a PDF with only the picture of a page."""
    writer = PdfFileWriter()
    picture = generic.StreamObject(
        {pdf_name("/Type"): pdf_name("/XObject"), pdf_name("/Subtype"): pdf_name("/Image"),
         pdf_name("/Width"): generic.NumberObject(8), pdf_name("/Height"): generic.NumberObject(8),
         pdf_name("/ColorSpace"): pdf_name("/DeviceGray"), pdf_name("/BitsPerComponent"): generic.NumberObject(8)},
        stream_data=bytes(range(64)),
    )  # fmt: skip
    drawn = RawContent(b"q 595 0 0 842 0 0 cm /Im1 Do Q", box=BoxConstraints(595, 842))
    resources = generic.DictionaryObject(
        {pdf_name("/XObject"): generic.DictionaryObject({pdf_name("/Im1"): writer.add_object(picture)})}
    )
    stream = writer.add_object(generic.StreamObject(stream_data=drawn.render()))
    writer.insert_page(PageObject(contents=stream, media_box=(0, 0, 595, 842), resources=resources))
    return _written(writer)


def scan_png() -> bytes:
    """Return the picture of a page as PNG: grey, 8 by 8."""
    rows = b"".join(b"\0" + bytes(range(8)) for _ in range(8))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def encrypted(*, password: str | None = None) -> bytes:
    """Return a paper locked with *password*, by default one that nobody knows."""
    writer = PdfFileWriter()
    stream = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.insert_page(PageObject(contents=stream, media_box=(0, 0, 595, 842), resources=generic.DictionaryObject()))
    secret = password if password is not None else token_hex(8)
    writer.encrypt(owner_pass=secret, user_pass=secret)
    return _written(writer)


def truncated(paper: bytes) -> bytes:
    """Return the first half of *paper*, as a broken copy leaves it."""
    return paper[: len(paper) // 2]


def _written(writer: PdfFileWriter | IncrementalPdfFileWriter) -> bytes:
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
