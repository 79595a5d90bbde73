"""
The evidence of all cases: files in a folder, encrypted under one key for each case, listed in the database.

The digests of a file are of its clear bytes as read back from the disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import update
from sqlmodel import Session, col, select

from audit import bundle_paths
from casework.errors import EvidenceErased, EvidenceError, EvidenceMissing
from casework.evidence.chunks import ChunkCipher, GrowingFile, opened
from casework.evidence.keys import KEY_SIZE, KeyFile, MasterKey, held
from casework.evidence.rotation import Rotation, in_force
from casework.store import Store
from models.actor import Actor
from models.tables import EvidenceFile, EvidenceKey

Binding: TypeAlias = "Callable[[Session, EvidenceFile], None]"
"""A callback in the transaction that finishes a file."""


@dataclass(frozen=True, slots=True)
class EvidenceStore:
    """
    *folder* has one folder for each case, named by its random id, with files of random names.

    *master*: the key that wraps, or that `rotate` changes to; *former* opens keys that are not wrapped anew yet.
    """

    store: Store
    folder: Path
    master: KeyFile
    former: KeyFile | None = None

    def save(self, case_id: str, name: str, content: bytes, *, binding: Binding | None = None) -> EvidenceFile:
        """
        Keep *content* under *name*, for ever: the same again changes nothing, other bytes raise `EvidenceError`.

        Not to be called inside a transaction: seal its digests in the next one, or by *binding*, which is called in the
        transaction that finishes the file.
        """
        if (known := self.find(case_id, name)) is not None:
            if hashlib.sha256(content).hexdigest() != known.sha256:
                raise EvidenceError(f"{case_id}: holds another {name} already", "Give it a name of its own.")
            return known
        with self.grow(case_id, name) as growing:
            growing.append(content)
            return self.finish(growing, binding)

    @contextlib.contextmanager
    def grow(self, case_id: str, name: str) -> Iterator[GrowingFile]:
        """
        Open a file for its only writer: a new one, or an unfinished one at its last kept position.

        Raises `EvidenceLocked`, `EvidenceErased`, `EvidenceDamaged`, or `EvidenceError` for a finished file.
        """
        with self.store.write() as session:
            key = self._key(session, case_id, make=True)
            row = _row(session, case_id, name)
            if row is None:
                row = EvidenceFile(id=secrets.token_hex(16), case_id=case_id, name=name, begun_at=self.store.clock())
                session.add(row)
        _refuse_whole(row)
        with contextlib.closing(GrowingFile(self.path_of(row), _lock(key, row))) as growing:
            with self.store.read() as session:  # again: another writer may have continued it until now
                row = session.get_one(EvidenceFile, row.id)
            _refuse_whole(row)
            growing.go_on(row)
            yield growing

    def finish(self, growing: GrowingFile, binding: Binding | None = None) -> EvidenceFile:
        """End the file, read it back from the disk, and commit the digests of what was read, together with *binding*."""
        digests = growing.end()
        with self.store.write() as session:
            row = growing.keep(session)
            row.sha256, row.content_sha256 = digests
            row.finished_at = self.store.clock()
            if binding is not None:
                binding(session, row)
        return row

    def open(self, case_id: str, name: str) -> BinaryIO:
        """Return the clear bytes as a stream, checked while they are read; read to the end to be sure."""
        with self.store.read() as session:
            row = _row(session, case_id, name)
            if row is None or row.finished_at is None:
                raise EvidenceMissing(f"{case_id}: has no evidence {name}", "List it with `lastday evidence CASE`.")
            lock = _lock(self._key(session, case_id), row)
        try:
            file = self.path_of(row).open("rb")
        except OSError as exc:
            raise EvidenceMissing(
                f"{case_id}: cannot open {name}: {exc.strerror}", "Restore it from a backup."
            ) from exc
        return opened(file, lock)

    def find(self, case_id: str, name: str) -> EvidenceFile | None:
        """Return the row of a finished file, None if there is none."""
        with self.store.read() as session:
            row = _row(session, case_id, name)
        return row if row is not None and row.finished_at is not None else None

    @staticmethod
    def leaf_of(file: EvidenceFile) -> dict[str, Any]:
        """Return the *evidence* field of an `evidence.bound` event for a finished file: *name* is its path in a bundle."""
        return {
            "name": bundle_paths.EVIDENCE + file.name,
            "sha256": file.sha256,
            "content_sha256": file.content_sha256,
            "size": file.clear_size,
        }

    def erase(self, case_id: str) -> int:
        """
        Destroy the case's key, which makes its files unreadable for ever, and remove the files; return how many.  No file of the
        case can be begun later.

        The caller seals the erasure and its reason.  All copies of the files become unreadable, except to a holder of both
        a copy of the database and the master key of that time.
        """
        with self.store.write() as session:
            key = session.get(EvidenceKey, case_id) or EvidenceKey(
                case_id=case_id, master="", made_at=self.store.clock()
            )
            key.wrapped, key.erased_at = None, key.erased_at or self.store.clock()
            session.add(key)
            files = update(EvidenceFile).where(
                col(EvidenceFile.case_id) == case_id, col(EvidenceFile.erased_at).is_(None)
            )
            count = session.connection().execute(files.values(erased_at=self.store.clock())).rowcount
        shutil.rmtree(self.folder / case_id, ignore_errors=True)
        return count

    def path_of(self, row: EvidenceFile) -> Path:
        return self.folder / row.case_id / row.id

    def rotate(self, *, actor: str, by: Actor, told: Callable[[int, int], None]) -> Rotation:
        """
        Let *master* wrap from now on, and wrap every case's key anew by it.  The callback gets how many keys of how many are done.

        Safe to repeat after a crash at any point, and to be run twice at once: no key is counted twice, and a second run changes
        nothing.  Raises `Misconfigured` without the key that wrapped until now, `BadRequest` for a key that was replaced before.
        """
        run, more = Rotation(self.master.open(), cache(self.key_named), actor, by), True
        with self.store.read() as session:
            total = run.left(session)
        while more:
            with self.store.write() as session:
                more = run.go_on(session, partial(self.store.tell, session))
            told(run.count, total)
        return run

    def key_named(self, name: str) -> MasterKey:
        """Return a master key.  Raises `Misconfigured` if no file here holds it."""
        return held(name, filter(None, (self.master, self.former)))

    def _key(self, session: Session, case_id: str, *, make: bool = False) -> bytes:
        row = session.get(EvidenceKey, case_id)
        if row is None and make:
            key, master = secrets.token_bytes(KEY_SIZE), self.key_named(in_force(session, self.master.open))
            wrapped, at = master.wrap(key, case_id.encode()), self.store.clock()
            session.add(EvidenceKey(case_id=case_id, master=master.name, wrapped=wrapped, made_at=at))
            return key
        if row is None or row.wrapped is None:
            raise EvidenceErased(case_id)
        return self.key_named(row.master).unwrap(row.wrapped, case_id.encode())

    def list(self, case_id: str, prefix: str = "") -> Sequence[EvidenceFile]:
        """Return the case's finished files, sorted by name; none of an erased case."""
        query = select(EvidenceFile).where(EvidenceFile.case_id == case_id, col(EvidenceFile.finished_at).is_not(None))
        with self.store.read() as session:
            rows = session.exec(query.where(col(EvidenceFile.erased_at).is_(None)).order_by(col(EvidenceFile.name)))
            return [row for row in rows if row.name.startswith(prefix)]


def _refuse_whole(row: EvidenceFile) -> None:
    if row.finished_at is not None:
        raise EvidenceError(f"{row.case_id}: {row.name} is whole already", "Give what comes later a name of its own.")


def _row(session: Session, case_id: str, name: str) -> EvidenceFile | None:
    return session.exec(
        select(EvidenceFile).where(EvidenceFile.case_id == case_id, EvidenceFile.name == name)
    ).one_or_none()


def _lock(key: bytes, row: EvidenceFile) -> ChunkCipher:
    return ChunkCipher(AESGCM(key), f"{row.case_id}/{row.id}/{row.name}".encode())
