"""Keys that live elsewhere: used by their URI, never seen, and not believed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from audit import checkpoint, key_uris
from audit.checkpoint import Checkpoint
from audit.keys import KeyRefused
from audit.merkle import EMPTY_ROOT
from tests.audit.samples import ORIGIN
from tests.audit.vault import TOKEN, Transit, transit


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Transit]:
    with transit() as vault:
        monkeypatch.setenv("VAULT_ADDR", vault.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield vault


def public_of(key: PrivateKeyTypes, folder: Path) -> Path:
    path = folder / "public.pem"
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def private_of(key: PrivateKeyTypes, folder: Path) -> Path:
    path = folder / "private.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


class TestVault:
    def test_signs_a_checkpoint(self, engine: Transit, tmp_path: Path) -> None:
        """A head signed in the store opens with the public key that was handed out."""
        signer = key_uris.open_log_key("hv:lastday/1", public_of(engine.versions[0], tmp_path), ORIGIN)
        head = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
        assert checkpoint.open_checkpoint(checkpoint.sign(head, [signer]), signer.verifier) == head
        assert engine.asked == ["/v1/transit/sign/lastday"]

    def test_signs_with_another_version(self, engine: Transit, tmp_path: Path) -> None:
        """A signature by another version of the key is refused here, and not found by an auditor years later."""
        engine.versions.append(Ed25519PrivateKey.generate())
        signer = key_uris.open_log_key("hv:lastday/1", public_of(engine.versions[0], tmp_path), ORIGIN)
        engine.answers_with = 2
        with pytest.raises(KeyRefused, match="key store hv: cannot sign"):
            signer.sign(b"text")

    @pytest.mark.parametrize("status", [403, 500, 503])
    def test_refuses(self, engine: Transit, tmp_path: Path, status: int) -> None:
        """A store that does not sign gives an error of ours, without its token or its address."""
        signer = key_uris.open_log_key("hv:lastday/1", public_of(engine.versions[0], tmp_path), ORIGIN)
        engine.status = status
        with pytest.raises(KeyRefused) as refused:
            signer.sign(b"text")
        assert TOKEN not in str(refused.value)
        assert "127.0.0.1" not in str(refused.value)

    def test_key_is_not_shown(self, engine: Transit, tmp_path: Path) -> None:
        """The signer's repr names the log and its public key, and nothing of the store."""
        signer = key_uris.open_log_key("hv:lastday/1", public_of(engine.versions[0], tmp_path), ORIGIN)
        assert "hv:" not in repr(signer)


class TestFiles:
    def test_certificate_key(self, tmp_path: Path) -> None:
        """A key on P-256 signs certificates; the signature is DER, as Sigstore has it."""
        key = ec.generate_private_key(ec.SECP256R1())
        signer = key_uris.open_certificate_key(f"file2:{private_of(key, tmp_path)}", public_of(key, tmp_path))
        key.public_key().verify(signer.sign(b"text"), b"text", ec.ECDSA(hashes.SHA256()))

    def test_wrong_halves(self, tmp_path: Path) -> None:
        """A public key that does not belong to the private one is noticed before anything is signed."""
        private = private_of(Ed25519PrivateKey.generate(), tmp_path)
        with pytest.raises(KeyRefused, match="cannot be opened: KeyMismatchError"):
            key_uris.open_log_key(f"file2:{private}", public_of(Ed25519PrivateKey.generate(), tmp_path), ORIGIN)


class TestRefused:
    @pytest.mark.parametrize("uri", ["", "nowhere", "ftp:key", "/path/to/key"])
    def test_unknown_store(self, tmp_path: Path, uri: str) -> None:
        """A URI of no known store is refused with the list of those that are known."""
        with pytest.raises(KeyRefused, match="awskms, azurekms"):
            key_uris.open_log_key(uri, public_of(Ed25519PrivateKey.generate(), tmp_path), ORIGIN)

    def test_wrong_algorithms(self, tmp_path: Path) -> None:
        """The log is signed with Ed25519 and the certificate with P-256: no other key is taken for them."""
        edwards, p256, p384 = (
            Ed25519PrivateKey.generate(),
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP384R1()),
        )
        with pytest.raises(KeyRefused, match="not an Ed25519 key"):
            key_uris.open_log_key(f"file2:{private_of(p256, tmp_path)}", public_of(p256, tmp_path), ORIGIN)
        for other in (edwards, p384):
            with pytest.raises(KeyRefused, match="not an ECDSA key on P-256"):
                key_uris.open_certificate_key(f"file2:{private_of(other, tmp_path)}", public_of(other, tmp_path))

    def test_public_key(self, tmp_path: Path) -> None:
        """A public key that is missing, or none, is said to be so."""
        with pytest.raises(KeyRefused, match="public key: cannot open"):
            key_uris.open_log_key("hv:lastday/1", tmp_path / "none.pem", ORIGIN)
        (tmp_path / "odd.pem").write_text("-----BEGIN PUBLIC KEY-----\n")
        with pytest.raises(KeyRefused, match="not a public key in PEM"):
            key_uris.open_log_key("hv:lastday/1", tmp_path / "odd.pem", ORIGIN)

    @pytest.mark.parametrize("uri", ["awskms:key", "gcpkms:key", "hsm:2", "hsm-ed25519:2", "hv:noversion"])
    def test_store_that_cannot_be_opened(self, tmp_path: Path, uri: str) -> None:
        """A store whose library is not installed, or whose URI is incomplete, is refused when it is opened."""
        with pytest.raises(KeyRefused, match="cannot be"):
            key_uris.open_stored_key(uri, public_of(Ed25519PrivateKey.generate(), tmp_path), lambda _: "1234")
