"""The consistency of two trees, read straight off the recursion of RFC 6962, section 2.1.2."""

from __future__ import annotations

import hashlib

EMPTY = hashlib.sha256().digest()


def _pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: list[bytes]) -> bool:
    """Whether *proof* shows that the tree of *old* leaves (at least one) is a prefix of the tree of *new* leaves."""
    rest = list(proof)
    try:
        rebuilt = _rebuild(old, new, rest, old_root)
    except IndexError:  # the proof is too short
        return False
    return not rest and rebuilt == (old_root, new_root)


def _rebuild(old: int, new: int, rest: list[bytes], whole: bytes | None) -> tuple[bytes, bytes]:
    """
    Return the old and the new root, rebuilt from the proof's hashes, which are taken from its end.

    *whole*: the old root, while the present part contains the whole old tree: the proof then lacks that hash.
    """
    if old == new:
        same = whole if whole is not None else rest.pop()
        return same, same
    split = 1
    while split * 2 < new:
        split *= 2
    if old <= split:
        right = rest.pop()
        first, second = _rebuild(old, split, rest, whole)
        return first, _pair(second, right)
    left = rest.pop()
    first, second = _rebuild(old - split, new - split, rest, None)
    return _pair(left, first), _pair(left, second)
