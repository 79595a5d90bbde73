"""The evidence store: what it keeps, what it refuses, what an erasure leaves."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pytest
import zstandard
from sqlmodel import select

from audit.trail import Trail
from casework.errors import (
    EvidenceDamaged,
    EvidenceErased,
    EvidenceError,
    EvidenceLocked,
    EvidenceMissing,
    Misconfigured,
)
from casework.evidence import chunks as chunk_form
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.store import Store, open_engine
from models.tables import EvidenceFile, EvidenceKey

CASE = "case-0011223344556677"
NAME = "downloads/drive.jsonl.zst"


@dataclass
class Vault:
    """An evidence store in a folder of its own, with a look at its disk."""

    evidence: EvidenceStore

    def path(self, name: str) -> Path:
        with self.evidence.store.read() as session:
            row = session.exec(select(EvidenceFile).where(EvidenceFile.name == name)).one()
        return self.evidence.folder / CASE / row.id

    def read(self, name: str) -> bytes:
        with self.evidence.open(CASE, name) as clear:
            return clear.read()


@pytest.fixture
def vault(tmp_path: Path, empty_database: Path) -> Iterator[Vault]:
    shutil.copy(empty_database, tmp_path / "case.db")
    engine = open_engine(f"sqlite:///{tmp_path}/case.db")
    store = Store(engine, Trail(origin="test.example/audit/2026"))
    yield Vault(EvidenceStore(store, tmp_path / "evidence", KeyFile(tmp_path / "keys" / "evidence.key", lambda: True)))
    engine.dispose()


class TestSaving:
    @pytest.mark.parametrize("size", [0, 1, chunk_form.CHUNK, 2 * chunk_form.CHUNK + 7])
    def test_comes_back(self, vault: Vault, size: int) -> None:
        """What was saved is read back byte for byte, whatever its size, and its digests are those of the clear bytes."""
        content = hashlib.shake_256(b"paper").digest(size)
        stored = vault.evidence.save(CASE, "papers/pledge.pdf", content)
        assert vault.read("papers/pledge.pdf") == content
        assert (stored.sha256, stored.clear_size) == (hashlib.sha256(content).hexdigest(), size)
        assert vault.evidence.leaf_of(stored)["content_sha256"] == stored.sha256

    def test_twice(self, vault: Vault) -> None:
        """The same bytes again are the same evidence; other bytes under the same name are refused."""
        first = vault.evidence.save(CASE, "papers/a.pdf", b"one")
        assert vault.evidence.save(CASE, "papers/a.pdf", b"one").id == first.id
        with pytest.raises(EvidenceError, match="another"):
            vault.evidence.save(CASE, "papers/a.pdf", b"two")
        assert vault.read("papers/a.pdf") == b"one"

    def test_disk_tells_nothing(self, vault: Vault) -> None:
        """Neither the content nor the name of a paper can be read from the disk."""
        vault.evidence.save(CASE, "papers/hoshi.pdf", b"the pledge of a person " * 100)
        files = [path for path in vault.evidence.folder.rglob("*") if path.is_file()]
        assert files
        assert all(b"pledge" not in path.read_bytes() and "hoshi" not in path.name for path in files)

    def test_interrupted(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        """A saving that broke off leaves nothing that could be taken for evidence, and may be done again."""

        def broken(*_: object, **__: object) -> None:
            raise OSError("disk")

        with monkeypatch.context() as patch:
            patch.setattr(chunk_form.GrowingFile, "end", broken)
            with pytest.raises(OSError, match="disk"):
                vault.evidence.save(CASE, "papers/a.pdf", b"half of it")
        with pytest.raises(EvidenceMissing):
            vault.evidence.open(CASE, "papers/a.pdf")
        vault.evidence.save(CASE, "papers/a.pdf", b"whole")
        assert vault.read("papers/a.pdf") == b"whole"

    def test_list(self, vault: Vault) -> None:
        """The list holds whole files, by name."""
        for name in ("b.json", "a.json"):
            vault.evidence.save(CASE, name, name.encode())
        with vault.evidence.grow(CASE, "c.json") as growing:
            growing.append(b"not whole")
        assert [stored.name for stored in vault.evidence.list(CASE)] == ["a.json", "b.json"]


class TestGrowing:
    def test_resumes_at_the_committed_page(self, vault: Vault) -> None:
        """A page that was written and not committed is gone after a crash; the committed ones stand, once each."""
        pages = [zstandard.compress(f"page {n}\n".encode()) for n in range(4)]
        with vault.evidence.grow(CASE, NAME) as growing:
            for page in pages[:2]:
                growing.append(page)
            with vault.evidence.store.write() as session:
                growing.keep(session)
            growing.append(b"lost with its writer")
        with vault.evidence.grow(CASE, NAME) as growing:
            for page in pages[2:]:
                growing.append(page)
            stored = vault.evidence.finish(growing)
        assert vault.read(NAME) == b"".join(pages)
        clear = b"page 0\npage 1\npage 2\npage 3\n"
        assert stored.content_sha256 == hashlib.sha256(clear).hexdigest()

    def test_goes_on_behind_the_last_committed_page(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever comes while another writer commits its last page goes on behind that page, and cuts nothing off."""

        def write(page: bytes) -> None:
            with vault.evidence.grow(CASE, "a.txt") as growing:
                growing.append(page)
                with vault.evidence.store.write() as session:
                    growing.keep(session)

        def late(path: Path) -> BinaryIO:
            monkeypatch.undo()
            write(b"two ")
            return chunk_form._open_alone(path)

        write(b"one ")
        monkeypatch.setattr(chunk_form, "_open_alone", late)
        write(b"three")
        with vault.evidence.grow(CASE, "a.txt") as growing:
            vault.evidence.finish(growing)
        assert vault.read("a.txt") == b"one two three"

    def test_one_writer(self, vault: Vault) -> None:
        """Two writers of one file never meet."""
        with vault.evidence.grow(CASE, NAME), pytest.raises(EvidenceLocked), vault.evidence.grow(CASE, NAME):
            pytest.fail("a second writer was let in")

    def test_whole_files_do_not_grow(self, vault: Vault) -> None:
        """What is whole stays as it is."""
        vault.evidence.save(CASE, "a.json", b"{}")
        with pytest.raises(EvidenceError, match="whole"), vault.evidence.grow(CASE, "a.json"):
            pytest.fail("a whole file was opened for writing")


def _flip(raw: bytearray) -> None:
    raw[-20] ^= 1


def _cut_last(raw: bytearray) -> None:
    del raw[-(1 + 4 + 12 + 16) :]


def _cut_within(raw: bytearray) -> None:
    del raw[-5:]


def _lengthen(raw: bytearray) -> None:
    raw += b"\x00"


def _swap(raw: bytearray) -> None:
    """Exchange the first two chunks, which are of one length."""
    start, size = len(chunk_form.MAGIC), 1 + 4 + 12 + 16 + chunk_form.CHUNK
    raw[start : start + 2 * size] = raw[start + size : start + 2 * size] + raw[start : start + size]


def _repeat(raw: bytearray) -> None:
    start, size = len(chunk_form.MAGIC), 1 + 4 + 12 + 16 + chunk_form.CHUNK
    raw[start:start] = raw[start : start + size]


def _other_magic(raw: bytearray) -> None:
    raw[0] ^= 1


class TestTampering:
    @pytest.mark.parametrize("harm", [_flip, _cut_last, _cut_within, _lengthen, _swap, _repeat, _other_magic])
    def test_is_seen(self, vault: Vault, harm: object) -> None:
        """A byte changed, the end cut off, chunks reordered, repeated or added: none of it is read as evidence."""
        vault.evidence.save(CASE, "a.bin", bytes(3 * chunk_form.CHUNK))
        path = vault.path("a.bin")
        raw = bytearray(path.read_bytes())
        harm(raw)  # type: ignore[operator]  # each of them takes a bytearray
        path.write_bytes(raw)
        with pytest.raises(EvidenceDamaged):
            vault.read("a.bin")

    def test_exchanged_files(self, vault: Vault) -> None:
        """One file of a case does not pass for another."""
        vault.evidence.save(CASE, "a.bin", b"aa")
        vault.evidence.save(CASE, "b.bin", b"bb")
        shutil.copy(vault.path("a.bin"), vault.path("b.bin"))
        with pytest.raises(EvidenceDamaged):
            vault.read("b.bin")

    def test_lost_file(self, vault: Vault) -> None:
        """A file that is gone from the disk is said to be missing."""
        vault.evidence.save(CASE, "a.bin", b"aa")
        vault.path("a.bin").unlink()
        with pytest.raises(EvidenceMissing):
            vault.evidence.open(CASE, "a.bin")


class TestErasure:
    def test_takes_everything(self, vault: Vault) -> None:
        """After an erasure neither the files nor copies of them can be read, and nothing new is kept for the case."""
        vault.evidence.save(CASE, "a.bin", b"aa")
        copy = vault.path("a.bin").read_bytes()
        assert vault.evidence.erase(CASE) == 1
        assert not (vault.evidence.folder / CASE).exists()
        (vault.evidence.folder / CASE).mkdir()
        vault.path("a.bin").write_bytes(copy)
        for attempt in (lambda: vault.evidence.open(CASE, "a.bin"), lambda: vault.evidence.save(CASE, "b", b"b")):
            with pytest.raises(EvidenceErased):
                attempt()
        assert vault.evidence.list(CASE) == []
        assert vault.evidence.erase(CASE) == 0

    def test_before_the_first_file(self, vault: Vault) -> None:
        """A case that had no evidence when it was erased gets none afterwards."""
        assert vault.evidence.erase(CASE) == 0
        with pytest.raises(EvidenceErased):
            vault.evidence.save(CASE, "a.bin", b"aa")

    def test_leaves_no_key_behind(self, vault: Vault, tmp_path: Path) -> None:
        """The wrapped key is not left in the database's free pages."""
        vault.evidence.save(CASE, "a.bin", b"aa")
        with vault.evidence.store.read() as session:
            wrapped = session.get_one(EvidenceKey, CASE).wrapped
        assert wrapped
        vault.evidence.erase(CASE)
        with vault.evidence.store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        assert wrapped not in (tmp_path / "case.db").read_bytes()


class TestMasterKey:
    def test_made_once(self, tmp_path: Path) -> None:
        """The first use makes the key, 0600; every later one finds it, and none shows it."""
        key = KeyFile(tmp_path / "deep" / "evidence.key", lambda: True)
        name = key.open().name
        assert key.path.stat().st_mode & 0o777 == 0o600
        assert KeyFile(key.path, lambda: True).open().name == name
        assert key.path.read_text().strip() not in f"{key!r} {key.open()!r}"

    @pytest.mark.parametrize(("content", "mode"), [("00" * 32, 0o640), ("00" * 31, 0o600), ("zz", 0o600), ("", 0o600)])
    def test_refused(self, tmp_path: Path, content: str, mode: int) -> None:
        """A key that others can read, or that is none, is not used."""
        path = tmp_path / "evidence.key"
        path.write_text(content)
        path.chmod(mode)
        with pytest.raises(Misconfigured):
            KeyFile(path, lambda: True).check()

    def test_gone(self, tmp_path: Path) -> None:
        """A key that is gone while evidence lies under it is missed, and no other one is made in its place."""
        path = tmp_path / "evidence.key"
        key = KeyFile(path, lambda: False)
        for attempt in (key.check, key.open):
            with pytest.raises(Misconfigured, match="gone"):
                attempt()
        assert not path.exists()

    def test_on_first_use(self, tmp_path: Path) -> None:
        """A check makes no key; the first wrapping does, however many come first at once."""
        path = tmp_path / "evidence.key"
        key = KeyFile(path, lambda: True)
        key.check()
        assert not path.exists()
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(lambda _: KeyFile(path, lambda: True).open().name, range(16)))) == 1
        assert key.open().unwrap(key.open().wrap(b"k" * 32, b"case"), b"case") == b"k" * 32

    def test_another_one(self, vault: Vault, tmp_path: Path) -> None:
        """Whoever holds another master key than the evidence's is told which one is missing, and wraps nothing under theirs."""
        vault.evidence.save(CASE, "a.bin", b"aa")
        stranger = replace(vault.evidence, master=KeyFile(tmp_path / "other.key", lambda: True))
        for attempt in (lambda: stranger.open(CASE, "a.bin"), lambda: stranger.save("case-2", "a.bin", b"aa")):
            with pytest.raises(Misconfigured, match=vault.evidence.master.open().name):
                attempt()
        with vault.evidence.store.read() as session:
            assert session.get(EvidenceKey, "case-2") is None

    def test_exchanged_rows(self, vault: Vault) -> None:
        """A case's wrapped key opens nothing for another case, and one that was changed opens nothing at all."""
        for case in (CASE, "case-2"):
            vault.evidence.save(case, "a.bin", b"aa")
        with vault.evidence.store.write() as session:
            session.get_one(EvidenceKey, "case-2").wrapped = session.get_one(EvidenceKey, CASE).wrapped
        with pytest.raises(EvidenceDamaged, match="not as"):
            vault.evidence.open("case-2", "a.bin")
