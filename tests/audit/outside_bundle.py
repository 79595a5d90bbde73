"""
The commands of docs/verify.md, taken from the page itself, run on a fresh bundle and on the twelve forged ones.

A block is what stands between ```bash and ```; the words after `bash` are the programs that it needs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audit import certificate_keys
from audit.trusted_root import chain_of, trusted_root
from tests.audit.attacks import ATTACKS, attacked
from tests.audit.house import exported

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs/verify.md"
_BLOCK = re.compile(r"^### Step (\d+)|^```bash ([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
JQ = shutil.which("jq") is not None
"""It is installed by the machine, not by requirements.lock: without it the documented lines of a test are not run, and its own assertions are."""
_PLACES = {"go": Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")}
"""What a program needs beside itself."""


@dataclass(frozen=True, slots=True)
class Block:
    """One step's lines, and the *tools* that they need."""

    step: int
    tools: tuple[str, ...]
    lines: str

    @property
    def missing(self) -> list[str]:
        return [tool for tool in self.tools if not shutil.which(tool) or not _PLACES.get(tool, ROOT).exists()]

    def holds(self, folder: Path, prelude: str) -> tuple[bool, str]:
        """Run the lines where `bundle/` and `trust/` lie; return whether all went well, and the last words."""
        script = f"LASTDAY={ROOT}\n{prelude}\n{self.lines}"
        ran = subprocess.run(
            ["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False, timeout=300
        )
        return ran.returncode == 0, (ran.stderr or ran.stdout)[-300:].strip()


def blocks(page: str) -> tuple[str, list[Block]]:
    """Return the prelude and the steps' blocks in the page's order."""
    prelude, step, found = "", 0, []
    for heading, tools, lines in _BLOCK.findall(page):
        if heading:
            step = int(heading)
        elif tools == "prelude":
            prelude = lines
        else:
            found.append(Block(step, tuple(tools.split()), lines))
    return prelude, found


def judge(folder: Path) -> Iterator[tuple[str, str]]:
    """
    Give (what, verdict) lines; a verdict that begins with `WRONG` is one.

    A tool that is not installed is told, and what no other block of its step covers is told too.
    """
    prelude, listed = blocks(PAGE.read_text("utf-8"))
    house, bundle, trust = exported(folder / "sound")
    (trust / "trusted_root.json").write_bytes(trusted_root(chain_of(house.stamped(b""), [house.authority.papers.root])))
    assert (trust / "case.pub.pem").read_bytes() == certificate_keys.public_pem(house.case_key.public_key)
    runnable = [block for block in listed if not block.missing]
    for block in listed:
        if block.missing:
            yield f"step {block.step}", f"did not run: {', '.join(block.missing)} is not installed"
    for block in runnable:
        held, words = block.holds(folder / "sound", prelude)
        verdict = "holds" if held else f"WRONG: refuses a sound bundle: {words}"
        yield f"step {block.step} with {', '.join(block.tools)}", verdict
    began = house.clock()
    for number, name in enumerate(ATTACKS):
        place = folder / f"attack-{number}"
        shutil.copytree(trust, place / "trust")
        attacked(house, bundle, name, place / "bundle")
        house.clock.now = began
        noticed = {block.step for block in runnable if not block.holds(place, prelude)[0]}
        expected = ATTACKS[name].steps & {block.step for block in runnable}
        missed = expected - noticed
        told = f"noticed by steps {', '.join(map(str, sorted(noticed)))}"
        yield name, told if noticed and not missed else f"WRONG: not noticed by {sorted(missed) or 'any step'}"
