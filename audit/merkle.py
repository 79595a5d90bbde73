"""
The tree of RFC 6962 (section 2.1; the verifiers are those of RFC 9162, section 2.1.3.2 and 2.1.4.2).

The hash of each complete subtree is stored with the leaf that completes it: the subtree at *level*, *index* in row
`((index + 1) << level) - 1`, from byte `32 * level`.  So a root or a proof reads about log2(n) rows, and no row ever changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

Read: TypeAlias = "Callable[[int, int], bytes]"
"""Takes (level, index), returns the hash of that complete subtree."""

SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def row_of(level: int, index: int) -> int:
    """Return the row that completes this subtree and stores its hash."""
    return ((index + 1) << level) - 1


class Frontier:
    """
    The right edge of a tree of *size* leaves: enough to add leaves and to compute the root.

    *read* fetches the hashes of an existing tree when they are first needed; a new tree needs no *read*.
    """

    def __init__(self, size: int = 0, read: Read | None = None) -> None:
        self.size = size
        self._read = read
        self._last: dict[int, bytes] = {}

    def last(self, level: int) -> bytes:
        """Return the last complete subtree of this level."""
        if level not in self._last:
            if self._read is None:
                raise LookupError(f"tree of {self.size}: no complete subtree of level {level}")
            self._last[level] = self._read(level, (self.size >> level) - 1)
        return self._last[level]

    def add(self, leaf: bytes) -> list[bytes]:
        """Add a leaf; return its hash and those of the subtrees that it completes, lowest first."""
        nodes = [leaf_hash(leaf)]
        while self.size >> (len(nodes) - 1) & 1:
            nodes.append(node_hash(self.last(len(nodes) - 1), nodes[-1]))
        self._last.update(enumerate(nodes))
        self.size += 1
        return nodes

    def root(self) -> bytes:
        whole = [self.last(level) for level in range(self.size.bit_length()) if self.size >> level & 1]
        if not whole:
            return EMPTY_ROOT
        root = whole[0]
        for left in whole[1:]:
            root = node_hash(left, root)
        return root


def _split(size: int) -> int:
    """Return the largest power of two below *size*."""
    return 1 << ((size - 1).bit_length() - 1)


def subtree(low: int, high: int, read: Read) -> bytes:
    """Return the hash over the leaves [low, high); *low* must be an index at which the tree splits."""
    size = high - low
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return read(level, low >> level)
    middle = low + _split(size)
    return node_hash(subtree(low, middle, read), subtree(middle, high, read))


def root(size: int, read: Read) -> bytes:
    return subtree(0, size, read) if size else EMPTY_ROOT


def inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """Prove that leaf *index* is in the tree of *size*; the hash next to the leaf comes first."""
    if not 0 <= index < size:
        raise ValueError(f"tree of {size}: no leaf {index}")
    return _path(index, (0, size), read)


def _path(index: int, span: tuple[int, int], read: Read) -> list[bytes]:
    low, high = span
    if high - low == 1:
        return []
    middle = low + _split(high - low)
    if index < middle:
        return [*_path(index, (low, middle), read), subtree(middle, high, read)]
    return [*_path(index, (middle, high), read), subtree(low, middle, read)]


def consistency(old: int, new: int, read: Read) -> list[bytes]:
    """Prove that the first *old* leaves of the tree of *new* are the tree of *old*.  Empty for 0 and for equal sizes."""
    if not 0 <= old <= new:
        raise ValueError(f"tree of {new}: no earlier size {old}")
    return _subproof(old, (0, new), read, known=True) if old else []


def _subproof(old: int, span: tuple[int, int], read: Read, *, known: bool) -> list[bytes]:
    low, high = span
    if old == high:
        return [] if known else [subtree(low, high, read)]
    middle = low + _split(high - low)
    if old <= middle:
        return [*_subproof(old, (low, middle), read, known=known), subtree(middle, high, read)]
    return [*_subproof(old, (middle, high), read, known=False), subtree(low, middle, read)]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether *proof* shows the leaf hash *leaf* at *index* in the tree of *size* with this *root*."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def verify_consistency(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Return whether *proof* shows that the tree *old* (size, root) is a prefix of the tree *new*."""
    (first, first_root), (second, second_root) = old, new
    if not 0 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root
