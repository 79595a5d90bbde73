"""The log changes its key, or loses it: told in the log itself, under the signature of the key that still holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from audit import keyring
from audit.leaf import Event
from audit.note import Signer, Verifier
from casework.context import Context
from casework.errors import BadRequest


def announce(context: Context, signers: list[Signer], by: str) -> Verifier:
    """
    Tell the log of its present key, the first of *signers*.  Twice is the same event.

    Raises `BadRequest` unless the former key still signs beside it: a head that only the new key signs is a stranger's
    to whoever holds the old one.
    """
    if len(signers) < 2 or signers[0].verifier == signers[1].verifier:
        raise BadRequest(
            "keys: cannot announce a new key: the former one does not sign beside it",
            "Set LASTDAY_AUDIT_KEY_… to the new key and LASTDAY_AUDIT_FORMER_KEY_… to the one before.",
        )
    key = signers[0].verifier
    _tell(context, keyring.added(key, context.actor), by, f"key-added:{key.vkey}")
    return key


def retire(context: Context, vkey: str, signers: list[Signer], by: str) -> None:
    """Tell that *vkey* signs no more.  Raises `BadRequest` for the only key that there is."""
    key = _parse(vkey)
    if signers[0].verifier == key:
        raise BadRequest("keys: cannot retire the key that signs", "Announce its successor first.")
    _tell(context, keyring.retired(key, context.actor), by, f"key-retired:{key.vkey}")


def compromised(context: Context, vkey: str, since: datetime, by: str, reason: str) -> None:
    """
    Tell that *vkey* is in other hands since *since*; what was stamped before it stands.  A second, earlier time may be told.

    Raises `BadRequest` for a time that lies ahead.
    """
    key = _parse(vkey)
    if since > context.now():
        raise BadRequest(
            "keys: the time of the theft lies ahead", "Give the earliest time at which it may have happened."
        )
    _tell(
        context,
        keyring.compromised(key, since, context.actor),
        by,
        f"key-compromised:{key.vkey}:{since.isoformat()}",
        reason,
    )


def _tell(context: Context, event: Event, by: str, dedup_key: str, reason: str = "") -> None:
    payload: dict[str, Any] = {"by": by} | ({"reason": reason} if reason else {})
    with context.store.write() as session:
        context.store.trail.append(session.connection(), event, payload, dedup_key=dedup_key)


def _parse(vkey: str) -> Verifier:
    try:
        return Verifier.parse(vkey)
    except ValueError as exc:
        raise BadRequest(f"keys: not a public key: {exc}", "Give the line of log.vkey: name+id+key.") from exc
