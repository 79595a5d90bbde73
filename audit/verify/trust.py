"""
Whom the auditor believes: public keys, the witnesses' policy and the authority's root, delivered by another way.

    log.vkey       the log's public keys, one a line      policy      tlog-policy: who must have cosigned
    case.pub.pem   the certificate's key (case*.pub.pem)  tsa-ca.pem  the roots of the time-stamping authorities
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from audit import certificate_keys, policy
from audit.keys import KeyRefused
from audit.note import NoteError, Verifier
from audit.policy import Policy, PolicyError
from audit.verify.report import Unreadable

VKEYS, POLICY, ROOTS, KEYS = "log.vkey", "policy", "tsa-ca.pem", "case*.pub.pem"


@dataclass(frozen=True, slots=True)
class Trust:
    """*logs*: keys of which one must have signed each head.  *keys*: of which one must have signed the certificate."""

    logs: tuple[Verifier, ...]
    policy: Policy
    keys: tuple[EllipticCurvePublicKey, ...]
    roots: tuple[x509.Certificate, ...]


def read_trust(folder: Path, bundle: Path) -> Trust:
    """
    Read the trust material.

    Raises `Unreadable` if it lies inside *bundle* (whoever forged the bundle would have brought it), or is not whole.
    """
    for path in (folder, *folder.glob("*")):
        if path.resolve().is_relative_to(bundle.resolve()):
            raise Unreadable("trust: cannot be used: it lies inside the bundle; take it from another hand")
    try:
        vkeys = (folder / VKEYS).read_text("utf-8").splitlines()
        rules = policy.read((folder / POLICY).read_text("utf-8"))
        logs = tuple(dict.fromkeys([*(Verifier.parse(one) for one in vkeys if one), *(log.key for log in rules.logs)]))
        keys = tuple(certificate_keys.read_public(path.read_bytes()) for path in sorted(folder.glob(KEYS)))
        roots = tuple(x509.load_pem_x509_certificates((folder / ROOTS).read_bytes()))
    except OSError as exc:
        raise Unreadable(f"trust: cannot be read: {Path(exc.filename or '').name}: {exc.strerror}") from exc
    except (NoteError, PolicyError, KeyRefused, ValueError) as exc:
        raise Unreadable(f"trust: cannot be read: {exc}") from exc
    if not logs or not keys:
        raise Unreadable(f"trust: cannot be used: {VKEYS if keys else KEYS} holds no key")
    if len({log.name for log in logs}) != 1:
        raise Unreadable("trust: cannot be used: keys of several logs")
    return Trust(logs, rules, keys, roots)
