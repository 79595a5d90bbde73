"""Every command that a page, a message or a remedy names exists, takes these options, and README's own run in their order."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.app import app_for, main
from tests.terminal_house import House

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "policy.toml",
    ROOT / ".env.example",
)
ROOMS = ("casework", "cli", "connectors", "flows", "portal", "rehearsal", "stack")
_INLINE = re.compile(r"`(lastday [^`]+)`")
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SKIP = re.compile(r"VENDOR|^var/|service|rig_|…")
_QUOTED = re.compile(r'"[^"]*"')
_UNKNOWN = re.compile(r"[…<{]|VERB|%s")


def in_prose(text: str) -> Iterator[str]:
    """Yield what stands between backticks, up to where a placeholder of a program begins."""
    yield from _INLINE.findall(text)


def in_blocks(text: str) -> Iterator[str]:
    """Yield the commands of the blocks of a page, one by one, without their remarks."""
    for block in _BLOCK.findall(text):
        for line in block.splitlines():
            yield from (part.strip() for part in re.split(r"&&|\|", line.partition(" #")[0]) if part.strip())


def named() -> dict[str, set[str]]:
    """Return each command of ours that is named anywhere, with the files that name it."""
    found: dict[str, set[str]] = defaultdict(set)
    for page in filter(Path.exists, PAGES):
        text = page.read_text()
        for one in (*in_prose(text), *in_blocks(text)):
            if one.startswith("lastday "):
                found[one].add(page.name)
    for file in (one for room in ROOMS for one in sorted((ROOT / room).rglob("*.*")) if one.suffix in {".py", ".toml"}):
        for one in in_prose(file.read_text()):
            found[one].add(str(file.relative_to(ROOT)))
    return found


def wrong_in(command: str) -> str | None:
    """Return what is wrong with a command: an unknown verb or option, or a word too many; None if it can be called."""
    words = shlex.split(_UNKNOWN.split(_QUOTED.sub("text", command.removeprefix("lastday ")))[0])
    verb: Any = typer.main.get_command(app_for(words))
    while hasattr(verb, "commands") and words and not words[0].startswith("-"):
        if words[0] not in verb.commands:
            return f"no verb {words[0]}"
        verb = verb.commands[words.pop(0)]
    options = {name: one for one in verb.params for name in (*one.opts, *one.secondary_opts) if name.startswith("-")}
    most = sum(one.nargs if one.nargs > 0 else 99 for one in verb.params if one.param_type_name == "argument")
    taken, rest = 0, iter(words)
    for word in rest:
        name, _, value = word.partition("=")
        if not word.startswith("-"):
            taken += 1
        elif name != "--help" and name not in options:
            return f"no option {name}"
        elif name != "--help" and not value and not options[name].is_flag:
            next(rest, None)
    return None if taken <= most else f"takes {most} words"


class TestCommands:
    def test_each_exists_with_its_options(self) -> None:
        """A page, a message or a remedy names no verb, option or word that the terminal does not take."""
        wrong = {
            f"{command} ({', '.join(sorted(files))})": why
            for command, files in named().items()
            if (why := wrong_in(command))
        }
        assert wrong == {}

    def test_something_is_named(self) -> None:
        """The search for them finds what it is meant to find."""
        assert {"lastday doctor", "lastday show CASE", "lastday health"} <= named().keys()
        assert len(named()) > 80

    @pytest.mark.parametrize(
        "wrong",
        ["lastday shout CASE", "lastday show CASE --colour", "lastday show CASE OTHER THIRD", "lastday trail eat"],
    )
    def test_a_wrong_one_is_seen(self, wrong: str) -> None:
        """The rule above fails for a verb, an option or a word too many."""
        assert wrong_in(wrong) is not None


class TestReadme:
    def test_runs_in_its_order(self, house: House) -> None:
        """
        What README says of daily use is done as it stands there, with a case of its own.  Refused are only those that have to be: the
        doctor names what is not set here, and an open case is exported on demand alone.  `up` has tests of its own.
        """
        house.file(
            "departures.csv",
            "employee_no,name,email,employment_ends_on,kind\nE1,田中 美咲,m@example.test,2026-06-30,resignation\n",
        )
        house.file("hr.csv", "employee_no,name,employment_ends_on\nE1,田中 美咲,2026-06-30\n")
        text = (ROOT / "README.md").read_text()
        commands = [one for one in in_blocks(text[text.index("## In use") :]) if one.startswith("lastday ")]
        assert len(commands) >= 12
        case, ran = "", list[tuple[str, int]]()
        for command in commands:
            if command == "lastday up" or " QUESTION " in command or "verify" in command:
                continue
            words = shlex.split(command.replace("CASE", case or "CASE").replace(" DIR", " record"))[1:]
            if words[0] == "depart":
                case = house.json(*words)["cases"][0]["case"]
            else:
                ran.append((command, main(words)))
        refused = {command for command, code in ran if code not in {0, 1}}
        assert refused == {"lastday doctor", "lastday export CASE DIR"}


class TestPaths:
    @pytest.mark.parametrize(
        "page", ["CONTRIBUTING.md", "README.md", "docs/architecture.md", "docs/add-a-connector.md"]
    )
    def test_each_exists(self, page: str) -> None:
        """A page names no file or folder that is not there; VENDOR and the like stand for any."""
        text = (ROOT / page).read_text()
        named = set(re.findall(r"`((?:[a-z_]+/)+[\w.]*)`", text)) | set(re.findall(r"`([\w]+\.(?:toml|yaml))`", text))
        linked = {
            str(((ROOT / page).parent / link).resolve().relative_to(ROOT))
            for link in re.findall(r"\]\(((?!http)[^)#]+)[^)]*\)", text)
        }
        rooms = {one.name for one in ROOT.iterdir()}
        here = {one for one in named if one.split("/")[0] in rooms} | linked
        assert {one for one in here if not _SKIP.search(one) and not (ROOT / one).exists()} == set()

    def test_tables_of_rooms(self) -> None:
        """Each file or folder of architecture.md's table of rooms is in the room of its row."""
        table = (
            (ROOT / "docs" / "architecture.md").read_text().partition("### The other rooms")[2].partition("\n## ")[0]
        )
        room, missing, named = "", list[str](), 0
        for row in re.findall(r"^\| (?:`(\w+)/`)? ?\| ([^|]+) \|", table, re.MULTILINE):
            room = row[0] or room
            for one in re.findall(r"`([\w./]+)`", row[1]):
                named += 1
                missing += [] if (ROOT / room / one).exists() else [f"{room}/{one}"]
        assert (missing, named > 30) == ([], True)
