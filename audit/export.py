"""
Write the log for other tools: `checkpoint` (a signed note), `entries.jsonl` (one leaf a line), `log.vkey`.

`log.vkey` is beside them for convenience.  A verifier takes the key from an independent source: see docs/verify.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from audit import checkpoint, reading
from audit.appending import TrailError
from audit.checkpoint import Checkpoint
from audit.merkle import Frontier
from audit.note import Signer
from audit.secret_files import rewrite

ENTRIES = "entries.jsonl"
CHECKPOINT = "checkpoint"
VKEY = "log.vkey"


def export(connection: Connection, signer: Signer, folder: Path) -> Checkpoint:
    """
    Write the three files into *folder*, made if it is missing.  Files of an earlier export are replaced, each atomically.
    Only their owner can read them: they name nobody, but show on which day which case moved.

    The root is recomputed from the written leaves.  Raises `TrailError`, and signs nothing, if the stored hashes differ.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    size = reading.size(connection)
    tree = Frontier()
    _replace(folder / ENTRIES, _lines(connection, size, tree))
    stored = Frontier(size, reading.node_reader(connection)).root()
    if tree.size != size or tree.root() != stored:
        raise TrailError("trail: cannot export: the leaves are not those that were hashed (python -m audit check)")
    head = Checkpoint(signer.verifier.name, size, stored)
    _replace(folder / CHECKPOINT, iter([checkpoint.sign(head, [signer])]))
    _replace(folder / VKEY, iter([signer.verifier.vkey.encode() + b"\n"]))
    return head


def _lines(connection: Connection, size: int, tree: Frontier) -> Iterator[bytes]:
    for entry in reading.entries(connection, end=size):
        tree.add(entry.leaf)
        yield entry.leaf + b"\n"


def _replace(path: Path, parts: Iterator[bytes]) -> None:
    draft = path.with_name(f".{path.name}.part")
    with rewrite(draft) as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
