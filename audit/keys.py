"""
The log's signing key in a file.  For keys in a key store see `audit.key_uris`.

The file is PKCS#8 in PEM, unencrypted, readable only by its owner: `openssl pkey -in FILE -pubout` shows the public part.
The key itself is never part of a message, a log line or a repr.
"""

from __future__ import annotations

import contextlib
import os
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
from audit.secret_files import UnsafeFile, read_own, write_once

_LONGEST = 4096


class KeyRefused(Exception):
    """A key that cannot be used: its file is readable by others, another user's, not a file, or of the wrong type; or its store fails."""


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

    Safe for several processes at once: one of them makes the key, and all return it.  Raises `KeyRefused`.
    """
    check_name(name)
    create_missing(path, Ed25519PrivateKey.generate)
    return open_key(path, name)


def open_key(path: Path, name: str) -> FileSigner:
    """Return the signer of an existing file.  Raises `KeyRefused` if it is missing or cannot be used."""
    key = read_file(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused("key file: cannot use: not an Ed25519 key")
    return FileSigner(name, key)


def read_file(path: Path) -> PrivateKeyTypes:
    """Return the key of a file that only its owner can read.  Raises `KeyRefused`."""
    try:
        pem = read_own(path, _LONGEST)
    except UnsafeFile as exc:
        raise KeyRefused(f"key file: {exc}") from exc
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as exc:
        raise KeyRefused("key file: cannot read: not an unencrypted PEM key") from exc


def create_missing(path: Path, generate: Callable[[], PrivateKeyTypes]) -> None:
    """Write a new key to *path* unless something is there.  Of several processes at once, one writes it."""
    with contextlib.suppress(FileExistsError):
        if not os.path.lexists(path):
            write_once(path, generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
