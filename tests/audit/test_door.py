"""The auditor's own door, and tools that are not ours, on an exported log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.__main__ import main
from audit.appending import TrailError
from audit.events import EventType
from audit.export import export
from audit.keys import FileSigner, open_or_create
from audit.leaf import Event
from audit.trail import EventDraft, Trail
from tests.audit.outside import NODE, PYTHON, Tool, trial
from tests.audit.samples import ORIGIN, reference, seen
from tests.audit.test_check import tamper


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return open_or_create(tmp_path / "log.key", ORIGIN)


@pytest.fixture
def filled(engine: Engine, trail: Trail) -> Engine:
    with engine.begin() as connection:
        trail.append_many(connection, [EventDraft(seen(n), {"n": n}) for n in range(9)])
    return engine


class TestDoor:
    def test_check(self, filled: Engine, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A sound log: its name, size and root, and exit 0."""
        assert main(["check", "--database", url]) == 0
        assert capsys.readouterr().out.startswith(f"{ORIGIN}: 9 entries, root ")

    def test_broken(self, filled: Engine, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A changed log: the row and what is wrong with it, and exit 1."""
        tamper(filled, "UPDATE audit_payload SET payload = salt WHERE idx = 4")
        assert main(["check", "--database", url]) == 1
        assert "broken at row 4: its payload" in capsys.readouterr().err

    def test_held(
        self,
        filled: Engine,
        url: str,
        trail: Trail,
        signer: FileSigner,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """With a head that was kept, a log that was cut short is found."""
        with filled.begin() as connection:
            (tmp_path / "kept").write_bytes(trail.checkpoint(connection, signer))
        (tmp_path / "log.vkey").write_text(signer.verifier.vkey + "\n", "utf-8")
        held = ["--held", str(tmp_path / "kept"), "--vkey", str(tmp_path / "log.vkey")]
        assert main(["check", "--database", url, *held]) == 0
        tamper(filled, "DELETE FROM audit_payload WHERE idx = 8", "DELETE FROM audit_entry WHERE idx = 8")
        assert main(["check", "--database", url]) == 0
        assert main(["check", "--database", url, *held]) == 1
        assert "a head of 9 entries was signed" in capsys.readouterr().err
        assert main(["check", "--database", url, *held[:2]]) == 2

    def test_open_intents(self, filled: Engine, url: str, trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
        """One command lists the writes that were announced and never answered; exit 1 while there are any."""
        assert main(["open-intents", "--database", url]) == 0
        op = reference()
        with filled.begin() as connection:
            trail.append(connection, Event(EventType.REVOKE_INTENT, "case-2", "svc:flow", {"op": op}))
        assert main(["open-intents", "--database", url]) == 1
        assert capsys.readouterr().out.split("\t")[:3] == ["9", "case-2", op]
        assert main(["open-intents", "--database", url, "--case", "case-1"]) == 0

    def test_checkpoint(
        self, filled: Engine, url: str, signer: FileSigner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The signed head goes to standard output and nothing else does."""
        assert main(["checkpoint", "--database", url, "--key", str(tmp_path / "log.key")]) == 0
        out = capsys.readouterr().out
        assert out.split("\n")[:2] == [ORIGIN, "9"]
        assert out.endswith("=\n")

    def test_export(self, filled: Engine, url: str, signer: FileSigner, tmp_path: Path) -> None:
        """Three files, one leaf a line; the independent reader opens them."""
        assert main(["export", "--database", url, "--key", str(tmp_path / "log.key"), str(tmp_path / "out")]) == 0
        assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["checkpoint", "entries.jsonl", "log.vkey"]
        assert PYTHON.judge(tmp_path / "out" / "log.vkey", tmp_path / "out")[0]

    @pytest.mark.parametrize(
        "arguments",
        [
            ["check", "--database", "not a url"],
            ["check", "--database", "mysql://root:secret@localhost/x"],
            ["check", "--database", "postgresql+psycopg://auditor:p@ss:secret@h/x"],
            ["check", "--database", "sqlite:////nowhere/trail.db"],
            ["check", "--database", "postgresql+psycopg://auditor:secret@127.0.0.1:1/x"],
        ],
    )
    def test_bad_database(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """A database that cannot be read: exit 2, without its address or password."""
        assert main(arguments) == 2
        told = capsys.readouterr()
        assert told.err.startswith("trail: cannot read the database")
        assert "secret" not in told.out + told.err

    def test_no_tables(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A database without a log is bad input, and stays as it was."""
        (tmp_path / "other.db").write_bytes(b"")
        assert main(["check", "--database", f"sqlite:///{tmp_path / 'other.db'}"]) == 2
        assert (tmp_path / "other.db").read_bytes() == b""

    def test_no_key(self, filled: Engine, url: str, tmp_path: Path) -> None:
        """Without the key nothing is signed, and none is made."""
        assert main(["checkpoint", "--database", url, "--key", str(tmp_path / "none.key")]) == 2
        assert not (tmp_path / "none.key").exists()

    def test_empty(
        self, engine: Engine, url: str, signer: FileSigner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """An empty log is sound, but there is no name to sign it under."""
        assert main(["check", "--database", url]) == 0
        assert main(["checkpoint", "--database", url, "--key", str(tmp_path / "log.key")]) == 2
        assert "the log is empty" in capsys.readouterr().err

    def test_spoiled_first_leaf(self, filled: Engine, url: str, signer: FileSigner, tmp_path: Path) -> None:
        """A first leaf that is none is a broken log, not bad input."""
        tamper(filled, "UPDATE audit_entry SET leaf = nodes WHERE idx = 0")
        assert main(["checkpoint", "--database", url, "--key", str(tmp_path / "log.key")]) == 1

    def test_carried_away(self, filled: Engine, url: str, tmp_path: Path) -> None:
        """The room works alone: copied elsewhere, without the rest of the house."""
        source = Path(__file__).parent.parent.parent / "audit"
        (tmp_path / "away" / "audit").mkdir(parents=True)
        for file in source.glob("*.py"):
            (tmp_path / "away" / "audit" / file.name).write_bytes(file.read_bytes())
        ran = subprocess.run(
            [sys.executable, "-P", "-c", _ALONE, "check", "--database", url],
            cwd=tmp_path / "away", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, "")


_ALONE = """
import sys
sys.path.insert(0, ".")
from audit.__main__ import main
code = main()
ours = {"casework", "cli", "connectors", "emulators", "flows", "models", "portal", "prefect", "sqlmodel", "pydantic"}
assert not ours & sys.modules.keys()
assert "away" in sys.modules["audit"].__file__ or sys.modules["audit"].__file__.startswith("./")
sys.exit(code)
"""


class TestExport:
    def test_hashes_differ(self, filled: Engine, signer: FileSigner, tmp_path: Path) -> None:
        """Leaves that are not those that were hashed are not signed for."""
        tamper(filled, "UPDATE audit_entry SET nodes = (SELECT nodes FROM audit_entry WHERE idx = 6) WHERE idx = 8")
        with filled.begin() as connection, pytest.raises(TrailError, match="not those that were hashed"):
            export(connection, signer, tmp_path / "out")
        assert not (tmp_path / "out" / "checkpoint").exists()

    def test_again(self, filled: Engine, trail: Trail, signer: FileSigner, tmp_path: Path) -> None:
        """A later export replaces the earlier one whole."""
        for size in (9, 10):
            with filled.begin() as connection:
                assert export(connection, signer, tmp_path / "out").size == size
                trail.append(connection, seen())
        assert len((tmp_path / "out" / "entries.jsonl").read_bytes().splitlines()) == 10


class TestOutside:
    @pytest.mark.parametrize(
        "tool",
        [
            pytest.param(
                tool,
                id=tool.name,
                marks=[pytest.mark.xfail(reason=str(tool.missing()), run=False)] if tool.missing() else [],
            )
            for tool in (PYTHON, NODE)
        ],
    )
    def test_judges_rightly(self, tool: Tool, tmp_path: Path) -> None:
        """An implementation that shares no line with ours opens the log, and refuses each spoiled one."""
        assert trial(tool, tmp_path) == []
