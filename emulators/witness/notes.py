"""The parts of c2sp.org/signed-note, tlog-checkpoint and tlog-cosignature that a witness needs; shares no code with the log's side."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LOG_KEY, WITNESS_KEY = 1, 4
DASH = "\N{EM DASH} "


class MalformedNote(ValueError):
    """Not a note, not a checkpoint, not a vkey."""


class UnsignedNote(Exception):
    """No known key's signature, or a wrong one in a known key's name."""


def hint(name: str, kind: int, public: bytes) -> bytes:
    """Return the four bytes before a signature."""
    return hashlib.sha256(b"%s\n%c%s" % (name.encode(), kind, public)).digest()[:4]


def vkey(name: str, kind: int, public: bytes) -> str:
    return "+".join((name, hint(name, kind, public).hex(), base64.b64encode(bytes((kind,)) + public).decode()))


def log_key(text: str) -> tuple[str, bytes]:
    """Return a log's name and raw public key out of its vkey."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise MalformedNote("not a vkey")
    raw = base64.b64decode(parts[2], validate=True)
    if raw[0] != LOG_KEY or len(raw) != 33 or hint(parts[0], LOG_KEY, raw[1:]).hex() != parts[1]:
        raise MalformedNote("not a log's vkey")
    return parts[0], raw[1:]


@dataclass(frozen=True, slots=True)
class Head:
    """A submitted checkpoint: its text as signed, its three lines, its signatures as (name, hint, signature)."""

    text: str
    origin: str
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]


def read(raw: str) -> Head:
    cut = raw.rfind("\n\n")
    if cut < 0 or not raw.endswith("\n"):
        raise MalformedNote("no signatures")
    text, lines = raw[: cut + 1], raw[cut + 2 : -1].split("\n")
    said = text.split("\n")
    if len(said) < 4 or not said[0] or not said[1].isascii() or str(int(said[1])) != said[1]:
        raise MalformedNote("not a checkpoint")
    root = base64.b64decode(said[2], validate=True)
    if len(root) != 32:
        raise MalformedNote("not a root")
    return Head(text, said[0], int(said[1]), root, tuple(_signature(line) for line in lines))


def _signature(line: str) -> tuple[str, bytes, bytes]:
    if not line.startswith(DASH) or line.count(" ") != 2:
        raise MalformedNote("not a signature line")
    name, encoded = line[len(DASH) :].split(" ")
    raw = base64.b64decode(encoded, validate=True)
    return name, raw[:4], raw[4:]


def log_lines(head: Head, keys: list[bytes]) -> list[str]:
    """Return the lines that the log's own keys have signed, each verified.  Raises `UnsignedNote`."""
    known = {hint(head.origin, LOG_KEY, key): key for key in keys}
    found = []
    for name, first, signature in head.signatures:
        if name != head.origin or first not in known:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(known[first]).verify(signature, head.text.encode())
        except InvalidSignature as exc:
            raise UnsignedNote("a known key's signature is wrong") from exc
        found.append(f"{DASH}{name} {base64.b64encode(first + signature).decode()}\n")
    if not found:
        raise UnsignedNote("no known key has signed")
    return found


def cosign(head: Head, name: str, key: Ed25519PrivateKey, seconds: int) -> str:
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = key.sign(b"cosignature/v1\ntime %d\n%s" % (seconds, head.text.encode()))
    raw = hint(name, WITNESS_KEY, public) + seconds.to_bytes(8, "big") + signature
    return f"{DASH}{name} {base64.b64encode(raw).decode()}\n"
