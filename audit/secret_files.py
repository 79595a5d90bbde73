"""Files with a secret or personal data: written with mode 0600 from the first byte, and read only if nobody else can read them."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REWRITE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # opening a named pipe must not wait for a writer


class UnsafeFile(Exception):
    """A file that cannot be trusted: missing, readable by others, another user's, or not a file.  The message has no content of it."""


def read_own(path: Path, longest: int) -> bytes:
    """Return at most *longest* bytes of a file that belongs to this user and that nobody else can read.  Raises `UnsafeFile`."""
    try:
        descriptor = os.open(path, _OPEN)
    except OSError as exc:
        raise UnsafeFile(f"cannot open: {exc.strerror}") from exc
    try:
        _refuse_unsafe(os.fstat(descriptor))
        return os.read(descriptor, longest)
    finally:
        os.close(descriptor)


def _refuse_unsafe(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFile("cannot use: not a regular file")
    if status.st_uid != os.geteuid():
        raise UnsafeFile("cannot use: it belongs to another user")
    if stat.S_IMODE(status.st_mode) & 0o177:
        raise UnsafeFile(f"cannot use: its mode is {stat.S_IMODE(status.st_mode):04o}, wider than 0600")


def create(path: Path) -> BinaryIO:
    """Create a file of mode 0600, under any umask, and open it for writing.  Raises `FileExistsError`."""
    return os.fdopen(os.open(path, _CREATE, 0o600), "wb")


def rewrite(path: Path) -> BinaryIO:
    """
    Open a file for writing, created if it is missing.  Its mode becomes 0600 before it is emptied.

    Raises `PermissionError` for another user's file.  A pipe or a terminal keeps its mode.
    """
    file = os.fdopen(os.open(path, _REWRITE, 0o600), "wb")
    try:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            os.fchmod(file.fileno(), 0o600)
            file.truncate()
    except BaseException:
        file.close()
        raise
    return file


def write_once(path: Path, content: bytes) -> None:
    """Write *content* to *path*: the whole file or nothing, and never over an existing file.  Raises `FileExistsError`."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with create(draft) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        settle(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def settle(folder: Path) -> None:
    """Sync *folder*, so that its new names survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
