"""A house for one test: an empty directory with a migrated database, and the terminal to speak to it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.app import main

TODAY = "2026-11-20"


@dataclass(frozen=True, slots=True)
class Said:
    """What one verb said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer; raises if standard output holds anything besides JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class House:
    """*directory* is the current one; `lastday(...)` runs a verb in this process."""

    directory: Path
    capsys: pytest.CaptureFixture[str]

    def lastday(self, *words: str) -> Said:
        """Run a verb as the console script does."""
        self.capsys.readouterr()
        code = main(words)
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)

    def json(self, *words: str, code: int = 0) -> Any:
        """Run a verb with --json, hold it to its exit code, return its answer."""
        said = self.lastday(*words, "--json")
        assert said.code == code, (said.code, said.out[-1500:], said.err[-500:])
        return said.json

    def file(self, name: str, content: str | bytes) -> str:
        """Write a file and return its path."""
        path = self.directory / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def one_case(self, *words: str, number: str = "E1001", ends_on: str = TODAY) -> str:
        """Report one departure and return its case."""
        answer = self.json(
            "depart",
            "--employee-no",
            number,
            "--name",
            "田中 美咲",
            "--employment-ends-on",
            ends_on,
            *(() if "--kind" in words else ("--kind", "resignation")),
            *words,
        )
        case: str = answer["cases"][0]["case"]
        return case

    def sizes(self) -> dict[str, int]:
        """Return the number of rows of each table, the trail's included."""
        with closing(sqlite3.connect(self.directory / "lastday.db")) as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608  # the schema's own names


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a migrated database and a trail key, made once."""
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, folder)
        assert main(["migrate", "--json"]) == 0
    return folder


@pytest.fixture
def house(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> House:
    """A fresh house without any tenant."""
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    settle(monkeypatch, tmp_path)
    return House(tmp_path, capsys)


def settle(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Lead settings and current directory to *folder*, and nothing from the developer's machine into the test."""
    patch.chdir(folder)
    for name in ("PREFECT_API_URL", "LASTDAY_POLICY_FILE", "LASTDAY_SERVICES", "LC_ALL", "LC_MESSAGES"):
        patch.delenv(name, raising=False)
    patch.setenv("LANG", "C.UTF-8")
    patch.setenv("LASTDAY_LANGUAGE", "en")
    patch.setenv("LASTDAY_DATABASE_URL", f"sqlite:///{folder / 'lastday.db'}")
    patch.setenv("LASTDAY_AUDIT_KEY_FILE", str(folder / "keys" / "log.key"))
    patch.setenv("LASTDAY_EVIDENCE_FOLDER", str(folder / "evidence"))
    patch.setenv("LASTDAY_EVIDENCE_KEY_FILE", str(folder / "keys" / "evidence.key"))
