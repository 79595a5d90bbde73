"""
The Japanese texts of the product, each held against SmartHR's rules of writing by textlint: `python -m tests.textlint`.

Prints each finding by file and key; exit 1 if there is one.  Where there is no node, or its packages cannot be installed, it says that
nothing was checked, and exits with 0: nothing else here needs node.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / ".ci" / "textlint"
JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
WHOLE = re.compile(r"。|(?:です|ます|ません|でした|ました|ください)$")
"""What makes a text a sentence; any other is a label or a part of a sentence, and has no full stop."""
ENGLISH = frozenset({"en", "remedy_en"})
LEFT = {
    "X 御中": "the pledge's address: pledges that are out are compared by their words, and would be taken back for a blank",
}
"""Texts that stay as they are, with the reason."""


class Text(NamedTuple):
    """A text of ours, and the file and key or line at which it stands."""

    place: str
    text: str


def texts() -> Iterator[Text]:
    """Yield every line of Japanese that lastday says or that its documentation has."""
    for path in (*ROOT.glob("casework/messages/*.toml"), ROOT / "cli/sentences.toml", ROOT / "portal/words.toml"):
        yield from _of_toml(str(path.relative_to(ROOT)), tomllib.loads(path.read_text(encoding="utf-8")))
    for path in (*ROOT.glob("audit/**/*.py"), *ROOT.glob("portal/**/*.py"), *ROOT.glob("rehearsal/*.py")):
        yield from _of_python(path)
    for path in (*ROOT.glob("portal/record/templates/*.ja.txt"), *ROOT.glob("casework/nda/templates/*.ja.txt.j2")):
        yield from _of_lines(path, r"\s{2,}")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        yield from _of_lines(path, r" \| |^\| | \|$")


def _of_toml(place: str, value: object) -> Iterator[Text]:
    match value:
        case str():
            # a parameter after the last full stop stands for sentences of their own
            yield from (Text(place, re.sub("(?<=。)X$", "", "".join(_filled(line)))) for line in value.splitlines())
        case list():
            yield from _of_toml(place, value[-1])  # English, Japanese
        case Mapping():
            for key, below in value.items():
                if key not in ENGLISH:
                    yield from _of_toml(f"{place}: {key}" if ":" not in place else f"{place}.{key}", below)


def _filled(template: str) -> Iterator[str]:
    """Yield the parts of a sentence with something in place of its parameters: a day, a number or a name."""
    for text, name, spec, _ in Formatter().parse(template):
        yield text
        if name is not None:
            yield "2026-11-30" if "%" in (spec or "") else "3" if spec else "X"


def _of_python(path: Path) -> Iterator[Text]:
    parts: set[ast.AST] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts.update(node.values)
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            text = node.value
        else:
            continue
        yield from (Text(f"{path.relative_to(ROOT)}:{node.lineno}", line) for line in text.splitlines())


def _of_lines(path: Path, between: str) -> Iterator[Text]:
    """Yield what stands in a text's columns, those that are mostly English left out."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        plain = re.sub(r"\{\{.*?\}\}", "X", re.sub(r"\{%.*?%\}", "", line))
        for cell in re.split(between, plain.strip()):
            if len(JAPANESE.findall(cell)) > len(re.findall(r"[A-Za-z]", cell)):
                yield Text(f"{path.relative_to(ROOT)}:{number}", cell.strip())


def findings(checked: Sequence[Text]) -> Iterator[str]:
    """Yield what textlint finds in each text, one a line of a page: a sentence as a paragraph, all others as entries of a list."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "texts.md"
        page.write_text("\n\n".join(("" if WHOLE.search(one.text) else "- ") + one.text for one in checked), "utf-8")
        ran = _run("node_modules/.bin/textlint", "--format", "json", str(page))
    if ran.returncode not in {0, 1}:
        raise RuntimeError(f"textlint did not run: {ran.stderr[-2000:]}")
    for found in json.loads(ran.stdout)[0]["messages"]:
        one = checked[found["line"] // 2]
        yield f"{one.place}: {found['message'].splitlines()[0]} ({found['ruleId']})\n    {one.text}"


def _lacking() -> str | None:
    """Say why textlint cannot run; its packages are installed where they are not."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "node is not installed"
    installed, lock = PACKAGES / "node_modules" / ".package-lock.json", PACKAGES / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return None
    return None if _run("npm", "ci", "--ignore-scripts").returncode == 0 else "npm ci failed in .ci/textlint"


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, check=False)


def main() -> int:
    """Check every text, and print what was found."""
    if lacking := _lacking():
        sys.stdout.write(f"The Japanese texts were not checked: {lacking}.\n")
        return 0
    checked = [one for one in texts() if JAPANESE.search(one.text) and one.text not in LEFT]
    found = [*findings(checked)]
    sys.stdout.write("\n".join((*found, f"{len(checked)} Japanese texts, {len(found)} findings\n")))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
