"""
The master key, in a file of its own or wherever keys live, and the wrapping of a case's key by it.

Whoever erases a case's wrapped key erases the case's evidence, also from every backup of the files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.secret_files import Unsafe, read_own, write_once
from casework.errors import Damaged, Misconfigured

KEY_SIZE = 32
_NONCE_SIZE = 12
_REMEDY = "Correct LASTDAY_EVIDENCE_KEY_FILE, or bring the file back from its backup with mode 0600."


class MasterKey(Protocol):
    """
    What wraps the keys of cases: the file below, or a key store that never gives its key away.

    *name* says which key it is, without revealing anything of it.  *context* binds a wrapped key to its case.
    """

    @property
    def name(self) -> str: ...

    def wrap(self, key: bytes, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key.  Raises `Damaged` when it was wrapped by another master key, or for another case."""
        ...


@dataclass(frozen=True, slots=True)
class FileMasterKey:
    """Wraps with the key of a file, by AES-256-GCM under a random nonce."""

    name: str
    _key: bytes = field(repr=False)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + AESGCM(self._key).encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            return AESGCM(self._key).decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], context)
        except (InvalidTag, ValueError) as exc:
            raise Damaged("the case's key was wrapped by another master key") from exc


@dataclass(frozen=True, slots=True)
class KeyFile:
    """
    The master key of *path*, looked for when it is needed and not before: a key that is lost, or lies open to others, stops
    the evidence and not the cut.

    Made on first use, and only while *is_first* says that nothing was wrapped yet: beside evidence under another key a
    new one would hide that the old one is lost.
    """

    path: Path
    is_first: Callable[[], bool]

    @property
    def name(self) -> str:
        return self._opened().name

    def wrap(self, key: bytes, context: bytes) -> bytes:
        return self._opened().wrap(key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return self._opened().unwrap(wrapped, context)

    def check(self) -> None:
        """Raise `Misconfigured` if it could not be used now.  Makes nothing."""
        if os.path.lexists(self.path) or not self.is_first():
            self._opened()

    def _opened(self) -> FileMasterKey:
        if not os.path.lexists(self.path) and not self.is_first():
            raise Misconfigured("evidence key file: cannot open: it is gone, and evidence lies under its key", _REMEDY)
        try:
            return open_or_create(self.path)
        except OSError as exc:
            raise Misconfigured(f"evidence key file: cannot make: {exc.strerror}", _REMEDY) from exc


def open_or_create(path: Path) -> FileMasterKey:
    """
    Return the master key of *path*, made on first use: 64 hexadecimal digits, readable by its owner alone.

    Safe when several processes come first at once: one key wins, and all return it.  Raises `Misconfigured`.
    """
    with contextlib.suppress(FileExistsError):
        if not os.path.lexists(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_once(path, secrets.token_bytes(KEY_SIZE).hex().encode() + b"\n")
    key = _read(path)
    return FileMasterKey(f"file-{hashlib.sha256(b'lastday evidence master key ' + key).hexdigest()[:16]}", key)


def _read(path: Path) -> bytes:
    try:
        text = read_own(path, 4 * KEY_SIZE)
    except Unsafe as exc:
        raise Misconfigured(f"evidence key file: {exc}", _REMEDY) from exc
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE:
        raise Misconfigured("evidence key file: cannot use: not 64 hexadecimal digits", _REMEDY)
    return key
