"""
Ask a witness for its cosignature (c2sp.org/tlog-witness, the log's side).

A witness signs a head only if it continues the last one that it signed.  So its answers also show damage to our log: 409 with a
larger size means that we lost entries, 422 that our key has signed another history.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from audit import note
from audit.checkpoint import Checkpoint
from audit.cosignature import cosigned
from audit.note import NoteError, SignatureLine
from audit.policy import TrustedWitness

Prove: TypeAlias = "Callable[[int], list[bytes]]"
"""Takes an earlier size, returns the proof that the submitted head continues it."""

LARGEST = 1 << 16
_ROUNDS = 3
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class WitnessFailed(Exception):
    """The witness gave no cosignature, and the reason is not our log: ask again later."""


class EpochRefused(WitnessFailed):
    """The witness refuses rightly: it has signed entries that, by the log's own epoch, were lost with a restored backup."""

    def __init__(self, witness: str, size: int) -> None:
        super().__init__(
            f"witness {witness}: cannot cosign: it holds the epoch before, {size} entries: show its operator the trail.epoch of this "
            "log, so that it is begun anew there"
        )


class ForkFound(Exception):
    """422: the witness knows another history of *size* entries under our key.  Sign nothing until a person has looked."""

    def __init__(self, witness: str, size: int) -> None:
        super().__init__(
            f"witness {witness}: refuses the log's head: it continues not what the witness has signed (422)"
        )
        self.witness = witness
        self.size = size


class WitnessAheadError(Exception):
    """409 with a larger size: the witness has signed entries that our log no longer has."""

    def __init__(self, witness: str, size: int) -> None:
        super().__init__(f"witness {witness}: has signed a head of {size} entries, more than the log has")
        self.witness = witness
        self.size = size


@dataclass(frozen=True, slots=True)
class WitnessClient:
    """Asks one witness.  *client*: with trusted roots and timeouts set.  *witness*: must have a URL."""

    client: httpx.Client
    witness: TrustedWitness

    def cosign(self, head: Checkpoint, signed: bytes, old: int, prove: Prove) -> list[SignatureLine]:
        """
        Return the witness's verified lines over *signed*.  *old*: the size that we believe it signed last.

        Safe to repeat.  Raises `WitnessFailed`, `ForkFound` and `WitnessAheadError`.
        """
        for _ in range(_ROUNDS):
            answer = self._call("POST", "add-checkpoint", content=_body(old, prove(old), signed))
            if answer.status == 409:
                old = self._size(answer.body)
                if old > head.size:
                    raise WitnessAheadError(self.witness.name, old)
            elif answer.status == 422:
                raise ForkFound(self.witness.name, old)
            elif answer.status == 200:
                return self._lines(head, answer.body)
            else:
                raise self._failed(_REASONS.get(answer.status, f"status {answer.status}"))
        raise self._failed("its size changes with every request")

    def latest(self, origin: str) -> tuple[Checkpoint, bytes] | None:
        """
        Return the newest head that the witness has signed, with its note; None if it has signed no head of this log.

        The cosignature is verified; the log's own signature is not.  Raises `WitnessFailed`.
        """
        place = hashlib.sha256(origin.encode()).hexdigest()
        answer = self._call("GET", f"{place}/checkpoint")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._failed(f"status {answer.status}")
        try:
            text, lines = note.split(answer.body)
            head = Checkpoint.parse(text)
            if head.origin != origin or not cosigned(text, lines, [self.witness.key]):
                raise self._failed("its head of the log is not one that it has signed")
        except NoteError as exc:
            raise self._failed("its head of the log cannot be read") from exc
        return head, answer.body

    def _lines(self, head: Checkpoint, body: bytes) -> list[SignatureLine]:
        try:
            lines = [line for line in note.read_lines(body.decode()) if self.witness.key.claims(line)]
            for line in lines:
                self.witness.key.verify(line, head.text)
        except (NoteError, UnicodeDecodeError) as exc:
            raise self._failed("its cosignature is wrong") from exc
        if not lines:
            raise self._failed("its answer has no cosignature of the key that the policy names")
        return lines[:1]

    def _size(self, body: bytes) -> int:
        found = _SIZE.fullmatch(body)
        if found is None:
            raise self._failed("status 409 without a size")
        return int(found[1])

    def _call(self, method: str, path: str, content: bytes | None = None) -> _Answer:
        url = f"{(self.witness.url or '').rstrip('/')}/{path}"
        try:
            with self.client.stream(method, url, content=content) as answer:
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise self._failed("its answer is too long")
                return _Answer(answer.status_code, body)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._failed(type(exc).__name__) from exc

    def _failed(self, why: str) -> WitnessFailed:
        return WitnessFailed(f"witness {self.witness.name}: cannot cosign: {why}")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


_REASONS = {
    403: "it does not know the log's key (403)",
    404: "it does not know this log (404): send it log.vkey",
}


def _body(old: int, proof: list[bytes], signed: bytes) -> bytes:
    lines = [f"old {old}", *(base64.b64encode(one).decode() for one in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + signed
