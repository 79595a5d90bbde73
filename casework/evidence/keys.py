"""
The master key, in a file of its own, and the wrapping of a case's key by it.

Whoever erases a case's wrapped key erases the case's evidence, also from every backup of the files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.secret_files import Unsafe, read_own, write_once
from casework.errors import Damaged, Misconfigured

KEY_SIZE = 32
_NONCE_SIZE = 12
_REMEDY = "Correct LASTDAY_EVIDENCE_KEY_FILE, or bring the file back from its backup with mode 0600."


@dataclass(frozen=True, slots=True)
class KeyFile:
    """
    The master key: 64 hexadecimal digits in *path*, readable by its owner alone.

    It is read when it is needed and not before: a key that is lost, or lies open to others, stops the evidence and not the
    cut.  Made on first use, and only while *is_first* says that nothing was wrapped yet: beside evidence under another key
    a new one would hide that the old one is lost.  Whatever is wrong with it raises `Misconfigured`.
    """

    path: Path
    is_first: Callable[[], bool]

    @property
    def name(self) -> str:
        """Say which key it is, without revealing anything of it."""
        return f"file-{hashlib.sha256(b'lastday evidence master key ' + self._key()).hexdigest()[:16]}"

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt *key* under a random nonce, bound to its *context*, which is the case."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + AESGCM(self._key()).encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key.  Raises `Damaged` when it was wrapped by another master key, or for another case."""
        master = AESGCM(self._key())
        try:
            return master.decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], context)
        except (InvalidTag, ValueError) as exc:
            raise Damaged("the case's key was wrapped by another master key") from exc

    def check(self) -> None:
        """Raise `Misconfigured` if it could not be used now.  Makes nothing."""
        if os.path.lexists(self.path) or not self.is_first():
            self._key()

    def _key(self) -> bytes:
        if not os.path.lexists(self.path):
            if not self.is_first():
                raise Misconfigured(
                    "evidence key file: cannot open: it is gone, and evidence lies under its key", _REMEDY
                )
            self._make()
        try:
            key = bytes.fromhex(read_own(self.path, 4 * KEY_SIZE).decode("ascii"))
        except Unsafe as exc:
            raise Misconfigured(f"evidence key file: {exc}", _REMEDY) from exc
        except ValueError:
            key = b""
        if len(key) != KEY_SIZE:
            raise Misconfigured("evidence key file: cannot use: not 64 hexadecimal digits", _REMEDY)
        return key

    def _make(self) -> None:
        """Safe when several processes come first at once: one key wins, and all read it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                write_once(self.path, secrets.token_bytes(KEY_SIZE).hex().encode() + b"\n")
        except OSError as exc:
            raise Misconfigured(f"evidence key file: cannot make: {exc.strerror}", _REMEDY) from exc
