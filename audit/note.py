"""
C2SP's signed notes (c2sp.org/signed-note), with Ed25519 signatures (type 1).

A note is its text, an empty line, and one or more lines `— name base64(key id, signature)`.  A reader ignores lines of unknown
keys: logs change keys and add witnesses, and older readers must still open their notes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 1
KEY_ID_SIZE = 4
MOST_SIGNATURES = 100
_DASH = "— "


class NoteError(ValueError):
    """The bytes are not a note, no known key has signed it, or a known key's signature is wrong."""


def check_name(name: str) -> str:
    """Return a key's name unchanged.  Raises `NoteError` if it is empty or has spaces, control characters or a plus sign."""
    if not name or "+" in name or any(c.isspace() or ord(c) < 0x20 for c in name):
        raise NoteError("note: cannot use the key's name: empty, or with a space or a plus sign")
    return name


def key_id(name: str, kind: int, key: bytes) -> bytes:
    """Return the four bytes by which a signature line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:KEY_ID_SIZE]


def write_vkey(name: str, kind: int, key: bytes) -> str:
    return f"{name}+{key_id(name, kind, key).hex()}+{base64.b64encode(bytes([kind]) + key).decode()}"


def read_vkey(vkey: str) -> tuple[str, int, bytes]:
    """Return name, type and key.  Raises `NoteError` if it is malformed, or its key id does not fit the key."""
    try:
        name, claimed, encoded = vkey.strip().split("+", 2)
        typed = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error) as exc:
        raise NoteError("note: cannot read the vkey: malformed") from exc
    if not typed:
        raise NoteError("note: cannot read the vkey: no key")
    if key_id(name, typed[0], typed[1:]).hex() != claimed:
        raise NoteError("note: cannot read the vkey: key id and key differ")
    return check_name(name), typed[0], typed[1:]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name.  *key* is the raw 32 bytes."""

    name: str
    key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.key) != 32:
            raise NoteError("note: cannot use the key: not 32 bytes")

    @property
    def key_id(self) -> bytes:
        """Four bytes that help to find the key; too few to identify it safely."""
        return key_id(self.name, ED25519, self.key)

    @property
    def vkey(self) -> str:
        """The text to hand out: `name+key id+base64(type, key)`."""
        return write_vkey(self.name, ED25519, self.key)

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read a vkey.  Raises `NoteError` if it is malformed, of another type, or its key id does not fit the key."""
        name, kind, key = read_vkey(vkey)
        if kind != ED25519:
            raise NoteError("note: cannot read the vkey: not an Ed25519 key")
        return cls(name, key)

    def verifies(self, text: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Signer(Protocol):
    """Signs with a key in a file (`audit.keys`) or in a key store (`audit.key_uris`)."""

    @property
    def verifier(self) -> Verifier: ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature over *message*."""
        ...


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature line, not verified: the key that it names, and the signature's bytes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note's text (its final newline included), the keys whose signatures were verified, and the lines of unknown keys."""

    text: str
    signed_by: tuple[Verifier, ...]
    unknown: tuple[SignatureLine, ...]


def sign(text: str, signers: Iterable[Signer]) -> bytes:
    """Return the note with one line for each signer, in their order."""
    _check_text(text)
    lines = [signature_line(signer.verifier, signer.sign(text.encode())) for signer in signers]
    if not lines:
        raise NoteError("note: cannot sign: no signer")
    return (text + "\n" + "".join(lines)).encode()


def signature_line(verifier: Verifier, signature: bytes) -> str:
    return write_line(SignatureLine(verifier.name, verifier.key_id, signature))


def write_line(line: SignatureLine) -> str:
    """Return the line as it is written in a note, with its newline."""
    return f"{_DASH}{line.name} {base64.b64encode(line.key_id + line.signature).decode()}\n"


def open_note(raw: bytes, verifiers: Iterable[Verifier]) -> OpenedNote:
    """
    Return the text if at least one of *verifiers* signed it.

    Raises `NoteError` if none did, and if a line that names a known key has a wrong signature, even if another is right.
    """
    text, lines = split(raw)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed: dict[tuple[str, bytes], Verifier] = {}
    for line in lines:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            continue
        if not verifier.verifies(text.encode(), line.signature):
            raise NoteError(f"note: cannot open: the signature of {line.name} is wrong")
        signed[line.name, line.key_id] = verifier
    if not signed:
        raise NoteError("note: cannot open: no known key has signed it")
    unknown = tuple(line for line in lines if (line.name, line.key_id) not in known)
    return OpenedNote(text, tuple(signed.values()), unknown)


def split(raw: bytes) -> tuple[str, list[SignatureLine]]:
    """Split a note into text and signature lines, and verify neither.  Raises `NoteError` for other bytes."""
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise NoteError("note: cannot read: not UTF-8") from exc
    text, gap, block = whole.rpartition("\n\n")
    if not gap or not block.endswith("\n"):
        raise NoteError("note: cannot read: no signatures")
    _check_text(text + "\n")
    return text + "\n", read_lines(block)


def read_lines(block: str) -> list[SignatureLine]:
    """Read signature lines, each with its newline.  Raises `NoteError` for other text."""
    if not block.endswith("\n"):
        raise NoteError("note: cannot read signature lines: the last one has no end")
    lines = block[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError("note: cannot read: more than 100 signatures")
    return [_line(line) for line in lines]


def _line(line: str) -> SignatureLine:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error) as exc:
        raise NoteError("note: cannot read a signature line: not base64") from exc
    if not line.startswith(_DASH) or not space or len(raw) <= KEY_ID_SIZE:
        raise NoteError("note: cannot read a signature line: malformed")
    return SignatureLine(check_name(name), raw[:KEY_ID_SIZE], raw[KEY_ID_SIZE:])


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(ord(c) < 0x20 and c != "\n" for c in text):
        raise NoteError("note: cannot use the text: no final newline, or control characters")
