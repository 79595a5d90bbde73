"""
The form of an evidence file on the disk: chunks, each encrypted and authenticated for itself, in one order only.

    magic, 19 bytes | chunk | chunk | … | last chunk
    chunk = last? (1 byte) | length of what is encrypted, big-endian (4) | nonce (12) | AES-256-GCM (length)

Each chunk's associated bytes are the file's identity, the chunk's number and whether it is the last: chunks cannot be
reordered, left out, exchanged between files or cut off at the end without its being seen.  Nonces are random and not
counted: a page that is written again after a crash must never meet the nonce of the page that was lost.
"""

from __future__ import annotations

import io
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casework.errors import Damaged

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC = b"lastday evidence 1\n"
CHUNK = 1 << 20
"""The most clear bytes in one chunk: what a reader holds at once."""
_HEAD = struct.Struct(">?I12s")
_TAG = 16


@dataclass(frozen=True, slots=True)
class Lock:
    """Encrypts and decrypts the chunks of one file.  *identity* is the file's own."""

    cipher: AESGCM
    identity: bytes

    def close(self, number: int, clear: bytes, *, last: bool) -> bytes:
        nonce = secrets.token_bytes(12)
        sealed = self.cipher.encrypt(nonce, clear, self._bound(number, last=last))
        return _HEAD.pack(last, len(sealed), nonce) + sealed

    def open(self, number: int, nonce: bytes, sealed: bytes, *, last: bool) -> bytes:
        try:
            return self.cipher.decrypt(nonce, sealed, self._bound(number, last=last))
        except InvalidTag as exc:
            raise Damaged(f"chunk {number} is not as it was written") from exc

    def _bound(self, number: int, *, last: bool) -> bytes:
        return MAGIC + self.identity + struct.pack(">Q?", number, last)


def _clear_pieces(file: BinaryIO, lock: Lock) -> Iterator[bytes]:
    """Yield the clear bytes, chunk by chunk.  Raises `Damaged`, at the latest where the file ends too early or too late."""
    if file.read(len(MAGIC)) != MAGIC:
        raise Damaged("it does not begin like an evidence file")
    number, last = 0, False
    while not last:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise Damaged("it ends before its last chunk")
        last, length, nonce = _HEAD.unpack(head)
        if not _TAG <= length <= CHUNK + _TAG:
            raise Damaged(f"chunk {number} has no possible length")
        yield lock.open(number, nonce, file.read(length), last=last)
        number += 1
    if file.read(1):
        raise Damaged("it goes on after its last chunk")


def opened(file: BinaryIO, lock: Lock) -> io.BufferedReader:
    """Return the clear bytes as a stream, which closes *file* with itself.  Raises `Damaged`; the end is sure only when it was reached."""
    return io.BufferedReader(_ClearReader(file, lock), 1 << 16)


def content_of(compressed: BinaryIO) -> zstandard.ZstdDecompressionReader:
    """Return what a Zstandard stream of one frame or many holds, as a stream."""
    return zstandard.ZstdDecompressor().stream_reader(compressed, read_across_frames=True)


class _ClearReader(io.RawIOBase):
    """Holds one chunk at a time."""

    def __init__(self, file: BinaryIO, lock: Lock) -> None:
        super().__init__()
        self._file = file
        self._pieces = _clear_pieces(file, lock)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
