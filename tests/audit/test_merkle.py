"""The tree against RFC 6962's text, against known roots, and against proofs that lie."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest

from audit import merkle
from audit.merkle import Frontier
from tests.audit.rfc6962 import hashing, path, subproof

MOST = 140
LEAVES = [f"leaf {n}".encode() for n in range(MOST)]

# The reference tree of Certificate Transparency: its eight leaves, and the root after each.
KNOWN = (
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
)


class Kept:
    """Subtree hashes as the table keeps them: with the row that completes them."""

    def __init__(self, leaves: list[bytes]) -> None:
        tree = Frontier()
        self.rows = [tree.add(leaf) for leaf in leaves]
        self.reads = 0

    def read(self, level: int, index: int) -> bytes:
        self.reads += 1
        return self.rows[merkle.row_of(level, index)][level]


@pytest.fixture(scope="module")
def kept() -> Kept:
    return Kept(LEAVES)


mth = hashing(LEAVES)


class TestRoot:
    def test_known_trees(self) -> None:
        """The roots are those that every implementation of the standard has."""
        tree = Frontier()
        assert tree.root() == hashlib.sha256(b"").digest()
        for leaf, root in KNOWN:
            tree.add(bytes.fromhex(leaf))
            assert tree.root().hex() == root

    def test_every_size(self, kept: Kept) -> None:
        """From stored hashes, from the frontier, and from the text of the standard: one root."""
        tree = Frontier()
        for size in range(MOST + 1):
            assert merkle.root(size, kept.read) == tree.root() == mth(0, size)
            if size < MOST:
                tree.add(LEAVES[size])

    def test_reads(self, kept: Kept) -> None:
        """A root needs no more rows than the size has binary digits."""
        for size in range(1, MOST):
            kept.reads = 0
            merkle.root(size, kept.read)
            assert kept.reads <= size.bit_length()

    def test_resumed(self, kept: Kept) -> None:
        """A frontier taken up at any size adds the same hashes as one that saw every leaf."""
        for size in range(MOST):
            assert Frontier(size, kept.read).add(LEAVES[size]) == kept.rows[size]

    def test_nothing_to_resume_from(self) -> None:
        """A frontier that was told a size, but not where its hashes are, says so."""
        with pytest.raises(LookupError):
            Frontier(1).root()


class TestInclusion:
    def test_every_pair(self, kept: Kept) -> None:
        """Each leaf of each tree up to 140: the standard's proof, and it verifies; in another place or tree it does not."""
        for size in range(1, MOST + 1):
            root = mth(0, size)
            for index in range(size):
                proof = merkle.inclusion(index, size, kept.read)
                leaf = merkle.leaf_hash(LEAVES[index])
                assert proof == path(index, 0, size, mth)
                assert merkle.verify_inclusion(leaf, index, size, proof, root)
                assert not merkle.verify_inclusion(leaf, index + 1, size, proof, root)
                assert not merkle.verify_inclusion(merkle.leaf_hash(b"other"), index, size, proof, root)

    def test_altered(self, kept: Kept) -> None:
        """One changed, missing or added hash spoils the proof."""
        proof, leaf, root = merkle.inclusion(17, 100, kept.read), merkle.leaf_hash(LEAVES[17]), mth(0, 100)
        for n in range(len(proof)):
            changed = [*proof[:n], bytes(32), *proof[n + 1 :]]
            assert not merkle.verify_inclusion(leaf, 17, 100, changed, root)
        assert not merkle.verify_inclusion(leaf, 17, 100, proof[:-1], root)
        assert not merkle.verify_inclusion(leaf, 17, 100, [*proof, bytes(32)], root)

    @pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
    def test_outside(self, kept: Kept, index: int, size: int) -> None:
        """There is no proof for a leaf that the tree does not have, and none is believed."""
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion(index, size, kept.read)
        assert not merkle.verify_inclusion(mth(0, 1), index, size, [], mth(0, 1))


class TestConsistency:
    def test_every_pair(self, kept: Kept) -> None:
        """Each earlier size of each tree up to 140: the standard's proof, and it verifies; for another root it does not."""
        for new in range(1, MOST + 1):
            for old in range(1, new + 1):
                proof = merkle.consistency(old, new, kept.read)
                assert proof == subproof(old, 0, new, True, mth)
                assert merkle.verify_consistency((old, mth(0, old)), (new, mth(0, new)), proof)
                assert not merkle.verify_consistency((old, bytes(32)), (new, mth(0, new)), proof)
                assert not merkle.verify_consistency((old, mth(0, old)), (new, bytes(32)), proof)

    def test_altered(self, kept: Kept) -> None:
        """One changed, missing or added hash spoils the proof."""
        old, new = (70, mth(0, 70)), (130, mth(0, 130))
        proof = merkle.consistency(70, 130, kept.read)
        for n in range(len(proof)):
            assert not merkle.verify_consistency(old, new, [*proof[:n], bytes(32), *proof[n + 1 :]])
        assert not merkle.verify_consistency(old, new, proof[:-1])
        assert not merkle.verify_consistency(old, new, [*proof, bytes(32)])
        assert not merkle.verify_consistency(old, new, [])

    def test_rewritten(self, kept: Kept) -> None:
        """A log in which one early leaf was changed continues none of the heads that were signed after it."""
        forged = hashing([LEAVES[0], b"forged", *LEAVES[2:]])
        other = Kept([LEAVES[0], b"forged", *LEAVES[2:]])
        for old, new in pairwise(range(2, MOST)):
            proof = merkle.consistency(old, new, other.read)
            assert not merkle.verify_consistency((old, mth(0, old)), (new, forged(0, new)), proof)

    def test_from_nothing(self, kept: Kept) -> None:
        """Every log continues the empty one; a proof that claims more is refused."""
        assert merkle.consistency(0, 9, kept.read) == []
        assert merkle.verify_consistency((0, merkle.EMPTY_ROOT), (9, mth(0, 9)), [])
        assert not merkle.verify_consistency((0, bytes(32)), (9, mth(0, 9)), [])
        assert not merkle.verify_consistency((0, merkle.EMPTY_ROOT), (9, mth(0, 9)), [bytes(32)])

    def test_backwards(self, kept: Kept) -> None:
        """A shorter log continues no longer one."""
        with pytest.raises(ValueError, match="no earlier size"):
            merkle.consistency(6, 5, kept.read)
        assert not merkle.verify_consistency((6, mth(0, 6)), (5, mth(0, 5)), [])
