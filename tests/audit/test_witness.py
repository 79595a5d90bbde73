"""The emulated witness, held against the words of c2sp.org/tlog-witness; and its own proof of consistency against ours."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit import checkpoint, merkle, note
from audit.checkpoint import Checkpoint
from audit.cosignature import WitnessKey
from audit.merkle import Frontier
from audit.note import Verifier
from emulators.fault_proxy import FaultProxy, served
from emulators.witness import Witness
from emulators.witness.consistency import consistent

ORIGIN = "log.example/2026"


class Signer:
    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.verifier = Verifier(ORIGIN, self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class Tree:
    """A log in memory: leaves are numbers."""

    def __init__(self, size: int, salt: bytes = b"") -> None:
        self._nodes: dict[tuple[int, int], bytes] = {}
        tree = Frontier()
        for n in range(size):
            for level, node in enumerate(tree.add(salt + b"%d" % n)):
                self._nodes[level, n >> level] = node

    def read(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]

    def root(self, size: int) -> bytes:
        return merkle.root(size, self.read)

    def proof(self, old: int, new: int) -> list[bytes]:
        return merkle.consistency(old, new, self.read)


TREE, OTHER = Tree(40), Tree(40, b"other")


class Door:
    """The witness's socket, and a log's key."""

    def __init__(self, client: httpx.Client, signer: Signer, witness: Witness) -> None:
        self.client, self.signer, self.witness = client, signer, witness

    def submit(self, old: int, size: int, tree: Tree = TREE, proof: list[bytes] | None = None) -> httpx.Response:
        signed = checkpoint.sign(Checkpoint(ORIGIN, size, tree.root(size)), [self.signer])
        return self.post(old, tree.proof(old, size) if proof is None else proof, signed)

    def post(self, old: int | str, proof: list[bytes], signed: bytes) -> httpx.Response:
        lines = [f"old {old}", *(base64.b64encode(one).decode() for one in proof), ""]
        return self.client.post("/add-checkpoint", content="\n".join(lines).encode() + b"\n" + signed)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    signer = Signer()
    witness = Witness(tmp_path / "witness", logs=(signer.verifier.vkey,), clock=lambda: 1_790_000_000)
    with served(FaultProxy(witness.app)) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield Door(client, signer, witness)


class TestConsistency:
    def test_against_ours(self) -> None:
        """Two implementations that share nothing agree on every pair of sizes up to 40, and refuse each other's forgeries."""
        for new in range(1, 41):
            for old in range(1, new + 1):
                proof = TREE.proof(old, new)
                assert consistent(old, TREE.root(old), new, TREE.root(new), proof)
                assert not consistent(old, OTHER.root(old), new, TREE.root(new), proof)
                assert not consistent(old, TREE.root(old), new, TREE.root(new), [*proof, bytes(32)])
                assert not proof or not consistent(old, TREE.root(old), new, TREE.root(new), proof[:-1])


class TestWords:
    def test_200(self, door: Door) -> None:
        """A head that continues the last one is cosigned; the line verifies and says when."""
        answer = door.submit(0, 7)
        assert answer.status_code == 200
        (line,) = note.read_lines(answer.text)
        key = WitnessKey.parse(door.witness.vkey)
        assert key.verify(line, Checkpoint(ORIGIN, 7, TREE.root(7)).text).timestamp() == 1_790_000_000
        assert "worthless" in key.name
        assert door.submit(7, 12).status_code == 200
        assert door.submit(12, 12).status_code == 200  # the same head again

    def test_409(self, door: Door) -> None:
        """Another old size than it remembers: its own, in plain digits, in the type of the specification."""
        door.submit(0, 7)
        for old in (0, 5, 9):
            answer = door.submit(old, 12)
            assert (answer.status_code, answer.text) == (409, "7\n")
            assert answer.headers["content-type"].partition(";")[0] == "text/x.tlog.size"

    def test_422(self, door: Door) -> None:
        """Another history, a wrong proof, a proof where none may be, another root of the same size."""
        door.submit(0, 7)
        assert door.submit(7, 12, OTHER).status_code == 422
        assert door.submit(7, 12, proof=[bytes(32)] * 3).status_code == 422
        assert door.submit(7, 7, OTHER).status_code == 422
        assert door.submit(7, 12).status_code == 200  # none of them was remembered

    def test_422_first(self, door: Door) -> None:
        """From nothing no proof is needed, and none may be given; the empty tree has one root."""
        assert door.submit(0, 7, proof=[bytes(32)]).status_code == 422
        wrong = checkpoint.sign(Checkpoint(ORIGIN, 0, bytes(32)), [door.signer])
        assert door.post(0, [], wrong).status_code == 422

    def test_404(self, door: Door) -> None:
        """A log that it does not know."""
        door.witness.logs = ()
        assert door.submit(0, 7).status_code == 404

    def test_403(self, door: Door) -> None:
        """A head that the log's key has not signed, or has signed wrongly."""
        stranger = Door(door.client, Signer(), door.witness)
        assert stranger.submit(0, 7).status_code == 403
        text = Checkpoint(ORIGIN, 7, TREE.root(7)).text
        wrong = f"{text}\n{note.signature_line(door.signer.verifier, bytes(64))}".encode()
        assert door.post(0, [], wrong).status_code == 403

    @pytest.mark.parametrize("old", ["", "07", "-1", "x", "7 "])
    def test_400(self, door: Door, old: str) -> None:
        """What is no submission, and an old size beyond the new one."""
        signed = checkpoint.sign(Checkpoint(ORIGIN, 7, TREE.root(7)), [door.signer])
        assert door.post(old, [], signed).status_code == 400
        assert door.post(8, [], signed).status_code == 400
        assert door.post(0, [bytes(32)] * 64, signed).status_code == 400

    def test_monitors(self, door: Door) -> None:
        """Whoever watches reads the last head with both signatures; before the first there is none."""
        place = f"/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
        assert door.client.get(place).status_code == 404
        door.submit(0, 7)
        held = door.client.get(place).content
        assert checkpoint.open_checkpoint(held, door.signer.verifier).size == 7
        assert len(note.split(held)[1]) == 2

    def test_remembers(self, door: Door, tmp_path: Path) -> None:
        """Its memory outlives it."""
        door.submit(0, 7)
        again = Witness(tmp_path / "witness", logs=door.witness.logs)
        assert again.vkey == door.witness.vkey
        with served(FaultProxy(again.app)) as url, httpx.Client(base_url=url, trust_env=False) as client:
            assert Door(client, door.signer, again).submit(0, 9).text == "7\n"
        assert json.loads((tmp_path / "witness" / "memory.json").read_text())[ORIGIN]["size"] == 7
