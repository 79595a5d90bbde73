"""Read a hostile bundle safely: open only plain files with plain names, and read a whole file only up to a limit."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit import bundle_paths
from audit import leaf as leaves
from audit.certificate import CertificateError, VerifiedCertificate, open_certificate
from audit.checkpoint import Checkpoint
from audit.leaf import LeafError
from audit.note import NoteError, Verifier, open_note, split
from audit.timestamp import Stamp
from audit.verify.report import BundleError, UnreadableBundle
from audit.verify.trust import Trust

CHUNK = 1 << 20
_LARGEST = 1 << 22
"""Bytes: the limit for a file that is read whole (events, proofs, notes, stamps).  Payloads and evidence are read in parts."""


@dataclass(slots=True)
class Bundle:
    """
    A bundle and the trust material.  *paths*: its plain files; *odd*: everything else in the folder.

    *certificate*: None unless a known key has signed it.  *stamps*: filled by the step that verifies them.  *notes*: remarks beside
    the verdict, in English and Japanese, added by the steps.
    """

    root: Path
    trust: Trust
    paths: frozenset[str]
    odd: tuple[str, ...]
    certificate: VerifiedCertificate | None = None
    stamps: dict[int, Stamp] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many events there are, counted from 0 to the first gap."""
        count = 0
        while bundle_paths.event(count) in self.paths:
            count += 1
        return count

    @property
    def sizes(self) -> list[int]:
        """Return the sizes of the bundle's anchors."""
        start, end = bundle_paths.anchored(0).split("00000000")
        names = (path[len(start) : -len(end)] for path in self.paths if path.startswith(start) and path.endswith(end))
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def whole(self, path: str, limit: int = _LARGEST) -> bytes:
        """Return a file's bytes.  Raises `BundleError` if it is missing or larger than *limit* bytes."""
        with self.opened(path) as file:
            raw = file.read(limit + 1)
        if len(raw) > limit:
            raise BundleError(path, "it is larger than such a file can be")
        return bytes(raw)

    def opened(self, path: str) -> Any:
        """Return the open file.  Raises `BundleError` unless it is a plain file of the bundle, `UnreadableBundle` if it cannot be opened."""
        if path not in self.paths:
            raise BundleError(path, "it is missing")
        try:
            return os.fdopen(os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        except OSError as exc:
            raise UnreadableBundle(f"bundle: cannot open {path}: {exc.strerror}") from exc

    def chunks(self, path: str) -> Iterator[bytes]:
        with self.opened(path) as file:
            while part := file.read(CHUNK):
                yield part

    def sha256(self, path: str) -> str:
        digest = hashlib.sha256()
        for part in self.chunks(path):
            digest.update(part)
        return digest.hexdigest()

    def event(self, seq: int) -> dict[str, Any]:
        """Return an event's fields.  Raises `BundleError` if the file is not canonical."""
        path = bundle_paths.event(seq)
        try:
            return leaves.read(self.whole(path, leaves.LONGEST))
        except LeafError as exc:
            raise BundleError(path, str(exc)) from exc

    def head(self, path: str = bundle_paths.CHECKPOINT) -> Checkpoint:
        """Return what a checkpoint says, without verifying it.  Raises `BundleError` for another file."""
        try:
            return Checkpoint.parse(split(self.whole(path))[0])
        except NoteError as exc:
            raise BundleError(path, str(exc)) from exc

    def signed(self, path: str = bundle_paths.CHECKPOINT) -> Checkpoint:
        """Return the checkpoint if one of the log's keys has signed it.  Raises `BundleError` if none has, or for another log's."""
        return self.signed_by(path)[0]

    def signed_by(self, path: str) -> tuple[Checkpoint, tuple[Verifier, ...]]:
        """Return the same as `signed`, and the log's keys that have signed it."""
        try:
            opened = open_note(self.whole(path), self.trust.logs)
            said = Checkpoint.parse(opened.text)
        except NoteError as exc:
            raise BundleError(path, str(exc)) from exc
        if said.origin != self.trust.logs[0].name:
            raise BundleError(path, "it is another log's")
        return said, opened.signed_by


def open_bundle(root: Path, trust: Trust) -> Bundle:
    """List the folder.  Raises `UnreadableBundle` if there is no bundle."""
    if root.is_symlink() or not root.is_dir():
        raise UnreadableBundle("bundle: cannot be read: not a folder")
    paths, odd = _listed(root)
    if bundle_paths.CERTIFICATE not in paths and bundle_paths.SUMS not in paths:
        raise UnreadableBundle(
            f"bundle: cannot be read: neither {bundle_paths.CERTIFICATE} nor {bundle_paths.SUMS} is there"
        )
    bundle = Bundle(root, trust, frozenset(paths), tuple(sorted(odd)))
    try:
        bundle.certificate = open_certificate(bundle.whole(bundle_paths.CERTIFICATE), trust.keys)
    except (BundleError, CertificateError):
        bundle.certificate = None  # its own step says why
    return bundle


def _listed(root: Path) -> tuple[list[str], list[str]]:
    paths: list[str] = []
    odd: list[str] = []
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            found = list(os.scandir(folder))
        except OSError as exc:
            raise UnreadableBundle(f"bundle: cannot be read: {exc.strerror}") from exc
        for entry in found:
            path = Path(entry.path).relative_to(root).as_posix()
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and bundle_paths.PLAIN.fullmatch(path):
                paths.append(path)
            else:
                odd.append(path)
    return paths, odd
