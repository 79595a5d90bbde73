"""
The head of the log in C2SP's three lines (c2sp.org/tlog-checkpoint): origin, size, root.

It has no time and no extension, because nobody else could check them.  The time comes from witnesses and authorities.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from audit import note
from audit.merkle import SIZE
from audit.note import NoteError, Signer, Verifier

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
"""C2SP's trees have fewer than 2**63 leaves."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of *size* leaves of the log *origin* has this *root* (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed, with its final newline."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text.  Lines after the third (extensions) are ignored.  Raises `NoteError` for other texts."""
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0] or not _SIZE.fullmatch(lines[1]):
            raise NoteError("checkpoint: cannot read: not origin, size and root")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (ValueError, binascii.Error) as exc:
            raise NoteError("checkpoint: cannot read: the root is not base64") from exc
        if len(root) != SIZE:
            raise NoteError("checkpoint: cannot read: the root is not 32 bytes")
        return cls(lines[0], int(lines[1]), root)


def sign(checkpoint: Checkpoint, signers: Iterable[Signer]) -> bytes:
    """Return the signed note.  Raises `NoteError` unless the first signer has the log's name."""
    listed = list(signers)
    if not listed or listed[0].verifier.name != checkpoint.origin:
        raise NoteError("checkpoint: cannot sign: the key does not have the log's name")
    return note.sign(checkpoint.text, listed)


def open_checkpoint(raw: bytes, log: Verifier) -> Checkpoint:
    """Return the head that *log*'s key has signed.  Raises `NoteError` without that signature, or for another log's head."""
    checkpoint = Checkpoint.parse(note.open_note(raw, [log]).text)
    if checkpoint.origin != log.name:
        raise NoteError("checkpoint: cannot open: it is another log's")
    return checkpoint
