"""The signing key's file: made once, read by its owner alone, told to nobody."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from audit.keys import KeyRefused, open_key, open_or_create
from audit.note import NoteError
from audit.secret_files import write_once
from tests.audit.samples import ORIGIN


class TestFirstUse:
    def test_made(self, tmp_path: Path) -> None:
        """The file appears with mode 0600 and nothing beside it; the next use finds the same key."""
        first = open_or_create(tmp_path / "log.key", ORIGIN)
        assert stat.S_IMODE((tmp_path / "log.key").stat().st_mode) == 0o600
        assert [file.name for file in tmp_path.iterdir()] == ["log.key"]
        assert open_or_create(tmp_path / "log.key", ORIGIN).verifier == first.verifier

    def test_many_at_once(self, tmp_path: Path) -> None:
        """Several first users end with one key."""
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: open_or_create(tmp_path / "log.key", ORIGIN).verifier, range(16)))
        assert len(set(found)) == 1

    def test_never_over_another(self, tmp_path: Path) -> None:
        """A file that is there already is never replaced, not even by a creator who did not see it."""
        first = open_or_create(tmp_path / "log.key", ORIGIN)
        with pytest.raises(FileExistsError):
            write_once(tmp_path / "log.key", b"another")
        assert open_key(tmp_path / "log.key", ORIGIN).verifier == first.verifier

    def test_signs(self, tmp_path: Path) -> None:
        """What it signs, its verifier accepts, and nothing else."""
        signer = open_or_create(tmp_path / "log.key", ORIGIN)
        assert signer.verifier.verifies(b"text", signer.sign(b"text"))
        assert not signer.verifier.verifies(b"other", signer.sign(b"text"))


class TestRefused:
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o700])
    def test_wider_mode(self, tmp_path: Path, mode: int) -> None:
        """A key that others may read is no longer a key."""
        open_or_create(tmp_path / "log.key", ORIGIN)
        (tmp_path / "log.key").chmod(mode)
        with pytest.raises(KeyRefused, match=f"{mode:04o}"):
            open_or_create(tmp_path / "log.key", ORIGIN)

    def test_link(self, tmp_path: Path) -> None:
        """A symbolic link is not followed, and nothing is made where it points."""
        (tmp_path / "log.key").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(KeyRefused):
            open_or_create(tmp_path / "log.key", ORIGIN)
        assert not (tmp_path / "elsewhere").exists()

    def test_missing(self, tmp_path: Path) -> None:
        """Who asks for an existing key gets no new one."""
        with pytest.raises(KeyRefused, match="cannot open"):
            open_key(tmp_path / "log.key", ORIGIN)

    def test_folder(self, tmp_path: Path) -> None:
        """Only a regular file holds a key."""
        with pytest.raises(KeyRefused):
            open_key(tmp_path, ORIGIN)

    def test_other_owner(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that belongs to another user is refused."""
        open_or_create(tmp_path / "log.key", ORIGIN)
        monkeypatch.setattr(os, "geteuid", lambda: 4_242_424)
        with pytest.raises(KeyRefused, match="another user"):
            open_key(tmp_path / "log.key", ORIGIN)

    def test_other_content(self, tmp_path: Path) -> None:
        """Neither a text nor a key of another kind is used."""
        other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for content in (b"not a key", other):
            (tmp_path / "log.key").write_bytes(content)
            (tmp_path / "log.key").chmod(0o600)
            with pytest.raises(KeyRefused, match="not an"):
                open_key(tmp_path / "log.key", ORIGIN)

    def test_name(self, tmp_path: Path) -> None:
        """A name that cannot stand in a note makes no key."""
        with pytest.raises(NoteError):
            open_or_create(tmp_path / "log.key", "a b")
        assert not list(tmp_path.iterdir())


class TestSecrecy:
    def test_repr(self, tmp_path: Path) -> None:
        """The key stands in no repr: it tells the name alone."""
        assert repr(open_or_create(tmp_path / "log.key", ORIGIN)) == f"FileSigner(name={ORIGIN!r})"
