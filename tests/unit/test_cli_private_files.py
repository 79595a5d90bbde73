"""Files that others may read, at the terminal: refused before anything happens; and what verbs write is nobody else's."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from unittest.mock import AsyncMock

import pytest
from typer.main import get_command

from casework.view.downloads import Downloads
from casework.view.reading.case import case_view
from cli import contexts
from cli.app import app_for
from rehearsal.environment import rehearsal
from tests.terminal_house import House

SECRET = "xoxp-not-to-be-told"
CASE = "case-0000000000000000"
PERSON = ("--employee-no", "E1", "--name", "田中", "--employment-ends-on", "2026-11-20")
PERIOD = ("--from", "2026-11-01", "--to", "2026-11-30")
VERBS = (
    ("depart", *PERSON), ("leave", "--employee-no", "E1", "--name", "田中", "--last-working-at", "2026-11-20"),
    ("return", CASE), ("reschedule", CASE, "--ends-on", "2026-12-01"), ("withdraw", CASE, "--reason", "r"),
    ("plan", CASE), ("run", CASE), ("show",), ("sweep",), ("restore", CASE, "--reason", "r"), ("evidence", CASE),
    ("answer", "q", "--none"), ("approve", "w"), ("attest", CASE, "e", "--statement", "s"),
    ("waive", CASE, "e", "--reason", "r", "--until", "2027-03-31", "--compensating", "c"),
    ("population", *PERIOD), ("export", CASE, "out"), ("hold", CASE, "--reason", "r"), ("erase", CASE, "--basis", "retention", "--yes"),
    ("pause", "--everything", "--reason", "r"), ("resume", "pause-0", "--reason", "r"),
    ("retire", "slack", "--reason", "r"), ("migrate",), ("up", "--port", "0"), ("anchor",), ("anchor", "clear", "--reason", "r"),
    ("anchor", "close-log", "lastday.x/audit/2027"), ("anchor", "begin-log", "lastday.db"),
    ("nda", "check", CASE), ("nda", "show", CASE), ("nda", "pledge", CASE), ("nda", "pledge", CASE, "--file", "p.pdf"),
    ("nda", "refuse", CASE, "--witness", "S", "--on", "2026-11-20"), ("nda", "accept", CASE, "folder:out", "--reason", "r"),
    ("nda", "answer", CASE, "usefulness", "--text", "t"),
    ("trail", "check"), ("trail", "checkpoint"), ("trail", "open-intents"), ("trail", "export", "out"),
    ("trail", "follow", "--as", "siem"), ("health",),
    ("keys", "list"), ("keys", "new", "k"), ("keys", "new", "k", "--evidence"), ("keys", "rotate-evidence"), ("keys", "announce"), ("keys", "retire", "vkey"), ("keys", "compromised", "vkey", "--since", "2026-11-22T09:00:00+09:00"),
)  # fmt: skip
GROUPS = {"nda", "trail", "keys", "anchor"}
UNASKED = {"doctor", "verify", "verify-population", "tenants", "demo"}
"""They need none of the house's secrets; the doctor tells instead of stopping."""


@pytest.fixture
def env_file(house: House) -> Path:
    """A `.env` with a secret, readable by everybody."""
    path = Path(house.file(".env", f"LASTDAY_SLACK_TOKEN={SECRET}\n"))
    path.chmod(0o644)
    return path


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Whatever is made by the umask alone is everybody's."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def not_ours(patch: pytest.MonkeyPatch) -> None:
    """Let every file here be another user's, for root as for anybody."""
    patch.setattr(os, "geteuid", lambda: 4242)


class TestVerbs:
    def test_all_are_tried(self) -> None:
        """Whoever adds a verb says whether it opens the database or a service."""
        verbs, names = set(), vars(get_command(app_for(())))["commands"]
        for name, command in vars(get_command(app_for(names)))["commands"].items():
            verbs |= {f"{name} {sub}" for sub in vars(command).get("commands", ())} or {name}
        tried = {" ".join(words[: 1 + (words[0] in GROUPS)]) for words in VERBS}
        assert verbs - UNASKED == tried - {"anchor"}

    @pytest.mark.parametrize("words", VERBS, ids=" ".join)
    def test_refused(
        self, house: House, env_file: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
    ) -> None:
        """Each verb that opens the database or a service exits with 2, names path, mode and remedy, and does nothing."""
        for name in ("cli.operation.local_stack", "cli.run.reachable", "cli.contexts.reachable"):
            monkeypatch.setattr(name, None)  # nothing is started, and Prefect is not asked
        before = {path: path.read_bytes() for path in house.directory.rglob("*") if path.is_file()}
        said = house.lastday(*words, "--json")
        assert said.code == 2
        assert said.json == {
            "error": "files: cannot go on: others may read or change .env (mode 0644)",
            "remedy": "Run `chmod 600 .env`.",
        }
        assert SECRET not in said.out + said.err
        assert {path: path.read_bytes() for path in house.directory.rglob("*") if path.is_file()} == before

    def test_after_chmod(self, house: House) -> None:
        """A database of an earlier version, readable by everybody, is refused; once it is closed, its cases are there."""
        house.one_case()
        (house.directory / "lastday.db").chmod(0o644)
        assert f"chmod 600 {house.directory / 'lastday.db'}" in house.json("show", code=2)["remedy"]
        (house.directory / "lastday.db").chmod(0o600)
        assert len(house.json("show")["cases"]) == 1

    def test_not_ours(self, house: House, env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is not ours to change is a warning on standard error, once however often the verb opens the database."""
        env_file.chmod(0o600)
        case = house.one_case()
        env_file.chmod(0o640)
        not_ours(monkeypatch)
        said = house.lastday("nda", "check", case, "--json")
        assert (said.code, said.json["case"]) == (1, case)  # 1: nothing is signed
        assert said.err.count("warning: others may read or change .env (mode 0640)") == 1
        assert "chmod 600 .env" in said.err
        assert "warning" in house.lastday("show").err, "each verb says it"

    def test_half_way(self, house: House, env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A mode that changes while a verb is under way stops it no more than it stops a run."""
        env_file.chmod(0o600)
        monkeypatch.setattr("casework.nda.checking.check", AsyncMock(side_effect=lambda *_: env_file.chmod(0o644)))
        assert house.lastday("nda", "check", house.one_case()).code == 1
        assert house.lastday("show").code == 2

    def test_doctor_lists_all(self, house: House, env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The doctor is not stopped: a row for every file, "failed" for ours, "amber" for what is not ours to change."""
        key = Path(house.file("google.json", "{}"))
        monkeypatch.setenv("LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE", str(key))
        monkeypatch.setenv("LASTDAY_SERVICES", "google_workspace")
        key.chmod(0o640)
        paths = {f"file: {path}" for path in (".env", key, house.directory / "lastday.db")}
        (house.directory / "lastday.db").chmod(0o604)
        for state in ("failed", "amber"):
            found = house.json("doctor", code=2)  # 2: the key is none
            rows = {row["check"]: row for row in found["checks"] if row["check"].startswith("file")}
            assert rows.keys() == paths
            assert {row["state"] for row in rows.values()} == {state}
            assert all("mode 06" in row["detail"] and "chmod 600" in row["remedy"] for row in rows.values())
            assert next(row for row in found["checks"] if row["check"] == "database")["state"] == "ok"
            not_ours(monkeypatch)

    def test_doctor_finds_none(self, house: House) -> None:
        """Without such a file the doctor says so."""
        rows = [row for row in house.json("doctor", code=2)["checks"] if row["check"].startswith("file")]
        assert [(row["check"], row["state"]) for row in rows] == [("files", "ok")]

    @pytest.mark.parametrize(
        "words",
        [
            ("verify", "nowhere", "--trust", "."),
            ("tenants", "--port", "70000"),
            ("show", "--help"),
            ("--help",),
        ],
        ids=" ".join,
    )
    def test_untouched(self, house: House, env_file: Path, words: tuple[str, ...]) -> None:
        """Auditors who verify, tenants that are emulated, and whoever asks for help, need none of the house's secrets."""
        with_open_files = house.lastday(*words)
        env_file.chmod(0o600)
        assert house.lastday(*words) == with_open_files
        assert "chmod" not in with_open_files.out + with_open_files.err

    def test_rehearsal(self, house: House, env_file: Path) -> None:
        """A rehearsal beside somebody's `.env` goes on, and when it is over the verbs look again."""
        with rehearsal(house.directory / "rehearsal" / "demo"):
            assert house.lastday("migrate").code == 0
            assert contexts.in_context(lambda context: context.actor) == contexts.ACTOR
        assert house.lastday("show").code == 2


class TestEvidence:
    @pytest.mark.parametrize(("verdict", "code"), [("unusual", 0), (None, 1)])
    def test_exits_by_what_is_known(
        self, house: House, monkeypatch: pytest.MonkeyPatch, verdict: Literal["unusual"] | None, code: int
    ) -> None:
        """Logs that were read whole, of which no summary can be read, are not in order."""
        case = house.one_case()
        looked = contexts.in_context(lambda context: case_view(context, case))
        shown = looked.model_copy(update={"downloads": Downloads(state="collected", verdict=verdict)})
        monkeypatch.setattr("cli.show.look", lambda *_, **__: shown)
        house.json("evidence", case, code=code)


class TestWritten:
    @pytest.mark.parametrize("earlier", [False, True], ids=["new", "over an earlier one"])
    def test_of_its_owner_alone(self, house: House, no_umask: None, earlier: bool) -> None:
        """Sheets, statements, a picture and the exported log: nobody else can read them, whatever the umask and what was there."""
        names = ("case.svg", "sheet.csv", "sheet.csv.sigstore.json")
        for name in names if earlier else ():
            Path(house.file(name, "x" * 100_000)).chmod(0o666)
        case = house.one_case()
        house.json("show", case, "--picture", "case.svg")
        house.json("population", *PERIOD, "--csv", "sheet.csv", code=1)  # 1: the case is open
        house.json("trail", "export", "log")
        made = [house.directory / name for name in names] + list((house.directory / "log").iterdir())
        assert {path.name: oct(mode(path)) for path in made} == dict.fromkeys((path.name for path in made), "0o600")
        assert (house.directory / "case.svg").read_text().rstrip().endswith("</svg>"), (
            "nothing of the earlier one is left"
        )
        assert mode(house.directory / "log") == 0o700
        assert len(made) == 6

    def test_pledge(self, house: House, no_umask: None, monkeypatch: pytest.MonkeyPatch) -> None:
        """So is the pledge that is printed to be signed by hand."""
        monkeypatch.delenv("LASTDAY_NDA_REGISTERS", raising=False)
        house.json("nda", "pledge", house.one_case(ends_on="2099-12-31"), "--file", "pledge.pdf")
        assert mode(house.directory / "pledge.pdf") == 0o600

    def test_into_a_pipe(self, house: House) -> None:
        """What is no file is written to as it is."""
        reading, writing = os.pipe()
        house.json("show", house.one_case(), "--picture", f"/dev/fd/{writing}")
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            assert pipe.read().startswith(b"<svg")
