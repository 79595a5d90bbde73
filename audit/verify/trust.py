"""
The auditor's trust material: public keys, the witness policy and the authorities' roots, from an independent source.

    log.vkey       the log's public keys, one a line      policy      tlog-policy: who must have cosigned
    case.pub.pem   the certificate's key (case*.pub.pem)  tsa-ca.pem  the roots of the time-stamping authorities

Without `tsa-ca.pem` no stamp is required, with `quorum none` no witness.  The bundle cannot change either.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from audit import certificate_keys, policy
from audit.keys import KeyRefused
from audit.note import NoteError, Verifier
from audit.policy import LogPolicy, PolicyError
from audit.verify.report import UnreadableBundle

VKEYS, POLICY, ROOTS, KEYS = "log.vkey", "policy", "tsa-ca.pem", "case*.pub.pem"


@dataclass(frozen=True, slots=True)
class Trust:
    """*logs*: one of these keys must have signed each head.  *keys*: one of these must have signed the certificate."""

    logs: tuple[Verifier, ...]
    policy: LogPolicy
    keys: tuple[EllipticCurvePublicKey, ...]
    roots: tuple[x509.Certificate, ...]

    @property
    def unasked(self) -> tuple[str, ...]:
        """What this trust material does not require, as sentences: even a sound bundle does not show it."""
        stamps = f"time stamps ({ROOTS} is not in the trust material): all dates are the operator's word"
        witnesses = f"witnesses ({POLICY}: quorum {self.policy.quorum}): a log rewritten and signed anew would not show"
        outsiders = "outsiders: authority or witnesses are a rehearsal's, which the operator runs"
        asked = (
            (stamps, self.roots),
            (witnesses, not self.policy.satisfied(())),
            (outsiders, not rehearsed(self.roots, self.policy)),
        )
        return tuple(said for said, whether in asked if not whether)


def rehearsed(roots: Iterable[x509.Certificate], rules: LogPolicy | None) -> bool:
    """Whether an authority or a witness has "rehearsal" in its name: the operator runs it, and it proves nothing."""
    names = [root.subject.rfc4514_string() for root in roots]
    names += [witness.key.name for witness in rules.witnesses] if rules is not None else []
    return any("rehearsal" in name.casefold() for name in names)


def read_trust(folder: Path, bundle: Path) -> Trust:
    """
    Read the trust material.

    Raises `UnreadableBundle` if it is inside *bundle* (a forger of the bundle could have added it), or is incomplete.
    """
    inside = Path(os.path.realpath(bundle))
    try:
        if any(Path(os.path.realpath(path)).is_relative_to(inside) for path in (folder, *folder.glob("*"))):
            raise UnreadableBundle("trust: cannot be used: it lies inside the bundle; take it from another hand")
        vkeys = (folder / VKEYS).read_text("utf-8").splitlines()
        rules = policy.read((folder / POLICY).read_text("utf-8"))
        logs = tuple(dict.fromkeys([*(Verifier.parse(one) for one in vkeys if one), *(log.key for log in rules.logs)]))
        keys = tuple(certificate_keys.read_public(path.read_bytes()) for path in sorted(folder.glob(KEYS)))
        roots = _roots(folder / ROOTS)
    except OSError as exc:
        raise UnreadableBundle(f"trust: cannot be read: {Path(exc.filename or '').name}: {exc.strerror}") from exc
    except (NoteError, PolicyError, KeyRefused, ValueError) as exc:
        raise UnreadableBundle(f"trust: cannot be read: {exc}") from exc
    if not logs or not keys:
        raise UnreadableBundle(f"trust: cannot be used: {VKEYS if keys else KEYS} holds no key")
    if len({log.name for log in logs}) != 1:
        raise UnreadableBundle("trust: cannot be used: keys of several logs")
    return Trust(logs, rules, keys, roots)


def _roots(file: Path) -> tuple[x509.Certificate, ...]:
    """Return the authorities' roots, none if there is no such file.  Raises `ValueError` for a file without a certificate."""
    if not os.path.lexists(file):
        return ()
    return tuple(x509.load_pem_x509_certificates(file.read_bytes()))
