"""
One event's proof in a file (c2sp.org/tlog-proof), and the form that the tool `spicy` reads, without the first line.

The file has the event's index, the hashes that lead from it to the root, and the signed checkpoint with that root.
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
"""Hashes in a proof: a tree of fewer than 2**63 leaves needs no more."""


class ProofError(ValueError):
    """The bytes are not a proof of this form."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The path from entry *index* to the root of *checkpoint* (a signed note).  *hashes*: the one next to the leaf first."""

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
    """Read a `.tlog-proof` file.  Raises `ProofError` unless `Proof.tlog_proof` would write the same bytes."""
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
