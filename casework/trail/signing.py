"""
The signers: the log's key, its former key during a change, and the certificate's key, from files or key stores.

The log itself records that its key changes, or was lost, under the signature of a key that is still valid.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from audit import certificate_keys, key_uris, keyring, keys, note
from audit.certificate_keys import CertificateSigner
from audit.leaf import Event
from casework.context import Context
from casework.errors import BadRequest, Misconfigured
from casework.settings import CaseworkSettings


def log_signers(settings: CaseworkSettings) -> list[note.Signer]:
    """
    Return the log's signers, the present one first.

    Raises `audit.keys.KeyRefused` for a key that is missing or not to be trusted, `Misconfigured` for a URI without its public key.
    """
    present = settings.audit_key_uri, settings.audit_public_key_file, settings.audit_key_file
    former = settings.audit_former_key_uri, settings.audit_former_public_key_file, settings.audit_former_key_file
    signers: list[note.Signer] = []
    for uri, public, file in (present, former):
        if uri is not None:
            signers.append(key_uris.open_log_key(uri, _beside(uri, public), settings.audit_origin, _pin(settings)))
        elif file is not None:
            signers.append(keys.open_key(file, settings.audit_origin))
    return signers


def certificate_signer(settings: CaseworkSettings) -> CertificateSigner:
    """
    Return the signer of certificates; a key file is made on first use.

    Raises `audit.keys.KeyRefused` for a key that is not to be trusted, `Misconfigured` for a URI without its public key.
    """
    uri = settings.certificate_key_uri
    if uri is not None:
        return key_uris.open_certificate_key(uri, _beside(uri, settings.certificate_public_key_file), _pin(settings))
    settings.certificate_key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return certificate_keys.open_or_create(settings.certificate_key_file)


def _beside(uri: str, public: Path | None) -> Path:
    if public is None:
        scheme = uri.partition(":")[0]
        raise Misconfigured(
            f"key store {scheme}: no public key beside the URI",
            "Set …_PUBLIC_KEY_FILE to the key's public half in PEM.",
        )
    return public


def _pin(settings: CaseworkSettings) -> key_uris.AskSecret:
    def ask(what: str) -> str:
        if settings.key_pin is None:
            raise Misconfigured(f"key store: asks for its {what}", "Set LASTDAY_KEY_PIN.")
        return settings.key_pin.get_secret_value()

    return ask


def announce(context: Context, signers: list[note.Signer], by: str) -> note.Verifier:
    """
    Record the log's present key, the first of *signers*, in the log.  Twice is the same event.

    Raises `BadRequest` unless the former key still signs beside it: a verifier that only has the old key does not trust a
    head that only the new key signs.
    """
    if len(signers) < 2 or signers[0].verifier == signers[1].verifier:
        raise BadRequest(
            "keys: cannot announce a new key: the former one does not sign beside it",
            "Set LASTDAY_AUDIT_KEY_… to the new key and LASTDAY_AUDIT_FORMER_KEY_… to the one before.",
        )
    key = signers[0].verifier
    _tell(context, keyring.added(key, context.actor), f"key-added:{key.vkey}", by=by)
    return key


def retire(context: Context, vkey: str, signers: list[note.Signer], by: str) -> None:
    """Record that *vkey* signs no more.  Raises `BadRequest` for the key that signs now."""
    key = _parse(vkey)
    if signers[0].verifier == key:
        raise BadRequest("keys: cannot retire the key that signs", "Announce its successor first.")
    _tell(context, keyring.retired(key, context.actor), f"key-retired:{key.vkey}", by=by)


def compromised(context: Context, vkey: str, since: datetime, by: str, reason: str) -> None:
    """
    Record that *vkey* was stolen at the time *since*; signatures that were stamped before stay valid.  A second, earlier time
    may be recorded.

    Raises `BadRequest` for a time in the future.
    """
    key = _parse(vkey)
    if since > context.now():
        raise BadRequest(
            "keys: the time of the theft lies ahead", "Give the earliest time at which it may have happened."
        )
    event, why = keyring.compromised(key, since, context.actor), {"reason": reason} if reason else {}
    _tell(context, event, f"key-compromised:{key.vkey}:{since.isoformat()}", by=by, **why)


def _tell(context: Context, event: Event, dedup_key: str, **payload: Any) -> None:
    with context.store.write() as session:
        context.store.trail.append(session.connection(), event, payload, dedup_key=dedup_key)


def _parse(vkey: str) -> note.Verifier:
    try:
        return note.Verifier.parse(vkey)
    except ValueError as exc:
        raise BadRequest(f"keys: not a public key: {exc}", "Give the line of log.vkey: name+id+key.") from exc
