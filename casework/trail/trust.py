"""The trust folder for auditors: public keys and rules alone, to be handed over by another way than the records."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.certificate import Certificate, open_certificate
from audit.certificate_keys import key_hash, public_pem, read_public
from audit.keys import KeyRefused
from audit.leaf import canonical
from audit.note import NoteError, Verifier
from audit.timestamp import StampRefused
from audit.trusted_root import chain_of, trusted_root
from casework.settings import CaseworkSettings
from casework.trail.anchoring import read_policy
from casework.trail.signing import log_signers

VKEY, PEM, POLICY, WITNESSES, ROOTS = "log.vkey", "log.pub.pem", "policy", "witness.vkey", "tsa-ca.pem"
CERTIFICATES, SIGSTORE = "case.pub.pem", "trusted_root.json"


def publish(settings: CaseworkSettings) -> Path:
    """
    Write the log's public keys, the witnesses' policy and the authorities' roots into the trust folder; return it.

    The log's former keys are kept after the present ones: earlier anchors only have their signatures.  Our other files are
    overwritten, other people's are not touched.  Raises `Misconfigured` and `audit.keys.KeyRefused`.
    """
    folder = settings.trust_folder
    folder.mkdir(parents=True, exist_ok=True)
    keys = _with_former(folder / VKEY, [signer.verifier for signer in log_signers(settings)])
    _write(folder / VKEY, "".join(f"{key.vkey}\n" for key in keys))
    _write(folder / PEM, "".join(map(_pem, keys)))
    _write(folder / POLICY, _policy(keys, settings.witness_policy_file))
    rules = read_policy(settings.witness_policy_file)
    if rules is not None:
        _write(folder / WITNESSES, "".join(f"{witness.key.vkey}\n" for witness in rules.witnesses))
    roots = settings.timestamp_roots_file
    if roots is not None and roots.resolve() != (folder / ROOTS).resolve():
        shutil.copyfile(roots, folder / ROOTS)
    return folder


def publish_certificates(settings: CaseworkSettings, key: EllipticCurvePublicKey) -> None:
    """Write `case.pub.pem`, which verifies certificates.  A former key is kept beside it, as `case-….pub.pem`."""
    file = settings.trust_folder / CERTIFICATES
    file.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError, KeyRefused):  # no former key
        former = read_public(file.read_bytes())
        if former != key:
            _write(file.with_name(f"case-{key_hash(former).hex()[:16]}.pub.pem"), public_pem(former).decode())
    _write(file, public_pem(key).decode())


def publish_authority(settings: CaseworkSettings, made: Certificate, key: EllipticCurvePublicKey) -> None:
    """
    Write `trusted_root.json`, by which Sigstore's tools find the authority that stamped *made*; earlier ones are kept in it.

    Nothing is written for a certificate without a stamp, or if its stamp does not hold the whole chain: then openssl can
    verify it, and those tools cannot.
    """
    stamp = open_certificate(made.raw, (key,)).stamp
    if stamp is None or settings.timestamp_roots_file is None:
        return
    try:
        chain = chain_of(stamp, x509.load_pem_x509_certificates(settings.timestamp_roots_file.read_bytes()))
    except StampRefused:
        return
    file = settings.trust_folder / SIGSTORE
    told = json.loads(trusted_root(chain))
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError):  # an unreadable file is written anew
        former = json.loads(file.read_bytes())["timestampAuthorities"]
        told["timestampAuthorities"] += [one for one in former if one not in told["timestampAuthorities"]]
    _write(file, canonical(told).decode())


def _with_former(file: Path, keys: list[Verifier]) -> list[Verifier]:
    """Return *keys*, then the keys of the same log that are in *file*."""
    try:
        former = [Verifier.parse(line) for line in file.read_text("utf-8").splitlines() if line]
    except (FileNotFoundError, NoteError):
        return keys
    return list(dict.fromkeys([*keys, *(key for key in former if key.name == keys[0].name)]))


def _policy(keys: list[Verifier], file: Path | None) -> str:
    """Return the policy with our own log in it; without a file it requires no cosignature."""
    rest = ["quorum none"] if file is None else file.read_text("utf-8").splitlines()
    others = [line for line in rest if line.split()[:1] != ["log"]]
    return "\n".join([*(f"log {key.vkey}" for key in keys), *others]) + "\n"


def _pem(key: Verifier) -> str:
    public = Ed25519PublicKey.from_public_bytes(key.key)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, "utf-8")
    draft.replace(path)
