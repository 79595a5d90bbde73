"""
The evidence of all cases: files in a folder, encrypted each case under a key of its own, listed in the database.

What a file holds is known by the digests of its clear bytes, taken from what the disk gives back.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text
from sqlmodel import Session, col, select

from audit import layout
from casework.errors import Erased, EvidenceError, Missing
from casework.evidence.chunks import ClearReader, Lock
from casework.evidence.digests import digest
from casework.evidence.growing import GrowingFile, Position
from casework.evidence.keys import KEY_SIZE, MasterKey
from casework.store import Store
from models.tables import EvidenceFile, EvidenceKey


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """
    A whole file.  *sha256* and *size* are of the clear bytes, *content_sha256* and *content_size* of what they hold when
    *name* ends in `.zst`; else they are the same.
    """

    case_id: str
    name: str
    sha256: str
    content_sha256: str
    size: int
    content_size: int
    stored_at: datetime

    def leaf(self) -> dict[str, Any]:
        """Return what `evidence.bound` says of it in its *evidence* field: *name* is its path in a bundle."""
        return {
            "name": layout.EVIDENCE + self.name,
            "sha256": self.sha256,
            "content_sha256": self.content_sha256,
            "size": self.size,
        }


Binding: TypeAlias = "Callable[[Session, StoredEvidence], None]"
"""What is committed together with a file's becoming whole."""


@dataclass(frozen=True, slots=True)
class EvidenceStore:
    """*folder* holds a folder a case, named by its random id, and in it files with random names."""

    store: Store
    folder: Path
    master: MasterKey
    now: Callable[[], datetime] = _now

    def save(
        self, case_id: str, name: str, content: bytes | Iterable[bytes], *, binding: Binding | None = None
    ) -> StoredEvidence:
        """
        Keep *content* under *name*, for ever: the same again changes nothing, other bytes raise `EvidenceError`.

        Not to be called inside a transaction of one's own: seal its digests in the next one, or by *binding*, which is
        called in the very transaction that makes the file whole.
        """
        parts = [content] if isinstance(content, bytes) else content
        if (known := self.find(case_id, name)) is not None:
            return _same(known, parts)
        with self.grow(case_id, name, anew=True) as growing:
            for part in parts:
                growing.file.append(part)
            return growing.finish(binding)

    @contextlib.contextmanager
    def grow(self, case_id: str, name: str, *, anew: bool = False) -> Iterator[Growing]:
        """
        Be the one writer of a file, begun, continued, or begun *anew*.

        Raises `InUse`, `Erased`, or `EvidenceError` for a file that is whole.
        """
        with self.store.write() as session:
            key = self._key(session, case_id)
            row = _row(session, case_id, name)
            if row is None:
                row = EvidenceFile(id=secrets.token_hex(16), case_id=case_id, name=name, begun_at=self.now())
                session.add(row)
        if row.finished_at is not None:
            raise EvidenceError(f"{case_id}: {name} is whole already", "Give what comes later a name of its own.")
        position = Position() if anew else Position(row.length, row.chunks, row.clear_size)
        lock = _lock(key, row)
        with contextlib.closing(GrowingFile(self.path_of(row), lock, position)) as file:
            yield Growing(self, row, lock, file)

    def open(self, case_id: str, name: str) -> BinaryIO:
        """Return the clear bytes as a stream, checked while they are read: the end is sure only when it was reached."""
        with self.store.read() as session:
            row = _row(session, case_id, name)
            if row is None or row.finished_at is None:
                raise Missing(f"{case_id}: has no evidence {name}", "List it with `lastday evidence CASE`.")
            lock = _lock(self._known_key(session, case_id), row)
        try:
            file = self.path_of(row).open("rb")
        except OSError as exc:
            raise Missing(f"{case_id}: cannot open {name}: {exc.strerror}", "Restore it from a backup.") from exc
        return cast("BinaryIO", io.BufferedReader(ClearReader(file, lock), 1 << 16))

    def find(self, case_id: str, name: str) -> StoredEvidence | None:
        """Return what is known of a whole file, None if there is none."""
        with self.store.read() as session:
            row = _row(session, case_id, name)
        return None if row is None or row.finished_at is None else _stored(row)

    def erase(self, case_id: str) -> int:
        """
        Make every file of the case unreadable for ever, by its key, and remove the files; return how many.

        The caller seals that it was done, and why.  Copies of the files, wherever they are, become noise; copies of
        the database and of the master key together would still open them.
        """
        with self.store.write() as session:
            if self.store.engine.dialect.name == "sqlite":
                session.connection().execute(text("PRAGMA secure_delete = ON"))
            if (key := session.get(EvidenceKey, case_id)) is not None:
                key.wrapped, key.erased_at = None, key.erased_at or self.now()
                session.add(key)
            query = select(EvidenceFile).where(EvidenceFile.case_id == case_id, col(EvidenceFile.erased_at).is_(None))
            rows = session.exec(query).all()
            for row in rows:
                row.erased_at = self.now()
                session.add(row)
        shutil.rmtree(self.folder / case_id, ignore_errors=True)
        return len(rows)

    def path_of(self, row: EvidenceFile) -> Path:
        """Return where the file's encrypted bytes lie."""
        return self.folder / row.case_id / row.id

    def _key(self, session: Session, case_id: str) -> bytes:
        if session.get(EvidenceKey, case_id) is not None:
            return self._known_key(session, case_id)
        key = secrets.token_bytes(KEY_SIZE)
        wrapped = self.master.wrap(key, case_id.encode())
        session.add(EvidenceKey(case_id=case_id, master=self.master.name, wrapped=wrapped, made_at=self.now()))
        return key

    def _known_key(self, session: Session, case_id: str) -> bytes:
        row = session.get(EvidenceKey, case_id)
        if row is None or row.wrapped is None:
            raise Erased(case_id)
        return self.master.unwrap(row.wrapped, case_id.encode())

    def list(self, case_id: str, prefix: str = "") -> Sequence[StoredEvidence]:
        """Return the case's whole files, in the order of their names; none of an erased case."""
        query = select(EvidenceFile).where(EvidenceFile.case_id == case_id, col(EvidenceFile.finished_at).is_not(None))
        with self.store.read() as session:
            rows = session.exec(query.where(col(EvidenceFile.erased_at).is_(None)).order_by(col(EvidenceFile.name)))
            return [_stored(row) for row in rows if row.name.startswith(prefix)]


@dataclass(frozen=True, slots=True)
class Growing:
    """A file under way.  What was appended to *file* counts from the commit that `keep` was part of."""

    evidence: EvidenceStore
    row: EvidenceFile
    lock: Lock
    file: GrowingFile

    def keep(self, session: Session) -> None:
        """Say in the caller's transaction how far the file is certain."""
        row = session.get_one(EvidenceFile, self.row.id)
        position = self.file.position
        row.length, row.chunks, row.clear_size = position.length, position.chunks, position.clear_size
        session.add(row)

    def finish(self, binding: Binding | None = None) -> StoredEvidence:
        """End the file, read it back from the disk, and keep the digests of what came back, together with *binding*."""
        self.file.append(b"", last=True)
        with self.evidence.path_of(self.row).open("rb") as file, ClearReader(file, self.lock) as clear:
            seen = digest(cast("BinaryIO", io.BufferedReader(clear)), compressed=self.row.name.endswith(".zst"))
        with self.evidence.store.write() as session:
            self.keep(session)
            row = session.get_one(EvidenceFile, self.row.id)
            row.sha256, row.content_sha256, row.content_size = seen.sha256, seen.content_sha256, seen.content_size
            row.finished_at = self.evidence.now()
            session.add(row)
            if binding is not None:
                binding(session, _stored(row))
        return _stored(row)


def _same(known: StoredEvidence, parts: Iterable[bytes]) -> StoredEvidence:
    seen = hashlib.sha256()
    for part in parts:
        seen.update(part)
    if seen.hexdigest() != known.sha256:
        raise EvidenceError(f"{known.case_id}: holds another {known.name} already", "Give it a name of its own.")
    return known


def _row(session: Session, case_id: str, name: str) -> EvidenceFile | None:
    return session.exec(
        select(EvidenceFile).where(EvidenceFile.case_id == case_id, EvidenceFile.name == name)
    ).one_or_none()


def _lock(key: bytes, row: EvidenceFile) -> Lock:
    return Lock(AESGCM(key), f"{row.case_id}/{row.id}/{row.name}".encode())


def _stored(row: EvidenceFile) -> StoredEvidence:
    assert row.sha256 is not None and row.content_sha256 is not None and row.finished_at is not None  # noqa: S101, PT018  # for the types alone: whole rows have them
    return StoredEvidence(
        row.case_id, row.name, row.sha256, row.content_sha256, row.clear_size, row.content_size or 0, row.finished_at
    )
