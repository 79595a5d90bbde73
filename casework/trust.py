"""What auditors need to know of us, public keys and rules alone, to be handed over by another way than the records."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.certificate_keys import public_pem
from audit.note import Verifier
from casework.anchoring import read_policy
from casework.settings import CaseworkSettings
from casework.signing import log_signers

VKEY, PEM, POLICY, WITNESSES, ROOTS = "log.vkey", "log.pub.pem", "policy", "witness.vkey", "tsa-ca.pem"
CERTIFICATES, SIGSTORE = "case.pub.pem", "trusted_root.json"


def publish(settings: CaseworkSettings) -> Path:
    """
    Write the log's public keys, the witnesses' policy and the authorities' roots into the trust folder; return it.

    Files of an earlier time are written over; others are left alone.  Raises `Misconfigured` and `audit.keys.KeyRefused`.
    """
    folder = settings.trust_folder
    folder.mkdir(parents=True, exist_ok=True)
    keys = [signer.verifier for signer in log_signers(settings)]
    _write(folder / VKEY, "".join(f"{key.vkey}\n" for key in keys))
    _write(folder / PEM, "".join(map(_pem, keys)))
    _write(folder / POLICY, _policy(keys, settings.witness_policy_file))
    rules = read_policy(settings.witness_policy_file)
    if rules is not None:
        _write(folder / WITNESSES, "".join(f"{witness.key.vkey}\n" for witness in rules.witnesses))
    if (
        settings.timestamp_roots_file is not None
        and settings.timestamp_roots_file.resolve() != (folder / ROOTS).resolve()
    ):
        shutil.copyfile(settings.timestamp_roots_file, folder / ROOTS)
    return folder


def publish_certificates(settings: CaseworkSettings, key: EllipticCurvePublicKey) -> None:
    """Write what certificates are verified with: `case.pub.pem`, and `trusted_root.json` for tools of Sigstore's family."""
    folder = settings.trust_folder
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / CERTIFICATES, public_pem(key).decode())
    if settings.timestamp_roots_file is not None:
        roots = x509.load_pem_x509_certificates(settings.timestamp_roots_file.read_bytes())
        _write(folder / SIGSTORE, json.dumps(_trusted_root(roots), indent=1) + "\n")


def _trusted_root(roots: Sequence[x509.Certificate]) -> dict[str, Any]:
    """Return the authorities as Sigstore's TrustedRoot (v0.1) has them; whose stamp it is says the stamp itself."""
    return {
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "timestampAuthorities": [
            {
                "subject": {"organization": "", "commonName": root.subject.rfc4514_string()},
                "certChain": {
                    "certificates": [{"rawBytes": base64.b64encode(root.public_bytes(Encoding.DER)).decode()}]
                },
                "validFor": {"start": f"{root.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"},
            }
            for root in roots
        ],
    }


def _policy(keys: list[Verifier], file: Path | None) -> str:
    """Return the policy with our own log in it; without a file nobody has to cosign."""
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
