"""
The log's signing key in a file of its own, and the protocol by which something better can take its place.

The file is PKCS#8 in PEM, unencrypted, readable by its owner alone: `openssl pkey -in FILE -pubout` shows the public part.
The key itself never reaches a message, a log line or a repr.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from audit.note import Verifier, check_name

_LONGEST = 4096
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a named pipe must not keep us waiting


class KeyRefused(Exception):
    """A key file that is not to be trusted: readable by others, not ours, not a file, or not an Ed25519 key."""


@dataclass(frozen=True, slots=True)
class FileSigner:
    """Signs with the key of a file.  *name* is the log's origin."""

    name: str
    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def open_or_create(path: Path, name: str) -> FileSigner:
    """
    Return the signer of *path*, made on first use.

    Safe when several processes come first at once: one key wins, and all return it.  Raises `KeyRefused`.
    """
    check_name(name)
    create_missing(path, Ed25519PrivateKey.generate)
    return open_key(path, name)


def open_key(path: Path, name: str) -> FileSigner:
    """Return the signer of an existing file.  Raises `KeyRefused` if it is missing, or not to be trusted."""
    key = read_file(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused("key file: cannot use: not an Ed25519 key")
    return FileSigner(name, key)


def read_file(path: Path) -> PrivateKeyTypes:
    """Return the key of a file that only its owner can read.  Raises `KeyRefused`."""
    try:
        descriptor = os.open(path, _OPEN)
    except OSError as exc:
        raise KeyRefused(f"key file: cannot open: {exc.strerror}") from exc
    try:
        _refuse_unsafe(os.fstat(descriptor))
        pem = os.read(descriptor, _LONGEST)
    finally:
        os.close(descriptor)
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as exc:
        raise KeyRefused("key file: cannot read: not an unencrypted PEM key") from exc


def create_missing(path: Path, generate: Callable[[], PrivateKeyTypes]) -> None:
    """Write a new key to *path* unless something is there.  Of several at once, one wins."""
    with contextlib.suppress(FileExistsError):
        if not os.path.lexists(path):
            _create(path, generate())


def _refuse_unsafe(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyRefused("key file: cannot use: not a regular file")
    if status.st_uid != os.geteuid():
        raise KeyRefused("key file: cannot use: it belongs to another user")
    if stat.S_IMODE(status.st_mode) & 0o177:
        raise KeyRefused(f"key file: cannot use: its mode is {stat.S_IMODE(status.st_mode):04o}, wider than 0600")


def _create(path: Path, key: PrivateKeyTypes) -> None:
    """Write *key* beside *path* and link it there: never half a file, never over another's.  Raises `FileExistsError`."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(draft, _CREATE, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        _settle(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
