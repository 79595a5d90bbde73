"""The settings' way to an anchor: who signs, which witnesses and authorities are asked, and where the files go."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
from cryptography import x509

from audit import anchoring, cadence, epochs, policy
from audit.anchoring import Outcome
from audit.berth import Berth
from audit.cadence import Cadence, Health
from audit.continuity import Discontinued, SigningStopped
from audit.epochs import Gap
from audit.mirror import Mirror
from audit.policy import Policy, PolicyError
from casework.bootstrap import open_store
from casework.errors import Misconfigured
from casework.settings import CaseworkSettings, read_settings
from casework.store import Store
from casework.trail.signing import log_signers

__all__ = [
    "CADENCE",
    "Discontinued",
    "Outcome",
    "SigningStopped",
    "anchor",
    "berth",
    "compare",
    "gaps",
    "health",
    "wanted",
]

CADENCE = Cadence()
PATIENCE = 10.0


def anchor(*, at_once: bool = False) -> Outcome:
    """
    Finish what waits and make an anchor if one is due, or *at_once*.  Blocks for as long as others answer: some 20 s at most.

    Safe at any time.  Raises `Misconfigured`, `audit.keys.KeyRefused`, `SigningStopped` and `Discontinued`.
    """
    settings = read_settings()
    store = open_store(settings)
    try:
        return anchoring.anchor(berth(settings, store), at_once=at_once)
    finally:
        store.engine.dispose()


def wanted() -> bool:
    """Whether `anchor` would have something to do: one is due or waits, and signing has not been stopped."""
    settings = read_settings()
    store = open_store(settings)
    try:
        return _wanted(berth(settings, store), store)
    finally:
        store.engine.dispose()


def _wanted(place: Berth, store: Store) -> bool:
    if not place.vouchers.any:
        return False
    with place.reading() as connection:
        now, origin = place.now(), store.trail.origin
        standing = cadence.health(connection, origin, now, CADENCE, place.vouchers)
        due = cadence.due(connection, origin, now, CADENCE, place.vouchers)
        return not standing.alarms and (due is not None or standing.waiting > 0)


def health(store: Store, settings: CaseworkSettings) -> Health:
    return anchoring.health(berth(settings, store))


def compare(store: Store, settings: CaseworkSettings) -> tuple[str, ...]:
    """Hold the log against its mirrored anchors and the witnesses' heads.  Raises `Discontinued`; see `audit.anchoring`."""
    return anchoring.compare(berth(settings, store))


def gaps(store: Store) -> list[Gap]:
    """Return what the log says that it lacks since a backup was restored."""
    with store.read() as session:
        return epochs.told(session.connection())


def berth(settings: CaseworkSettings, store: Store) -> Berth:
    """Return what an anchor needs.  Raises `Misconfigured` for files that are missing or cannot be used."""
    mirror = Mirror(settings.anchor_folder, store.trail.origin)
    rules = read_policy(settings.witness_policy_file)
    urls, roots = settings.timestamp_urls, _roots(settings)
    trust = _trust(settings)
    return Berth(
        store.engine,
        store.trail,
        log_signers(settings) if rules is not None or urls else (),
        mirror,
        lambda: httpx.Client(verify=trust, timeout=PATIENCE, follow_redirects=False),
        rules,
        urls,
        roots,
        CADENCE,
        PATIENCE,
    )


def read_policy(file: Path | None) -> Policy | None:
    """Return the witnesses' policy, None if no file is set.  Raises `Misconfigured`."""
    if file is None:
        return None
    try:
        rules = policy.read(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise Misconfigured(
            f"LASTDAY_WITNESS_POLICY_FILE: cannot be read: {type(exc).__name__}", "Name a file in c2sp.org/tlog-policy."
        ) from exc
    except PolicyError as exc:
        raise Misconfigured(f"LASTDAY_WITNESS_POLICY_FILE: {exc}", "Correct the line: c2sp.org/tlog-policy.") from exc
    if rules.witnesses and not any(witness.url for witness in rules.witnesses):
        raise Misconfigured(
            "LASTDAY_WITNESS_POLICY_FILE: no witness has a URL", "Add each witness's submission prefix to its line."
        )
    return rules


def _roots(settings: CaseworkSettings) -> list[x509.Certificate]:
    if not settings.timestamp_urls:
        return []
    if settings.timestamp_roots_file is None:
        raise Misconfigured(
            "LASTDAY_TIMESTAMP_ROOTS_FILE: is not set", "Name a file with the authorities' root certificates in PEM."
        )
    try:
        return x509.load_pem_x509_certificates(settings.timestamp_roots_file.read_bytes())
    except (OSError, ValueError) as exc:
        raise Misconfigured(
            f"LASTDAY_TIMESTAMP_ROOTS_FILE: cannot be read: {type(exc).__name__}", "Name a file of certificates in PEM."
        ) from exc


def _trust(settings: CaseworkSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=str(settings.ca_bundle))
        except (OSError, ssl.SSLError) as exc:
            raise Misconfigured("LASTDAY_CA_BUNDLE: cannot be read", "Name a file of certificates in PEM.") from exc
    return context
