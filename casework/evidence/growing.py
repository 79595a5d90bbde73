"""A file that grows page by page and loses nothing but the page that was under way when its writer died."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from audit.secret_files import settle
from casework.errors import Damaged, InUse
from casework.evidence.chunks import MAGIC, Lock, pieces


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file is certain: bytes on the disk, chunks, and clear bytes in them."""

    length: int = 0
    chunks: int = 0
    clear_size: int = 0


class GrowingFile:
    """
    The one writer of a file, continued at *position*: what lies behind it is cut off.

    Raises `InUse` while another process, or another task, writes it; the kernel lets go of a writer that was killed.
    Raises `Damaged` when the file is shorter than what was committed.
    """

    def __init__(self, path: Path, lock: Lock, position: Position) -> None:
        self._lock = lock
        self._file = _open_alone(path)
        self.position = position
        try:
            self._continue(path)
        except BaseException:
            self._file.close()
            raise

    def _continue(self, path: Path) -> None:
        if os.fstat(self._file.fileno()).st_size < self.position.length:
            raise Damaged("it is shorter than what was committed")
        self._file.truncate(self.position.length)
        self._file.seek(self.position.length)
        if self.position.length == 0:
            self._file.write(MAGIC)
            self._flush()
            settle(path.parent)
            self.position = Position(len(MAGIC))

    def append(self, clear: bytes, *, last: bool = False) -> Position:
        """
        Write *clear* and return the new position, which the caller commits: until then a crash takes it back.

        On the disk when this returns.
        """
        parts = list(pieces(clear))
        for part in parts:
            final = last and part is parts[-1]
            sealed = self._lock.close(self.position.chunks, part, last=final)
            self._file.write(sealed)
            self.position = Position(
                self.position.length + len(sealed), self.position.chunks + 1, self.position.clear_size + len(part)
            )
        self._flush()
        return replace(self.position)

    def close(self) -> None:
        self._file.close()

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _open_alone(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        file.close()
        raise InUse("evidence: cannot write: another writer has this file", "Wait until it has ended.") from exc
    return file
