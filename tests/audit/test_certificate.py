"""The certificate's bytes and its key, against the words of DSSE and against openssl."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
from pathlib import Path

import pytest
from asn1crypto import tsp

from audit import certificate_keys, keys
from audit.canonical_stamp import pinned
from audit.certificate import CertificateError, CertificateStatement, issue, open_certificate, pae, read_claim
from audit.keys import KeyRefused
from audit.timestamp import StampRefused
from audit.tlogproof import HEADER, Proof, ProofError, parse
from audit.trusted_root import chain_of, trusted_root
from tests.audit.house import House
from tests.audit.samples import ORIGIN

CLAIM = CertificateStatement("case-1", 1, None, ORIGIN, 3, "A" * 43 + "=", 2, 9, "ab" * 32, "cd" * 32)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


class TestEnvelope:
    def test_pae(self) -> None:
        """What is signed is DSSE's pre-authentication encoding: lengths and bytes."""
        assert pae(b"hello") == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"

    def test_statement(self) -> None:
        """An in-toto Statement about the list and the head, under our predicate."""
        said = json.loads(CLAIM.statement)
        assert said["_type"] == "https://in-toto.io/Statement/v1"
        assert said["predicateType"] == "https://lastday.example/audit-record/v1"
        assert [one["name"] for one in said["subject"]] == ["SHA256SUMS", "log/checkpoint"]

    def test_openssl(self, house: House, tmp_path: Path) -> None:
        """Openssl verifies the signature with the public key that is handed out."""
        made = json.loads(issue(CLAIM, house.case_key, house.stamped).raw)["dsseEnvelope"]
        (tmp_path / "pae").write_bytes(pae(base64.b64decode(made["payload"])))
        (tmp_path / "sig").write_bytes(base64.b64decode(made["signatures"][0]["sig"]))
        (tmp_path / "pub").write_bytes(certificate_keys.public_pem(house.case_key.public_key))
        command = ["openssl", "dgst", "-sha256", "-verify", "pub", "-signature", "sig", "pae"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.stdout == "Verified OK\n"

    def test_stranger(self, house: House, tmp_path: Path) -> None:
        """Nobody but a known key certifies."""
        stranger = certificate_keys.open_or_create(tmp_path / "stranger.key")
        made = issue(CLAIM, stranger, house.stamped)
        with pytest.raises(CertificateError, match="no known key"):
            open_certificate(made.raw, (house.case_key.public_key,))

    @pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"dsseEnvelope":{"signatures":[]}}', b"\xff"])
    def test_other_bytes(self, raw: bytes) -> None:
        """Anything else is refused in one way."""
        with pytest.raises(CertificateError):
            read_claim(raw)


class TestPinned:
    def test_again(self, house: House) -> None:
        """Pinning what is pinned changes nothing, whatever the order in which the authority writes."""
        for order in ("der", "openssl", "alone"):
            house.authority.order = order
            once = pinned(house.stamped(b"x"))
            assert pinned(once) == once

    def test_bounded(self, house: House) -> None:
        """Bytes that are no stamp of any authority cost nothing: too long, or with a crowd of certificates."""
        raw = house.stamped(b"signature")
        with pytest.raises(StampRefused, match="longer than any stamp"):
            pinned(raw + bytes(1 << 16))
        parsed = tsp.TimeStampResp.load(raw)
        held = parsed["time_stamp_token"]["content"]["certificates"]
        parsed["time_stamp_token"]["content"]["certificates"] = [*held] * 9
        with pytest.raises(StampRefused, match="more certificates"):
            pinned(parsed.dump(force=True))

    def test_refusal(self, house: House) -> None:
        """A response that grants nothing is no stamp."""
        house.authority.refuses = "bad_alg"
        with pytest.raises(StampRefused):
            pinned(house.stamped(b"x"))


class TestTrustedRoot:
    def test_chain(self, house: House) -> None:
        """Sigstore's tools get the authority's whole chain, the certificate that stamps first."""
        papers = house.authority.papers
        chain = chain_of(house.stamped(b"x"), [papers.root])
        assert chain == [papers.stamper, papers.between, papers.root]
        (authority,) = json.loads(trusted_root(chain))["timestampAuthorities"]
        assert len(authority["certChain"]["certificates"]) == 3

    def test_stranger(self, house: House) -> None:
        """A stamp that leads to no root of ours makes no authority."""
        with pytest.raises(StampRefused, match="no root"):
            chain_of(house.stamped(b"x"), [])


class TestKey:
    def test_file(self, tmp_path: Path) -> None:
        """The key's file is for its owner alone, and is found again."""
        first = certificate_keys.open_or_create(tmp_path / "case.key")
        assert stat.S_IMODE((tmp_path / "case.key").stat().st_mode) == 0o600
        assert certificate_keys.open_key(tmp_path / "case.key").public_key == first.public_key

    def test_log_key(self, tmp_path: Path) -> None:
        """The log's key cannot certify, and the certificate's cannot sign the log."""
        keys.open_or_create(tmp_path / "log.key", ORIGIN)
        certificate_keys.open_or_create(tmp_path / "case.key")
        with pytest.raises(KeyRefused, match="P-256"):
            certificate_keys.open_key(tmp_path / "log.key")
        with pytest.raises(KeyRefused, match="Ed25519"):
            keys.open_key(tmp_path / "case.key", ORIGIN)


class TestProofFile:
    def test_forms(self) -> None:
        """The file is that of c2sp.org/tlog-proof; spicy's is the same without the first line."""
        proof = Proof(7, [b"\x01" * 32], b"origin\n8\nroot\n\n")
        assert proof.tlog_proof.startswith(b"c2sp.org/tlog-proof@v1\nindex 7\nAQEB")
        assert proof.tlog_proof == HEADER + proof.spicy
        assert parse(proof.tlog_proof) == proof

    def test_first_leaf_alone(self) -> None:
        """A tree of one leaf needs no hash."""
        assert parse(Proof(0, [], b"c\n").tlog_proof) == Proof(0, [], b"c\n")

    @pytest.mark.parametrize(
        "raw", [b"", HEADER, HEADER + b"index 01\n\nc", HEADER + b"index 1\nAQ==\n\nc", b"index 1\n\nc"]
    )
    def test_other_bytes(self, raw: bytes) -> None:
        """Any other form is refused."""
        with pytest.raises(ProofError):
            parse(raw)
