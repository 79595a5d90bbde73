"""
The form of an evidence file on the disk: chunks, each encrypted and authenticated by itself, in a fixed order.

    magic, 19 bytes | chunk | chunk | … | last chunk
    chunk = last? (1 byte) | length of what is encrypted, big-endian (4) | nonce (12) | AES-256-GCM (length)

Each chunk's associated bytes are the file's identity, the chunk's number and whether it is the last.  So a reader notices
chunks that were reordered, left out, exchanged between files or cut off at the end.  Nonces are random and not
counted: a page that is written again after a crash must never have the nonce of the page that was lost.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlmodel import Session

from audit.secret_files import settle
from casework.errors import EvidenceDamaged, EvidenceLocked
from models.tables import EvidenceFile

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC = b"lastday evidence 1\n"
CHUNK = 1 << 20
"""The most clear bytes in one chunk, 1 MiB.  A choice: a reader holds one chunk in memory."""
_HEAD = struct.Struct(">?I12s")
_TAG = 16


@dataclass(frozen=True, slots=True)
class ChunkCipher:
    """Encrypts and decrypts the chunks of one file, which *identity* names."""

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
            raise EvidenceDamaged(f"chunk {number} is not as it was written") from exc

    def _bound(self, number: int, *, last: bool) -> bytes:
        return MAGIC + self.identity + struct.pack(">Q?", number, last)


def _clear_pieces(file: BinaryIO, lock: ChunkCipher) -> Iterator[bytes]:
    """Yield the clear bytes, chunk by chunk.  Raises `EvidenceDamaged`, for a file that ends too early or too late only at its end."""
    if file.read(len(MAGIC)) != MAGIC:
        raise EvidenceDamaged("it does not begin like an evidence file")
    number, last = 0, False
    while not last:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise EvidenceDamaged("it ends before its last chunk")
        last, length, nonce = _HEAD.unpack(head)
        if not _TAG <= length <= CHUNK + _TAG:
            raise EvidenceDamaged(f"chunk {number} has no possible length")
        yield lock.open(number, nonce, file.read(length), last=last)
        number += 1
    if file.read(1):
        raise EvidenceDamaged("it goes on after its last chunk")


def opened(file: BinaryIO, lock: ChunkCipher) -> io.BufferedReader:
    """Return the clear bytes as a stream, which closes *file* with itself.  Reading raises `EvidenceDamaged`; read to the end to be sure."""
    return io.BufferedReader(_ClearReader(file, lock), 1 << 16)


def content_of(compressed: BinaryIO) -> zstandard.ZstdDecompressionReader:
    """Return a stream of the content of a Zstandard stream of one or more frames."""
    return zstandard.ZstdDecompressor().stream_reader(compressed, read_across_frames=True)


class _ClearReader(io.RawIOBase):
    """Holds one chunk at a time."""

    def __init__(self, file: BinaryIO, lock: ChunkCipher) -> None:
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


class GrowingFile:
    """
    The only writer of a file.  *row* has the length that is written; `keep` commits it.

    Raises `EvidenceLocked` while another process, or another task, writes the file; the kernel releases the lock of a killed writer.
    """

    row: EvidenceFile

    def __init__(self, path: Path, lock: ChunkCipher) -> None:
        self._path, self._lock = path, lock
        self._file = _open_alone(path)

    def go_on(self, row: EvidenceFile) -> None:
        """
        Continue at the position that *row* has committed; later bytes are cut off.

        Raises `EvidenceDamaged` when the file is shorter than what was committed.
        """
        self.row = row
        if os.fstat(self._file.fileno()).st_size < row.length:
            raise EvidenceDamaged("it is shorter than what was committed")
        self._file.truncate(row.length)
        self._file.seek(row.length)
        if row.length == 0:
            self._write(MAGIC)
            settle(self._path.parent)

    def append(self, clear: bytes) -> None:
        """Write *clear* to the disk (fsync) before returning; a crash before `keep` discards it."""
        parts = [clear[start : start + CHUNK] for start in range(0, max(len(clear), 1), CHUNK)]
        self._write(b"".join(self._lock.close(self.row.chunks + n, part, last=False) for n, part in enumerate(parts)))
        self.row.chunks += len(parts)
        self.row.clear_size += len(clear)

    def end(self) -> tuple[str, str]:
        """
        Write the last chunk, which is empty.  Return the SHA-256 of the clear bytes as read back from the disk and, for a `.zst`
        file, of their content (else the same again); raises `EvidenceDamaged` if that is not Zstandard.
        """
        self._write(self._lock.close(self.row.chunks, b"", last=True))
        self.row.chunks += 1
        with opened(self._path.open("rb"), self._lock) as clear:
            whole = hashlib.file_digest(clear, "sha256").hexdigest()
        if not self.row.name.endswith(".zst"):
            return whole, whole
        try:
            with content_of(opened(self._path.open("rb"), self._lock)) as content:
                return whole, hashlib.file_digest(content, "sha256").hexdigest()
        except zstandard.ZstdError as exc:
            raise EvidenceDamaged("it is no Zstandard file") from exc

    def keep(self, session: Session) -> EvidenceFile:
        """Commit the written length in the caller's transaction; return its row there."""
        row = session.get_one(EvidenceFile, self.row.id)
        row.length, row.chunks, row.clear_size = self.row.length, self.row.chunks, self.row.clear_size
        return row

    def close(self) -> None:
        self._file.close()

    def _write(self, raw: bytes) -> None:
        self._file.write(raw)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.row.length += len(raw)


def _open_alone(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        file.close()
        raise EvidenceLocked(
            "evidence: cannot write: another writer has this file", "Wait until it has ended."
        ) from exc
    return file
