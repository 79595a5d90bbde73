"""
Open a fresh trail and a fresh bundle with tools that are not ours, and see them refuse spoiled ones: `python -m
tests.audit.outside`.  The bundle's commands are those of docs/verify.md (`tests.audit.outside_bundle`).

Prints what ran and what did not.  Exit 1 if a tool judged wrongly, or if none in another language could run.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine

from audit import tables
from audit.events import EventType
from audit.export import export
from audit.keys import open_or_create
from audit.trail import Event, EventDraft, Trail
from tests.audit import outside_bundle

HERE = Path(__file__).parent
GO_PACKAGES = Path("/usr/share/gocode")


@dataclass(frozen=True, slots=True)
class Tool:
    """One independent implementation.  *missing* says what is not installed, None if all is there."""

    name: str
    command: tuple[str, ...]
    missing: Callable[[], str | None]
    foreign: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)

    def judge(self, vkey: Path, folder: Path) -> tuple[bool, str]:
        """Return the tool's verdict on an exported trail and its words."""
        ran = subprocess.run(
            [*self.command, str(vkey), str(folder)],
            capture_output=True, text=True, check=False, timeout=300,
            cwd=HERE.parent.parent, env=os.environ | dict(self.environment),
        )  # fmt: skip
        if ran.returncode != 0 and "rejected:" not in ran.stderr:  # a crash is no verdict
            raise RuntimeError(f"{self.name} did not run: {ran.stderr[-500:]}")
        return ran.returncode == 0, (ran.stdout + ran.stderr).strip()


def _without(program: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(program) else f"{program} is not installed"


def _without_go() -> str | None:
    if not shutil.which("go"):
        return "go is not installed (Debian: golang-go)"
    if not (GO_PACKAGES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        return "x/mod is not installed (Debian: golang-golang-x-mod-dev)"
    return None


PYTHON = Tool("Python, PyNaCl", (sys.executable, "-m", "tests.audit.open_checkpoint"), lambda: None, foreign=False)
NODE = Tool("Node, node:crypto", ("node", str(HERE / "open_checkpoint.mjs")), _without("node"))
GO = Tool(
    "Go, x/mod/sumdb",
    ("go", "run", str(HERE / "open_checkpoint.go")),
    _without_go,
    environment={"GO111MODULE": "off", "GOPATH": str(GO_PACKAGES), "GOFLAGS": ""},
)
TOOLS = (PYTHON, NODE, GO)


def fresh(folder: Path) -> tuple[Path, Path]:
    """Make a trail of 46 events in five cases and export it; return the vkey, as handed over apart, and the export."""
    engine = tables.prepare(create_engine(f"sqlite:///{folder / 'trail.db'}"))
    trail = Trail("lastday.hoshizora.example/audit/2026")
    with engine.begin() as connection:
        tables.create(connection)
        trail.append_many(connection, [_draft(n) for n in range(46)])
        export(connection, open_or_create(folder / "log.key", trail.origin), folder / "export")
    engine.dispose()
    return (folder / "export" / "log.vkey").rename(folder / "log.vkey"), folder / "export"


def _draft(n: int) -> EventDraft:
    fields = {"op": secrets.token_hex(16), "service": "slack", "kind": "session"}
    return EventDraft(
        Event(EventType.REVOKE_INTENT, f"case-{n % 5}", "svc:worker-1", fields), {"name": "田中 美咲", "n": n}
    )


def _spoil_lines(change: Callable[[list[bytes]], object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        lines = (folder / "entries.jsonl").read_bytes().splitlines(keepends=True)
        change(lines)
        (folder / "entries.jsonl").write_bytes(b"".join(lines))

    return spoil


def _edit(lines: list[bytes]) -> None:
    lines[20] = lines[20].replace(b'"kind":"session"', b'"kind":"sign_in"')


def _swap(lines: list[bytes]) -> None:
    lines[3], lines[4] = lines[4], lines[3]


def _shrink(folder: Path) -> None:
    """Cut the last entry off, and say so in the head without being able to sign it."""
    _spoil_lines(list.pop)(folder)
    head = (folder / "checkpoint").read_text("utf-8")
    (folder / "checkpoint").write_text(head.replace("\n46\n", "\n45\n", 1), "utf-8")


def _resign(folder: Path) -> None:
    """Sign a shortened log with a key of one's own that bears the log's name."""
    with tempfile.TemporaryDirectory() as other:
        _, theirs = fresh(Path(other))
        shutil.copytree(theirs, folder, dirs_exist_ok=True)


SPOILS: Mapping[str, Callable[[Path], None]] = {
    "a leaf edited": _spoil_lines(_edit),
    "the last leaf removed": _spoil_lines(list.pop),
    "removed, and the head rewritten": _shrink,
    "two leaves exchanged": _spoil_lines(_swap),
    "signed with another key": _resign,
}


def trial(tool: Tool, folder: Path) -> list[str]:
    """Return what *tool* judged wrongly: empty if it accepts the fresh trail and refuses each spoiled one."""
    vkey, exported = fresh(folder)
    accepted, words = tool.judge(vkey, exported)
    wrong = [] if accepted else [f"refuses a sound trail: {words}"]
    for name, spoil in SPOILS.items():
        spoiled = folder / name.replace(" ", "-")
        shutil.copytree(exported, spoiled)
        spoil(spoiled)
        if tool.judge(vkey, spoiled)[0]:
            wrong.append(f"accepts a trail with {name}")
    return wrong


def main() -> int:
    failed, foreign = False, 0
    for tool in TOOLS:
        missing = tool.missing()
        if missing is None:
            with tempfile.TemporaryDirectory() as folder:
                wrong = trial(tool, Path(folder))
            failed |= bool(wrong)
            foreign += tool.foreign
            verdict = "; ".join(wrong) or f"opens the trail, refuses {len(SPOILS)} spoiled ones"
        else:
            verdict = f"did not run: {missing}"
        sys.stdout.write(f"{tool.name:<20} {verdict}\n")
    with tempfile.TemporaryDirectory() as folder:
        for what, verdict in outside_bundle.judge(Path(folder)):
            failed |= verdict.startswith("WRONG")
            sys.stdout.write(f"{what:<52} {verdict}\n")
            sys.stdout.flush()
    if not foreign:
        sys.stdout.write("none in another language ran: nothing is shown\n")
    return 1 if failed or not foreign else 0


if __name__ == "__main__":
    sys.exit(main())
