"""The optional PAdES seal on the printed record."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from pyhanko.pdf_utils.reader import PdfFileReader

from audit.bundle_paths import SEALED
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.timestamping import Authority
from emulators.timestamping.certificates import issue
from portal.record.pages import pages
from portal.record.reviewing import unlike
from portal.record.sealing import PdfSealRefused, sealed
from tests.casework.conftest import Office, empty_database, make_office, office  # noqa: F401  # fixtures
from tests.casework.records import record_of

PASSPHRASE = "ひみつ"


@pytest.fixture
def pkcs12(tmp_path: Path) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=Hoshizora seal")
    now = dt.datetime.now(dt.UTC)
    draft = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(9)
    )
    usage = x509.KeyUsage(
        True, True, False, False, False, False, False, False, False
    )  # digital signature, non-repudiation
    certificate = draft.add_extension(usage, critical=True).sign(key, SHA256())
    path = tmp_path / "seal.p12"
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    path.write_bytes(serialize_key_and_certificates(b"seal", key, certificate, None, encryption))
    return path


@pytest.fixture
def record(office: Office) -> bytes:  # noqa: F811  # the fixture imported above
    return record_of(office.context, office.report().id)


def client() -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=10)


class TestSeal:
    async def test_covers_the_whole_file_and_is_stamped(self, record: bytes, pkcs12: Path) -> None:
        """The sealed copy is the printed one with a stamped signature over all of it; the pages are as before."""
        with served(FaultProxy(Authority(issue()).app)) as url:
            made = sealed(pkcs12, PASSPHRASE, client, ("http://127.0.0.1:9/", f"{url}/"))(record)
        plain = pages(record)
        assert made[SEALED].startswith(plain["record.pdf"])
        assert {name: page for name, page in made.items() if name != SEALED} == plain
        (signature,) = PdfFileReader(io.BytesIO(made[SEALED])).embedded_signatures
        assert signature.compute_integrity_info() is None
        assert signature.coverage is not None
        assert signature.coverage.name == "ENTIRE_FILE"
        assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
        unsigned = {attribute["type"].native for attribute in signature.signer_info["unsigned_attrs"]}
        assert "signature_time_stamp_token" in unsigned
        assert unlike(record, made.__getitem__) is None, "the print itself is as it was"

    def test_what_is_no_stamp(self, record: bytes, pkcs12: Path) -> None:
        """A page of a proxy's in the place of a stamp is not taken for one: nothing is sealed, and a sentence says why."""
        stage = FaultProxy(Authority(issue()).app)
        stage.faults.append(
            Fault("POST /", status=200, body="<html>sign in first", headers={"content-type": "text/html"}, times=None)
        )
        with served(stage) as url, pytest.raises(PdfSealRefused, match="no authority"):
            sealed(pkcs12, PASSPHRASE, client, (f"{url}/",))(record)

    def test_refusals(self, record: bytes, pkcs12: Path) -> None:
        """Another passphrase, and no authority that answers, end in a sentence; nothing is sealed without a stamp."""
        with pytest.raises(PdfSealRefused, match="PKCS#12"):
            sealed(pkcs12, "another", client, ())
        with pytest.raises(PdfSealRefused, match="no authority"):
            sealed(pkcs12, PASSPHRASE, client, ("http://127.0.0.1:9/",))(record)
