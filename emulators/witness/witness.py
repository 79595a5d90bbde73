"""The witness on its socket: c2sp.org/tlog-witness, add-checkpoint and the monitors' way to read."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from emulators.witness import notes
from emulators.witness.consistency import EMPTY, consistent
from emulators.witness.notes import Head, MalformedNote, UnsignedNote

NAME = "rehearsal.invalid/worthless-against-the-operator"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_MOST_HASHES = 63


@dataclass(frozen=True, slots=True)
class CosigningRequest:
    """A request to add a checkpoint."""

    old: int
    proof: list[bytes]
    head: Head

    @classmethod
    def read(cls, body: bytes) -> CosigningRequest:
        """Raises `MalformedNote`."""
        try:
            before, _, note = body.decode().partition("\n\n")
            first, *hashes = before.split("\n")
            said = _OLD.fullmatch(first)
            proof = [base64.b64decode(one, validate=True) for one in hashes]
            if said is None or len(proof) > _MOST_HASHES or any(len(one) != 32 for one in proof):
                raise MalformedNote("not an old size and a proof")
            return cls(int(said[1]), proof, notes.read(note))
        except ValueError as exc:
            raise MalformedNote("not a submission") from exc


class Witness:
    """
    One witness with its key and its memory in *folder*.

    *logs*: vkeys of the logs that it knows; *logs_folder*: `log*.vkey` files of more, looked at with each request, so that a log
    may be made after its witness.  *clock* gives POSIX seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = NAME,
        logs: tuple[str, ...] = (),
        logs_folder: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.logs = logs
        self.clock = clock
        self._logs_folder = logs_folder
        self._memory = folder / "memory.json"
        self._key = _key(folder / "witness.key")
        self._one_at_a_time = threading.Lock()

    @property
    def vkey(self) -> str:
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return notes.vkey(self.name, notes.WITNESS_KEY, public)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/add-checkpoint", self._add, methods=["POST"]),
                Route("/{place}/checkpoint", self._latest, methods=["GET"]),
            ]
        )

    async def _add(self, request: Request) -> Response:
        try:
            submission = CosigningRequest.read(await request.body())
        except MalformedNote as exc:
            return PlainTextResponse(f"{exc}\n", 400)
        with self._one_at_a_time:  # the check and the memory of it belong together
            return self._judge(submission)

    def _judge(self, submission: CosigningRequest) -> Response:
        head, memory = submission.head, self._recall()
        keys = [key for origin, key in self._known() if origin == head.origin]
        if not keys:
            return PlainTextResponse("unknown log\n", 404)
        try:
            signed = notes.log_lines(head, keys)
        except UnsignedNote as exc:
            return PlainTextResponse(f"{exc}\n", 403)
        if submission.old > head.size:
            return PlainTextResponse("the old size is larger\n", 400)
        last = memory.get(head.origin, {"size": 0, "root": base64.b64encode(EMPTY).decode()})
        if submission.old != last["size"]:
            return PlainTextResponse(f"{last['size']}\n", 409, media_type="text/x.tlog.size")
        if not _continues(submission, base64.b64decode(last["root"])):
            return PlainTextResponse("bad consistency proof\n", 422)
        line = notes.cosign(head, self.name, self._key, int(self.clock()))
        kept = {"size": head.size, "root": base64.b64encode(head.root).decode()}
        self._remember(memory | {head.origin: kept | {"note": f"{head.text}\n{''.join(signed)}{line}"}})
        return PlainTextResponse(line)

    async def _latest(self, request: Request) -> Response:
        for origin, kept in self._recall().items():
            if hashlib.sha256(origin.encode()).hexdigest() == request.path_params["place"]:
                return PlainTextResponse(kept["note"])
        return PlainTextResponse("nothing cosigned\n", 404)

    def _known(self) -> list[tuple[str, bytes]]:
        found = list(self.logs)
        if self._logs_folder is not None:
            for path in sorted(self._logs_folder.glob("log*.vkey")):
                found += path.read_text("utf-8").splitlines()
        return [notes.log_key(text) for text in found]

    def _recall(self) -> dict[str, dict[str, Any]]:
        return dict(json.loads(self._memory.read_text("utf-8"))) if self._memory.exists() else {}

    def _remember(self, memory: dict[str, dict[str, Any]]) -> None:
        draft = self._memory.with_suffix(".part")
        draft.write_text(json.dumps(memory, ensure_ascii=False), "utf-8")
        draft.replace(self._memory)


def _continues(submission: CosigningRequest, last_root: bytes) -> bool:
    head = submission.head
    if head.size == 0:
        return head.root == EMPTY and not submission.proof
    if submission.old == 0:
        return not submission.proof
    if submission.old == head.size:
        return not submission.proof and head.root == last_root
    return consistent(submission.old, last_root, head.size, head.root, submission.proof)


def _key(path: Path) -> Ed25519PrivateKey:
    """Return the key in *path*, made on first use."""
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        path.touch(mode=0o600)
        path.write_bytes(made.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
