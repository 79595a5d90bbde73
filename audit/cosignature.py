"""
A witness's signature: "at this time, this was the largest tree of that log that I had seen, and it continued all before".

c2sp.org/tlog-cosignature, the Ed25519 form (type 4).  A reader of a note ignores lines of another form or key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import note
from audit.note import NoteError, SignatureLine, check_name

COSIGNATURE = 4
_TIME_SIZE = 8
_SIGNATURE_SIZE = 64
_TIME_END = 2**63


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's public key with its name.  *key* is the raw 32 bytes."""

    name: str
    key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.key) != 32:
            raise NoteError("cosignature: cannot use the witness's key: not 32 bytes")

    @property
    def key_id(self) -> bytes:
        return note.key_id(self.name, COSIGNATURE, self.key)

    @property
    def vkey(self) -> str:
        return note.write_vkey(self.name, COSIGNATURE, self.key)

    @classmethod
    def parse(cls, vkey: str) -> WitnessKey:
        """Read a vkey of type 4.  Raises `NoteError` for any other, a log's (type 1) included."""
        name, kind, key = note.read_vkey(vkey)
        if kind != COSIGNATURE:
            raise NoteError("cosignature: cannot read the vkey: not a witness's Ed25519 key (type 4)")
        return cls(name, key)

    def claims(self, line: SignatureLine) -> bool:
        """Return whether the line has this key's name and id.  Its signature may still be wrong."""
        return (line.name, line.key_id) == (self.name, self.key_id)

    def verify(self, line: SignatureLine, text: str) -> datetime:
        """Return when the witness signed the checkpoint *text*.  Raises `NoteError` for another key's line or a wrong signature."""
        if not self.claims(line) or len(line.signature) != _TIME_SIZE + _SIGNATURE_SIZE:
            raise NoteError(f"cosignature: cannot verify: the line is not one of {self.name}")
        seconds, signature = int.from_bytes(line.signature[:_TIME_SIZE], "big"), line.signature[_TIME_SIZE:]
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message(text, seconds))
        except InvalidSignature as exc:
            raise NoteError(f"cosignature: cannot verify: the signature of {self.name} is wrong") from exc
        return _moment(seconds)


def message(text: str, seconds: int) -> bytes:
    """Return the bytes that a witness signs: *text* is the checkpoint with its final newline, *seconds* POSIX time."""
    if not 0 < seconds < _TIME_END:
        raise NoteError("cosignature: cannot use the time: zero, or from 2^63")
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def cosign(text: str, key: WitnessKey, sign: Callable[[bytes], bytes], at: datetime) -> str:
    """Return the witness's line over *text*, with its newline.  *sign* returns the Ed25519 signature of its argument."""
    seconds = int(at.timestamp())
    signed = key.key_id, seconds.to_bytes(_TIME_SIZE, "big") + sign(message(text, seconds))
    return note.write_line(SignatureLine(key.name, *signed))


def cosigned(text: str, lines: Iterable[SignatureLine], keys: Iterable[WitnessKey]) -> dict[WitnessKey, datetime]:
    """
    Return which of *keys* have cosigned *text*, and when; lines of other keys are ignored.

    Raises `NoteError` if a line that names one of *keys* is wrong, even if the others are right: such a note is malformed.
    """
    known = {(key.name, key.key_id): key for key in keys}
    claimed = [(known[line.name, line.key_id], line) for line in lines if (line.name, line.key_id) in known]
    return {key: key.verify(line, text) for key, line in claimed}


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise NoteError("cosignature: cannot read the time: beyond our calendar") from exc
