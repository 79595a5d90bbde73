"""Anchor the log by the settings: who signs, which witnesses and authorities are asked, and where the files go."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
from cryptography import x509

from audit import anchor_schedule, anchoring, policy
from audit.anchor_config import AnchorConfig
from audit.anchor_files import AnchorFiles
from audit.anchoring import AnchoringOutcome
from audit.policy import LogPolicy, PolicyError
from casework.bootstrap import open_store
from casework.errors import Misconfigured
from casework.settings import CaseworkSettings, read_settings
from casework.store import Store
from casework.trail.signing import log_signers
from connectors.settings import trust

T = TypeVar("T")


def anchor(*, at_once: bool = False) -> AnchoringOutcome:
    """
    Finish waiting anchors and make a new one if it is due, or *at_once*.  Blocks while witnesses and authorities answer, some 20 s at most.

    Safe at any time.  Raises `Misconfigured`, `audit.keys.KeyRefused`, `SigningStopped` and `RollbackError`.
    """
    with _open_berth() as place:
        return anchoring.anchor(place, at_once=at_once)


def wanted() -> bool:
    """Whether `anchor` has work: an anchor is due or waits, and signing has not been stopped."""
    with _open_berth() as place:
        if not place.vouchers.any:
            return False
        standing = anchoring.health(place)
        with place.reading() as connection:
            due = anchor_schedule.due(connection, place.trail.origin, place.now(), place.cadence, place.vouchers)
        return not standing.alarms and (due is not None or standing.waiting > 0)


@contextmanager
def _open_berth() -> Iterator[AnchorConfig]:
    settings = read_settings()
    with open_store(settings) as store:
        yield berth(settings, store)


def berth(settings: CaseworkSettings, store: Store) -> AnchorConfig:
    """Return the configuration of anchoring.  Raises `Misconfigured` for files that are missing or cannot be used."""
    rules, urls, roots = read_policy(settings.witness_policy_file), settings.timestamp_urls, _trust(settings.ca_bundle)
    return AnchorConfig(
        store.engine,
        store.trail,
        log_signers(settings) if rules is not None or urls else (),
        AnchorFiles(settings.anchor_folder, store.trail.origin),
        lambda: httpx.Client(verify=roots, timeout=AnchorConfig.patience, follow_redirects=False),
        rules,
        urls,
        _roots(settings.timestamp_roots_file) if urls else (),
    )


def read_policy(file: Path | None) -> LogPolicy | None:
    """Return the witnesses' policy, None if no file is set.  Raises `Misconfigured`."""
    if file is None:
        return None
    setting = "LASTDAY_WITNESS_POLICY_FILE"
    rules = _read(setting, file, lambda path: policy.read(path.read_text("utf-8")), "in c2sp.org/tlog-policy")
    if rules.witnesses and not any(witness.url for witness in rules.witnesses):
        raise Misconfigured(f"{setting}: no witness has a URL", "Add each witness's submission prefix to its line.")
    return rules


def _roots(file: Path | None) -> list[x509.Certificate]:
    setting = "LASTDAY_TIMESTAMP_ROOTS_FILE"
    if file is None:
        raise Misconfigured(f"{setting}: is not set", "Name a file with the authorities' root certificates in PEM.")
    return _read(
        setting, file, lambda path: x509.load_pem_x509_certificates(path.read_bytes()), "of certificates in PEM"
    )


def _trust(bundle: Path | None) -> ssl.SSLContext:
    return trust(None) if bundle is None else _read("LASTDAY_CA_BUNDLE", bundle, trust, "of certificates in PEM")


def _read(setting: str, file: Path, read: Callable[[Path], T], of: str) -> T:
    """Return *file* as parsed by *read*; raises `Misconfigured`, which names its form (*of*), if that fails."""
    try:
        return read(file)
    except (OSError, ValueError) as exc:
        why = exc if isinstance(exc, PolicyError) else f"cannot be read: {type(exc).__name__}"  # it names the line
        raise Misconfigured(f"{setting}: {why}", f"Name a file {of}.") from exc
