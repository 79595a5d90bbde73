"""
One event's proof in a file of its own (c2sp.org/tlog-proof), and the same for `spicy`, which knows it without its first line.

The file holds the event's index, the hashes that lead from it to the root, and the signed checkpoint with that root.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit.merkle import SIZE

HEADER = b"c2sp.org/tlog-proof@v1\n"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_LONGEST = 64
"""Hashes: no tree that fits into 63 bits needs more."""


class ProofError(ValueError):
    """Bytes that are no proof of this form."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Entry *index* leads by *hashes*, the one next to the leaf first, to the root of *checkpoint* (a signed note)."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: bytes

    @property
    def tlog_proof(self) -> bytes:
        return HEADER + self.spicy

    @property
    def spicy(self) -> bytes:
        lines = [f"index {self.index}", *(base64.b64encode(one).decode() for one in self.hashes), "", ""]
        return "\n".join(lines).encode() + self.checkpoint


def parse(raw: bytes) -> Proof:
    """Read a `.tlog-proof` file.  Raises `ProofError` for any byte that `Proof.tlog_proof` would write otherwise."""
    head, gap, checkpoint = raw.removeprefix(HEADER).partition(b"\n\n")
    try:
        first, *encoded = head.decode("ascii").split("\n")
        hashes = [base64.b64decode(one, validate=True) for one in encoded]
    except (ValueError, binascii.Error) as exc:
        raise ProofError("proof: cannot read: not text and base64") from exc
    index = _INDEX.fullmatch(first)
    if not gap or index is None or len(hashes) > _LONGEST or any(len(one) != SIZE for one in hashes):
        raise ProofError("proof: cannot read: not an index and hashes")
    proof = Proof(int(index[1]), hashes, checkpoint)
    if proof.tlog_proof != raw:
        raise ProofError("proof: cannot read: not in the one form that it has")
    return proof
