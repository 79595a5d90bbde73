"""
An optional copy of record.pdf with a PAdES seal (B-T), for programs that know no other proof.

It adds nothing to the certificate, which covers the whole folder.  A green tick needs a certificate from a list that the PDF reader
trusts (such as AATL), which the operator has to buy.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from asn1crypto import tsp
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper

from audit import bundle_paths
from audit.timestamp import AuthorityUnreachable, StampRefused, post
from casework.errors import CaseworkError
from portal.record.pages import pages

_ABOUT = signers.PdfSignatureMetadata(
    field_name="lastday", subfilter=SigSeedSubFilter.PADES, certify=True, reason="lastday: record of an offboarding"
)
"""The seal covers the whole file, and is appended after its last byte."""


class PdfSealRefused(CaseworkError):
    """The PKCS#12 file cannot be opened, or no authority gives a stamp: then nothing is exported."""


class _Asking(TimeStamper):
    """Asks the authorities in turn."""

    def __init__(self, open_client: Callable[[], httpx.Client], urls: Sequence[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko leaves this one untyped
        self._open_client = open_client
        self._urls = urls

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        with self._open_client() as client:
            for url in self._urls:
                with contextlib.suppress(AuthorityUnreachable, StampRefused):  # the next one is asked
                    return tsp.TimeStampResp.load(post(client, url, req.dump()))
        remedy = "See that an authority of LASTDAY_TIMESTAMP_URLS answers, or leave the seal out."
        raise PdfSealRefused("seal: cannot be stamped: no authority answered", remedy)


def sealed(
    pkcs12: Path, passphrase: str, open_client: Callable[[], httpx.Client], urls: Sequence[str]
) -> Callable[[bytes], Mapping[str, bytes]]:
    """Return a maker of a bundle's pages that adds a copy of `record.pdf`, sealed with *pkcs12*.  Raises `PdfSealRefused` for an unusable file."""
    signer = signers.SimpleSigner.load_pkcs12(str(pkcs12), passphrase=passphrase.encode() or None)  # type: ignore[no-untyped-call]  # pyHanko leaves this one untyped
    if signer is None:
        remedy = "Correct --seal and LASTDAY_SEAL_PASSPHRASE, or leave the seal out."
        raise PdfSealRefused("seal: cannot open the PKCS#12 file: not one, or another passphrase", remedy)
    sealer = signers.PdfSigner(_ABOUT, signer=signer, timestamper=_Asking(open_client, urls))

    def make(record: bytes) -> Mapping[str, bytes]:
        made = pages(record)
        draft = IncrementalPdfFileWriter(io.BytesIO(made["record.pdf"]))
        with ThreadPoolExecutor(1) as thread:  # pyHanko starts an event loop, and one may be running here
            return made | {bundle_paths.SEALED: thread.submit(lambda: sealer.sign_pdf(draft).getvalue()).result()}

    return make
