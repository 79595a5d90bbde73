"""Files that are private from their first byte on."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.secret_files import create, rewrite


@pytest.fixture(autouse=True)
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestCreate:
    def test_new(self, tmp_path: Path) -> None:
        """A new file is its owner's alone before anything stands in it."""
        with create(tmp_path / "a") as file:
            assert mode(tmp_path / "a") == 0o600
            file.write(b"x")
        assert (tmp_path / "a").read_bytes() == b"x"

    @pytest.mark.parametrize("link", [False, True])
    def test_never_over_another(self, tmp_path: Path, link: bool) -> None:
        """Neither an existing file nor a link that leads nowhere is written through."""
        if link:
            (tmp_path / "a").symlink_to(tmp_path / "b")
        else:
            (tmp_path / "a").touch()
        with pytest.raises(FileExistsError):
            create(tmp_path / "a")
        assert not (tmp_path / "b").exists()


class TestRewrite:
    def test_new(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A new one is closed when it is made, not afterwards."""
        monkeypatch.setattr(os, "fchmod", lambda *_: None)
        rewrite(tmp_path / "a").close()
        assert mode(tmp_path / "a") == 0o600

    def test_earlier_one(self, tmp_path: Path) -> None:
        """One that others could read is closed to them and emptied before anything is written."""
        (tmp_path / "a").write_bytes(b"earlier")
        (tmp_path / "a").chmod(0o666)
        with rewrite(tmp_path / "a") as file:
            assert (mode(tmp_path / "a"), (tmp_path / "a").read_bytes()) == (0o600, b"")
            file.write(b"x")
        assert (tmp_path / "a").read_bytes() == b"x"

    def test_of_another_user(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that we may write and not close is left as it is: nobody's data goes into it."""

        def refused(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        (tmp_path / "a").write_bytes(b"theirs")
        monkeypatch.setattr(os, "fchmod", refused)
        with pytest.raises(PermissionError):
            rewrite(tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == b"theirs"
