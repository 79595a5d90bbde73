"""
The master keys, each in a file of its own, and the wrapping of a case's key by one of them.

Erasing a case's wrapped key erases the case's evidence, also in every backup of the files.  The database names the one master
key in force, which alone wraps.  See `casework.evidence.rotation`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.secret_files import UnsafeFile, read_own, write_once
from casework.errors import EvidenceDamaged, Misconfigured

KEY_SIZE = 32
_NONCE_SIZE = 12
_REMEDY = (
    "Correct LASTDAY_EVIDENCE_KEY_FILE (or …_FORMER_KEY_FILE), or bring the file back from its backup with mode 0600."
)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A master key as it was read.  *name* is from its digest and reveals nothing of the key."""

    name: str
    cipher: AESGCM = field(repr=False)

    @classmethod
    def of(cls, key: bytes) -> MasterKey:
        digest = hashlib.sha256(b"lastday evidence master key " + key).hexdigest()
        return cls(f"file-{digest[:16]}", AESGCM(key))

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt *key* under a random nonce, bound to *context*, the case's id."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self.cipher.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key.  Raises `EvidenceDamaged` when it was wrapped by another master key, or for another case."""
        try:
            return self.cipher.decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], context)
        except (InvalidTag, ValueError) as exc:
            raise EvidenceDamaged(f"the case's key is not as {self.name} wrapped it") from exc


def make(path: Path) -> MasterKey:
    """Make a new key in *path*, completely or not at all.  Raises `OSError`, also `FileExistsError`."""
    key = secrets.token_bytes(KEY_SIZE)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_once(path, key.hex().encode() + b"\n")
    return MasterKey.of(key)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """
    A master key: 64 hexadecimal digits in *path*, readable by its owner alone.

    It is read only when it is needed: a key that is lost, or readable by others, stops the evidence and not the cut.  It is
    made on first use, and only while *is_first* returns True (nothing was wrapped yet): beside evidence under another key
    a new key would hide that the old one is lost.  Every fault of the file raises `Misconfigured`.
    """

    path: Path
    is_first: Callable[[], bool]

    def open(self) -> MasterKey:
        """Read the key once: its name and what it wraps belong together even if the file is replaced meanwhile."""
        if not os.path.lexists(self.path):
            if not self.is_first():
                raise Misconfigured(
                    f"evidence key file {self.path}: cannot open: it is gone, and evidence lies under its key", _REMEDY
                )
            self._make()
        return self._read()

    def check(self) -> None:
        """Raise `Misconfigured` if the key cannot be used now.  Makes no key."""
        if os.path.lexists(self.path) or not self.is_first():
            self.open()

    def _read(self) -> MasterKey:
        try:
            key = bytes.fromhex(read_own(self.path, 4 * KEY_SIZE).decode("ascii"))
        except UnsafeFile as exc:
            raise Misconfigured(f"evidence key file {self.path}: {exc}", _REMEDY) from exc
        except ValueError:
            key = b""
        if len(key) != KEY_SIZE:
            raise Misconfigured(f"evidence key file {self.path}: cannot use: not 64 hexadecimal digits", _REMEDY)
        return MasterKey.of(key)

    def _make(self) -> None:
        """Make the key.  Safe if several processes do so at once: one key wins, and all read it."""
        try:
            with contextlib.suppress(FileExistsError):
                make(self.path)
        except OSError as exc:
            raise Misconfigured(f"evidence key file {self.path}: cannot make: {exc.strerror}", _REMEDY) from exc


def held(name: str, files: Iterable[KeyFile]) -> MasterKey:
    """
    Return the key *name* from the one of *files* that holds it; faults of the other files do not matter then.

    Raises `Misconfigured` if no file holds it: a process that only has an earlier or a later key writes nothing under it.
    """
    wrong: Misconfigured | None = None
    for file in files:
        try:
            key = file.open()
        except Misconfigured as exc:
            wrong = wrong or exc
        else:
            if key.name == name:
                return key
    raise wrong or Misconfigured(
        f"evidence key file: none here holds {name}, under which evidence lies",
        "Name its file in LASTDAY_EVIDENCE_KEY_FILE, the one before in LASTDAY_EVIDENCE_FORMER_KEY_FILE, and start this process again.",
    )
