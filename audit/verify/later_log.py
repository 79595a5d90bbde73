"""
Steps 16 and 17: whether the record was new when it was certified, and what a later state of the log says of it.

The bundle alone cannot show that it is the newest, nor that the log has its certificate: both need a later state of the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from audit import bundle_paths
from audit.certificate import CERTIFIED, former_of
from audit.events import EventType as E
from audit.merkle import Frontier
from audit.record import moved_to
from audit.timestamp import SKEW, StampRefused
from audit.timestamp import verify as verify_stamp
from audit.verify.folder import Bundle
from audit.verify.report import BundleError
from audit.verify.whole_log import ENTRIES, LogLine, read_folder, read_log

_TOO_EARLY = (
    "NOT SHOWN: whether the log knows this certificate: the log that was given ends before it",
    "検証対象外: この証明書がログにあるか (渡されたログは証明書より前で終わる)",
)
_LOOKS = frozenset({E.CASE_CERTIFIED, E.CASE_EXPORTED, E.CASE_EVIDENCE_LOOKED})
"""The events that an export itself adds to the log."""


def fresh(bundle: Bundle, longest_lag: timedelta) -> str:
    """Compare the times of export, head and certificate: an older head would hide the events after it."""
    opened, head = bundle.certificate, bundle.stamps.get(bundle.head().size)
    if not bundle.trust.roots:
        return "no stamp is asked for"
    if opened is None or opened.stamp is None or head is None:
        raise BundleError(bundle_paths.CERTIFICATE, "it or its head is under no stamp that can be trusted")
    try:
        certified = verify_stamp(opened.stamp, opened.signature, bundle.trust.roots).gen_time
    except StampRefused as exc:
        raise BundleError(bundle_paths.CERTIFICATE, str(exc)) from exc
    if not -SKEW <= certified - head.gen_time <= longest_lag:
        raise BundleError(
            bundle_paths.CHECKPOINT,
            f"its head was stamped {head.gen_time:%Y-%m-%d %H:%M} UTC, the certificate {certified:%Y-%m-%d %H:%M}: not of one export",
        )
    exported = _exported(bundle)
    if exported is not None and not -SKEW <= certified - exported <= longest_lag:
        raise BundleError(
            bundle_paths.CERTIFICATE,
            f"it was stamped {certified:%Y-%m-%d %H:%M} UTC, and the newest export in the log is of {exported:%Y-%m-%d %H:%M}",
        )
    return f"certified {certified:%Y-%m-%d %H:%M:%S} UTC, {int((certified - head.gen_time).total_seconds())} s after its head"


def _exported(bundle: Bundle) -> datetime | None:
    for seq in reversed(range(bundle.events)):
        said = bundle.event(seq)
        if said["type"] == E.CASE_EXPORTED:
            return datetime.fromisoformat(said["time"])
    return None


@dataclass(slots=True)
class _Since:
    """A later log.  *root*: over the bundle's *size* entries; *last*: its last entry's time; *certificates*: by revision; *after*: later events."""

    bundle: Bundle
    case: str
    size: int
    root: bytes | None = None
    last: str = ""
    certificates: dict[int, list[str]] = field(default_factory=dict)
    after: list[dict[str, Any]] = field(default_factory=list)

    def see(self, line: LogLine) -> None:
        self.last = line.said["time"]
        if line.tree.size == self.size:
            self.root = line.tree.root()
        if line.said["case"] != self.case:
            return
        if line.said["type"] == CERTIFIED:
            made = former_of(line.said)
            self.certificates.setdefault(made.revision, []).append(made.sha256)
        if line.idx >= self.size and line.said["type"] not in _LOOKS:
            self.after.append(line.said)


def later(bundle: Bundle, log: Path | None) -> str:
    """Compare the bundle with a later state of the log, which must record this certificate and no other of its number."""
    try:
        return _later(bundle, log)
    except StampRefused as exc:
        raise BundleError(bundle_paths.CERTIFICATE, str(exc)) from exc


def _later(bundle: Bundle, log: Path | None) -> str:
    if log is None:
        return "not asked: a later log (--log) shows whether the log knows this certificate, and what came after it"
    head = bundle.head()
    since = _Since(bundle, str(bundle.event(0)["case"]), head.size)
    found, _ = read_folder(log, bundle.trust, since.see)
    if found.origin == head.origin and found.size < head.size and _root_at(bundle, found.size) == found.root:
        bundle.notes.append(_TOO_EARLY)
        return "that log ends before the bundle's own: ask for a later one"
    if (found.origin, since.root) != (head.origin, head.root):
        raise BundleError(ENTRIES, f"the bundle's head is no earlier state of the log in {log.name}")
    own, claim = bundle.sha256(bundle_paths.CERTIFICATE), bundle.certificate and bundle.certificate.claim
    told = since.certificates.get(claim.revision if claim else 0, [])
    if not told and not _late_enough(bundle, since, found.size):
        bundle.notes.append(_TOO_EARLY)
        return "that log ends before the certificate was made: ask for a later one"
    if told != [own]:
        known = (
            "no certificate of its number"
            if not told
            else "another certificate of its number"
            if own not in told
            else "two"
        )
        raise BundleError(bundle_paths.CERTIFICATE, f"the log records {known}")
    bundle.notes += [*_lines(since, claim.revision if claim else 0)]
    return f"the log, {found.size - head.size} entries later, records this certificate and no other of its number"


def _root_at(bundle: Bundle, size: int) -> bytes:
    """Return the root over the first *size* entries of the bundle's own log."""
    tree = Frontier()
    lines = read_log(lambda: bundle.opened(bundle_paths.ENTRIES), tree)
    return next((line.tree.root() for line in lines if line.tree.size == size), b"") if size else tree.root()


def _late_enough(bundle: Bundle, since: _Since, size: int) -> bool:
    """Whether the log has an entry later than the certificate's stamp; without a stamp, later than the bundle's head."""
    opened = bundle.certificate
    if opened is None or opened.stamp is None or not bundle.trust.roots:
        return size > since.size
    certified = verify_stamp(opened.stamp, opened.signature, bundle.trust.roots).gen_time
    return datetime.fromisoformat(since.last) > certified + SKEW


def _lines(since: _Since, revision: int) -> Iterator[tuple[str, str]]:
    """Yield what happened after this record: a newer record, later events of the case."""
    if (newest := max(since.certificates)) > revision:
        yield (
            f"NOT THE NEWEST: the log has record number {newest}, this is {revision}",
            f"最新ではない: ログには第{newest}版があり、これは第{revision}版",
        )
    if since.after:
        states = [state for said in since.after if (state := moved_to(said)) is not None]
        count, now, then = (
            len(since.after),
            f"; the case is {states[-1]}" if states else "",
            f"、状態は{states[-1]}" if states else "",
        )
        yield f"SINCE THEN: {count} events of the case{now}", f"その後: この案件の事象{count}件{then}"
