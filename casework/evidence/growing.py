"""A file that grows page by page and loses nothing but the page that was under way when its writer died."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import zstandard
from sqlmodel import Session

from audit.secret_files import settle
from casework.errors import Damaged, InUse
from casework.evidence.chunks import CHUNK, MAGIC, Lock, content_of, opened
from models.tables import EvidenceFile


class GrowingFile:
    """
    The one writer of a file.  *row* says how far it is written; what of that is certain is committed with `keep`.

    Raises `InUse` while another process, or another task, writes it; the kernel lets go of a writer that was killed.
    """

    row: EvidenceFile

    def __init__(self, path: Path, lock: Lock) -> None:
        self._path, self._lock = path, lock
        self._file = _open_alone(path)

    def go_on(self, row: EvidenceFile) -> None:
        """
        Continue at the position that *row* has committed: what lies behind it is cut off.

        Raises `Damaged` when the file is shorter than what was committed.
        """
        self.row = row
        if os.fstat(self._file.fileno()).st_size < row.length:
            raise Damaged("it is shorter than what was committed")
        self._file.truncate(row.length)
        self._file.seek(row.length)
        if row.length == 0:
            self._write(MAGIC)
            settle(self._path.parent)

    def append(self, clear: bytes) -> None:
        """Write *clear*, which is on the disk when this returns; until it is kept, a crash takes it back."""
        parts = [clear[start : start + CHUNK] for start in range(0, max(len(clear), 1), CHUNK)]
        self._write(b"".join(self._lock.close(self.row.chunks + n, part, last=False) for n, part in enumerate(parts)))
        self.row.chunks += len(parts)
        self.row.clear_size += len(clear)

    def end(self) -> tuple[str, str]:
        """
        Write the last chunk, which is empty.  Return the SHA-256 of what the disk has of the clear bytes, and of what they hold if
        the file is a `.zst`; raises `Damaged` if it is none.
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
            raise Damaged("it is no Zstandard file") from exc

    def keep(self, session: Session) -> EvidenceFile:
        """Say in the caller's transaction how far the file is certain; return its row there."""
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
        raise InUse("evidence: cannot write: another writer has this file", "Wait until it has ended.") from exc
    return file
