"""
Open an exported trail with PyNaCl and RFC 6962's own words: `python -m tests.audit.open_checkpoint VKEY_FILE FOLDER`.

Imports nothing of the trail.  Exit 0 and one line when everything holds, 1 and the reason when it does not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from tests.audit.rfc6962 import hashing


class Rejected(Exception):
    pass


def main(vkey_file: Path, folder: Path) -> str:
    name, key_id, encoded = vkey_file.read_text("utf-8").strip().split("+", 2)
    typed = base64.b64decode(encoded)
    demand(typed[0] == 1, "the vkey is not Ed25519")
    demand(hashlib.sha256(name.encode() + b"\n" + typed).hexdigest()[:8] == key_id, "the vkey's id is wrong")
    text, size, root = opened((folder / "checkpoint").read_text("utf-8"), name, bytes.fromhex(key_id), typed[1:])
    demand(text.split("\n")[0] == name, "the head is another log's")
    leaves = (folder / "entries.jsonl").read_bytes().split(b"\n")
    demand(leaves.pop() == b"", "the last line is cut")
    demand(len(leaves) == size, f"{len(leaves)} entries, {size} were signed")
    demand(hashing(leaves)(0, size) == root, "the entries have another root")
    chained(leaves, name)
    return f"{name} {size} {base64.b64encode(root).decode()}"


def opened(note: str, name: str, key_id: bytes, key: bytes) -> tuple[str, int, bytes]:
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    for line in lines.rstrip("\n").split("\n"):
        _, signer, blob = line.split(" ")
        raw = base64.b64decode(blob)
        if signer == name and raw[:4] == key_id:
            try:
                VerifyKey(key).verify(text.encode(), raw[4:])
            except BadSignatureError:
                raise Rejected("the signature is wrong") from None
            _, size, root, *_ = text.split("\n")
            return text, int(size), base64.b64decode(root)
    raise Rejected("the key has not signed")


def chained(leaves: list[bytes], origin: str) -> None:
    last: dict[str, tuple[int, str]] = {}
    for number, leaf in enumerate(leaves):
        said = json.loads(leaf)
        seq, prev = last.get(said["case"], (0, "0" * 64))
        demand(said["log"] == origin, f"line {number}: another log")
        demand((said["seq"], said["prev"]) == (seq, prev), f"line {number}: the case's chain is broken")
        last[said["case"]] = seq + 1, hashlib.sha256(leaf).hexdigest()


def demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Rejected(otherwise)


if __name__ == "__main__":
    try:
        sys.stdout.write(main(Path(sys.argv[1]), Path(sys.argv[2])) + "\n")
    except (Rejected, ValueError, KeyError) as problem:
        sys.exit(f"rejected: {problem}")
