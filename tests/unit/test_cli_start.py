"""The terminal's settings, files, log and start, as far as they need no tenant."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest
from pydantic_settings import BaseSettings

from casework.policy import Policy, load_policy
from casework.settings import CaseworkSettings
from cli.app import app_for, main
from connectors import google_workspace, microsoft365, slack
from stack import processes
from stack.environments import settings_here
from tests.terminal_house import House
from tests.unit.test_cli_cases import CHECKOUT, ONE_PERSON


class TestTrail:
    def test_sound(self, house: House) -> None:
        """The whole log is recomputed, and said to be sound."""
        house.one_case()
        checked = house.json("trail", "check")
        assert checked["sound"]
        assert checked["entries"] == 2  # the case, and the notice that opened it

    def test_continues_what_was_kept(self, house: House) -> None:
        """A checkpoint that was kept is held against the log with a key from another hand."""
        house.one_case()
        head = house.file("head", house.json("trail", "checkpoint")["checkpoint"])
        key = house.file("key", house.json("migrate")["trail_key"])
        house.one_case(number="E1002")
        assert house.json("trail", "check", "--held", head, "--vkey", key)["sound"]

    def test_export(self, house: House) -> None:
        """The export holds what other tools need."""
        house.one_case()
        assert house.json("trail", "export", "out")["entries"] == 2
        assert {file.name for file in (house.directory / "out").iterdir()} == {
            "checkpoint",
            "entries.jsonl",
            "log.vkey",
        }

    def test_follow(self, house: House) -> None:
        """Each receiver is given each event once, one JSON object a line, and its own; what is new since, the next time."""
        house.one_case()
        first = [
            json.loads(line)
            for line in house.lastday("trail", "follow", "--as", "siem", "--batch", "1").out.splitlines()
        ]
        assert [(one["epoch"], one["index"], one["event"]["type"]) for one in first] == [
            ("", 0, "case.opened"), ("", 1, "case.noticed"),
        ]  # fmt: skip
        assert "田中" not in json.dumps(first, ensure_ascii=False)
        assert house.lastday("trail", "follow", "--as", "siem").out == ""
        house.one_case(number="E1002")
        assert [
            json.loads(line)["index"] for line in house.lastday("trail", "follow", "--as", "siem").out.splitlines()
        ] == [2, 3]
        assert len(house.lastday("trail", "follow", "--as", "soc").out.splitlines()) == 4

    def test_follow_repeats_what_was_not_passed_on(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """An output that fails before the lines are flushed moves no cursor: the same events come again."""
        house.one_case()
        full = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(full, "flush", Mock(side_effect=OSError(28, "No space left on device")))
            patch.setattr(sys, "stdout", full)
            assert main(["trail", "follow", "--as", "siem"]) == 2
        assert len(full.getvalue().splitlines()) == 2
        assert len(house.lastday("trail", "follow", "--as", "siem").out.splitlines()) == 2

    def test_no_open_intents(self, house: House) -> None:
        """Nothing was announced, nothing is open."""
        assert house.json("trail", "open-intents") == {"open_intents": []}

    def test_key_readable_by_others(self, house: House) -> None:
        """A key that others may read signs nothing."""
        house.one_case()
        (house.directory / "keys" / "log.key").chmod(0o644)
        assert "0644" in house.json("trail", "checkpoint", code=2)["error"]

    def test_held_without_key(self, house: House) -> None:
        """A kept checkpoint proves nothing without the key that signed it."""
        assert house.lastday("trail", "check", "--held", house.file("head", "x")).code == 2


class TestSettings:
    def test_old_schema(self, house: House) -> None:
        """An empty database is refused with the command that mends it."""
        (house.directory / "lastday.db").write_bytes(b"")
        assert house.json("show", code=2)["remedy"] == "Run `lastday migrate`."

    @pytest.mark.parametrize("verb", ["show", "sweep", "doctor", "depart"])
    def test_mistyped_database(self, house: House, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
        """A path that names no file is refused, and no empty database is made in its place; `migrate` alone makes one."""
        monkeypatch.setenv("LASTDAY_DATABASE_URL", f"sqlite:///{house.directory}/elsewhere/lastdya.db")
        said = house.lastday(verb, "--json", *(ONE_PERSON if verb == "depart" else ()))
        assert said.code == 2
        assert "lastdya.db" in said.out + said.err
        assert "Correct the path; for a new database, run `lastday migrate`." in said.out + said.err
        assert not (house.directory / "elsewhere").exists()
        assert house.lastday("migrate").code == 0
        assert (house.directory / "elsewhere" / "lastdya.db").exists()

    def test_a_case_that_cannot_be_shown(self, house: House) -> None:
        """A row that no version of ours wrote is told as what it is, a fault of the database's: by its field, without its value."""
        case = house.one_case()
        with closing(sqlite3.connect(house.directory / "lastday.db")) as database:
            database.execute("UPDATE notice SET row = 'written by hand'")
            database.commit()
        said = house.json("show", case, code=1)
        assert said["error"].startswith("database: its content cannot be read as CaseView: notices.0.row: ")
        assert "settings" not in said["error"]
        assert "by hand" not in said["error"]
        assert "lastday trail check" in said["remedy"]

    @pytest.mark.parametrize("verb", ["show", "migrate", "doctor", "up"])
    @pytest.mark.parametrize("url", ["oracle://u:secret@h/d", "postgresql+psycopg://u:p@ss:secret@h/d", "secret"])
    def test_unusable_database(self, house: House, monkeypatch: pytest.MonkeyPatch, url: str, verb: str) -> None:
        """A wrong address is told in a sentence, without its password or a piece of it."""
        monkeypatch.setenv("LASTDAY_DATABASE_URL", url)
        said = house.lastday(verb, "--json")
        assert said.code == 2
        assert "secret" not in said.out + said.err

    def test_env_file_that_is_not_utf8(self, house: House) -> None:
        """A `.env` in another encoding stops with a sentence that names it."""
        (house.directory / ".env").write_bytes("# 設定\n".encode("cp932"))
        (house.directory / ".env").chmod(0o600)
        for verb in ("show", "doctor", "sweep", "up", "migrate"):
            assert ".env" in house.lastday(verb).err, verb
            assert house.lastday(verb).code == 2, verb

    def test_wrong_policy_key(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A typing error in the policy is never a rule silently off."""
        monkeypatch.setenv("LASTDAY_POLICY_FILE", house.file("policy.toml", "[cut]\nprecut_second = 3\n"))
        assert "precut_second" in house.json("show", code=2)["error"]

    def test_missing_credentials(self, house: House) -> None:
        """Where no service can be opened nothing is begun: the answer names the first missing setting."""
        assert set(house.json("run", house.one_case(), code=2)) == {"error", "remedy"}

    def test_doctor_names_what_is_missing(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """The doctor names each missing setting, and goes on to the other checks."""
        monkeypatch.setenv("LASTDAY_SERVICES", "slack")
        found = house.json("doctor", code=2)
        assert [(row["check"], row["state"]) for row in found["checks"]][:3] == [
            ("database", "ok"),
            ("policy", "ok"),
            ("trail key", "ok"),
        ]
        (slack_row,) = found["services"]
        assert slack_row["state"] == "missing"
        assert "LASTDAY_SLACK_TOKEN" in slack_row["detail"]

    def test_doctor_on_evidence(self, house: House) -> None:
        """A key of evidence that cannot be used is amber, with its remedy: it holds up no cut."""
        house.file("keys/evidence.key", "no key")
        (house.directory / "keys" / "evidence.key").chmod(0o600)
        (row,) = [row for row in house.json("doctor", code=2)["checks"] if row["check"] == "evidence"]
        assert (row["state"], bool(row["detail"]), bool(row["remedy"])) == ("amber", True, True)

    def test_doctor_lists_each_connection(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A further tenant of a vendor has a row of its own, with the names of its own settings."""
        monkeypatch.setenv("LASTDAY_SERVICES", "slack,slack.acquired")
        first, further = house.json("doctor", code=2)["services"]
        assert (first["service"], further["service"], further["connection"]) == ("slack", "slack", "slack.acquired")
        assert "LASTDAY_SLACK_ACQUIRED_TOKEN" in further["detail"]

    @pytest.mark.parametrize("named", ["slack,slack", "slack.Acquired"])
    def test_no_connection(self, house: House, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
        """A service that is named twice, or that is none, stops every verb and is told with its setting."""
        monkeypatch.setenv("LASTDAY_SERVICES", named)
        assert "LASTDAY_SERVICES" in house.json("show", code=2)["error"]

    def test_retires_a_connection(self, house: House) -> None:
        """A further tenant is retired by its id; what is no id is refused."""
        asked = house.json("retire", "slack.acquired", "--reason", "merged", "--as", "taro")
        assert (asked["service"], asked["connection"]) == ("slack", "slack.acquired")
        refused = house.lastday("retire", "acquired", "--reason", "merged", "--as", "taro")
        assert (refused.code, "is no connection" in " ".join(refused.err.split())) == (2, True)


class TestFiles:
    def test_policy_example_is_the_default(self) -> None:
        """The example says what holds without it, line by line."""
        assert load_policy(CHECKOUT / "policy.toml") == Policy()
        text = (CHECKOUT / "policy.toml").read_text(encoding="utf-8").replace("\n# ", "\n").partition("\n\n")[2]
        shown = tomllib.loads(text)
        for section, values in Policy().model_dump(mode="json").items():
            assert set(shown[section]) == set(values), section
        del shown["protected"], shown["blast_radius"]["headcount"]
        assert Policy.model_validate(shown) == Policy()

    @pytest.mark.parametrize("waits", [[], [60, 0], [-1]])
    def test_a_case_with_findings_waits_before_its_next_try(self, waits: list[float]) -> None:
        """Without a wait a vendor that is down would be asked twice a second, and without any no run could end."""
        with pytest.raises(ValueError, match="again_seconds"):
            Policy.model_validate({"sweep": {"again_seconds": waits}})

    @pytest.mark.parametrize(
        "settings", [CaseworkSettings, google_workspace.Settings, slack.Settings, microsoft365.Settings]
    )
    def test_env_example_names_every_setting(self, settings: type[BaseSettings]) -> None:
        """Whoever copies the example has seen every setting."""
        text = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
        prefix = str(settings.model_config["env_prefix"])
        names = {
            str(field.validation_alias) if field.validation_alias else f"{prefix}{name}".upper()
            for name, field in settings.model_fields.items()
        }
        assert {name for name in names if f"{name}=" not in text} == set()


class TestStart:
    @pytest.mark.parametrize(
        ("words", "told", "waited_for"),
        [("--help", "depart", set()), ("depart --help", "--csv", {"sqlalchemy", "sqlmodel"})],
    )
    def test_help_imports_nothing_heavy(self, words: str, told: str, waited_for: set[str]) -> None:
        """Asking for help waits neither for Prefect, nor for an SDK, nor, unless it is a verb's, for the database."""
        heavy = {"prefect", "msgraph", "googleapiclient", "slack_sdk", "sqlalchemy", "sqlmodel"}
        code = f"import sys\nfrom cli.app import main\nmain({words.split()})\nsys.stderr.write(' '.join(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
        assert told in done.stdout
        assert heavy & set(done.stderr.split()) <= waited_for

    @pytest.mark.parametrize(
        "words",
        [
            ("show", "\udcff"), ("show", "--as", "\udcff"), ("\udcff",), ("verify", "--trust", ".", "a\udcffb"),
            ("up", "--port", "65536"), ("up", "--port", "-1"), ("tenants", "--port", "70000"),
            ("verify", ".", "--trust", ".", "--longest-lag", "1e300"),
            ("verify", ".", "--trust", ".", "--longest-lag", "nan"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_taken_is_a_sentence(self, house: House, words: tuple[str, ...]) -> None:
        """Bytes that are no text, ports that are none and spans beyond every date end in exit code 2, not in a traceback."""
        said = house.lastday(*words)
        assert said.code == 2
        assert said.err.startswith("lastday: ")

    def test_every_verb_speaks_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        """--json and --as belong to every verb."""
        app = app_for({str(command.name) for command in app_for(()).registered_commands})
        verbs = [[str(command.name)] for command in app.registered_commands]
        for group in app.registered_groups:
            assert group.typer_instance is not None
            verbs += [[str(group.name), str(command.name)] for command in group.typer_instance.registered_commands]
        for words in verbs:
            assert main([*words, "--help"]) == 0
            told = capsys.readouterr().out
            assert "--json" in told
            assert "--as" in told

    def test_interrupted(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ctrl-C ends a verb without a traceback."""

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("cli.show.cases_and_pauses", interrupted)
        assert house.lastday("show").code == 130


class TestUp:
    def test_slow(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A start that takes longer than its limit ends with a sentence that names the log, and leaves no process behind."""
        flows = house.directory / "checkout" / "flows"
        flows.mkdir(parents=True)
        sleeps = "import pathlib, os, time\npathlib.Path(__file__).with_suffix('.pid').write_text(str(os.getpid()))\ntime.sleep(60)\n"
        answers = (
            "import http.server as h, os\n"
            "class Well(h.BaseHTTPRequestHandler):\n"
            "    def do_GET(self): self.send_response(200), self.end_headers()\n"
            "h.HTTPServer(('127.0.0.1', int(os.environ['PREFECT_SERVER_API_PORT'])), Well).serve_forever()\n"
        )
        for name, code in (("__init__", ""), ("api_server", answers), ("worker", sleeps), ("deploy", sleeps)):
            (flows / f"{name}.py").write_text(code)
        monkeypatch.setattr(processes, "_READY_WITHIN", 4.0)
        monkeypatch.setattr(processes, "CHECKOUT", flows.parent)
        said = house.lastday("up", "--port", "0", "--home", "prefect", "--json")
        assert said.code == 2
        assert said.json["error"].startswith("deploy: not ready after 4 s, see ")
        assert "log" in said.json["remedy"]
        for name in ("worker", "deploy"):
            with pytest.raises(ProcessLookupError):
                os.kill(int((flows / f"{name}.pid").read_text()), 0)

    def test_the_processes_get_the_settings_of_this_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What `.env` says here holds for the server's children too, wherever they work: paths become absolute."""
        monkeypatch.chdir(tmp_path)
        for name in [name for name in os.environ if name.startswith("LASTDAY_")]:
            monkeypatch.delenv(name)
        (tmp_path / ".env").write_text("LASTDAY_DATABASE_URL=sqlite:///cases.db\nLASTDAY_POLICY_FILE=policy.toml\n")
        here = settings_here()
        assert here["LASTDAY_DATABASE_URL"] == f"sqlite:///{tmp_path}/cases.db"
        assert here["LASTDAY_POLICY_FILE"] == f"{tmp_path}/policy.toml"
        assert here["LASTDAY_AUDIT_KEY_FILE"] == f"{tmp_path}/var/keys/log.key"
