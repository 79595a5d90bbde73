"""
Write a folder as a whole or not at all: a draft beside it, a list of digests, then a rename into place.

It has personal data in clear text: folders have mode 0700 and files 0600, under any umask.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from audit import bundle_paths
from audit.certificate import CertificateError, read_claim
from audit.secret_files import create, settle

CHUNK = 1 << 20
_PRIVATE = 0o700


class BundleRefused(Exception):
    """The bundle cannot be written as asked.  Its draft is removed."""


class BundleDraft:
    """The folder while it is being written.  *sums*: path to SHA-256 (hexadecimal) of each file so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sums: dict[str, str] = {}

    def add(self, path: str, parts: Iterable[bytes]) -> str:
        """Write one file and return its digest.  Raises `BundleRefused` for a path that is not plain or was written before."""
        if not bundle_paths.PLAIN.fullmatch(path) or path in self.sums:
            raise BundleRefused(f"bundle: cannot write {path!r}: not a plain path, or given twice")
        digest = hashlib.sha256()
        for folder in reversed(PurePath(path).parents):  # one by one: `parents=True` makes the upper ones by the umask
            (self.root / folder).mkdir(mode=_PRIVATE, exist_ok=True)
        with create(self.root / path) as file:
            for part in parts:
                digest.update(part)
                file.write(part)
        self.sums[path] = digest.hexdigest()
        return self.sums[path]

    def seal(self, certificate: bytes) -> None:
        """Write the certificate.  `SHA256SUMS` cannot list it, because the certificate signs that list."""
        self.add(bundle_paths.CERTIFICATE, [certificate])

    def list_sums(self) -> str:
        """Write `SHA256SUMS` over every file so far, in the form of `sha256sum -c`, and return its digest."""
        lines = [f"{digest}  {path}\n".encode() for path, digest in sorted(self.sums.items())]
        return self.add(bundle_paths.SUMS, lines)


@contextmanager
def draft(folder: Path, case: str) -> Iterator[BundleDraft]:
    """
    Yield a draft beside *folder*.  Rename it to *folder* when the block ends, remove it when the block raises.

    Raises `BundleRefused` if *folder* exists and is not an earlier bundle of *case*.
    """
    refuse_foreign(folder, case)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
    _clear_abandoned(folder)
    root = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.part")
    root.mkdir(mode=_PRIVATE)
    try:
        with _held(root):
            yield BundleDraft(root)
            _settle()
            refuse_foreign(folder, case)
            _replace(root, folder)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _held(root: Path) -> Iterator[bool]:
    """Lock *root* for its writer and yield whether the lock was free.  A killed process frees it."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear_abandoned(folder: Path) -> None:
    """Remove the drafts of killed exports beside *folder*: they have personal data in clear text that no erasure would find."""
    drafts = _beside(folder, "part")
    for root in drafts:
        with _held(root) as ours:
            if not ours:
                return  # another export is at work, and may use the other drafts too
    for root in drafts:
        shutil.rmtree(root, ignore_errors=True)
    for former in _beside(folder, "former"):
        if folder.exists():
            shutil.rmtree(former, ignore_errors=True)
        else:
            former.rename(folder)


def _beside(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.parent.glob(f".{glob.escape(folder.name)}.{'[0-9a-f]' * 16}.{ending}"))


def refuse_foreign(folder: Path, case: str) -> None:
    """Raise `BundleRefused` unless *folder* is free, empty, or holds a bundle whose certificate names *case*."""
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise BundleRefused("bundle: cannot write: the target exists and is not a folder")
    if not any(folder.iterdir()):
        return
    try:
        claim = read_claim((folder / bundle_paths.CERTIFICATE).read_bytes())
    except (OSError, CertificateError) as exc:
        raise BundleRefused("bundle: cannot write: the folder exists and holds something else") from exc
    if claim.case != case:
        raise BundleRefused("bundle: cannot write: the folder holds another case's bundle")


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part


def _replace(root: Path, folder: Path) -> None:
    """Rename *root* to *folder*: an existing folder is renamed first, because rename cannot replace it, and removed last."""
    former = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.former")
    if folder.exists():
        folder.rename(former)
    try:
        root.rename(folder)
    except OSError:
        if former.exists():
            former.rename(folder)
        raise
    settle(folder.parent)
    shutil.rmtree(former, ignore_errors=True)


def _settle() -> None:
    """Sync all files with one call before the folder gets its name: a case may have hundreds of thousands of files."""
    os.sync()
