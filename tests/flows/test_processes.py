"""Local processes end with the one who started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pytest

from audit.secret_files import UnsafeFile
from stack.environments import environment, environment_of
from stack.prefect_api import api_key
from stack.processes import CHECKOUT, Stack, StackFailed, _alone_in, _own_port, local_stack

STARTER = """
import signal, subprocess, time
from stack.processes import watched_group
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it runs in the background, tests too
gone = subprocess.DEVNULL
with watched_group() as group:
    subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 300 & wait; wait"], stdout=gone, stderr=gone, process_group=group)
    print(group, flush=True)
    time.sleep(300)
"""


def group_alive(group: int) -> bool:
    """Whether any process of *group* is there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def ends(group: int) -> bool:
    """Whether *group* ends, and is reaped, within a minute: the watchdog gives it five seconds, a loaded machine takes more."""
    deadline = time.monotonic() + 60
    while group_alive(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not group_alive(group)


class TestWatchdog:
    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
    def test_starter_ends(self, how: signal.Signals) -> None:
        """However a starter ends, it leaves no process behind, not even one that ignores SIGTERM, nor that one's child."""
        starter = [sys.executable, "-c", STARTER]
        with subprocess.Popen(
            starter, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as parent:
            assert parent.stdout is not None
            group = int(parent.stdout.readline())
            assert group_alive(group)
            parent.send_signal(how)
        assert ends(group)


class TestEnvironment:
    def test_own_prefect(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A developer's own Prefect, its profile and its cloud are left out; the caller's settings come along."""
        monkeypatch.setenv("PREFECT_API_KEY", "secret")
        monkeypatch.setenv("PREFECT_PROFILE", "mine")
        given = environment(tmp_path, 4200, {"LASTDAY_SERVICES": "slack"})
        assert "PREFECT_API_KEY" not in given
        assert "PREFECT_PROFILE" not in given
        assert given["PREFECT_HOME"] == str(tmp_path)
        assert given["LASTDAY_SERVICES"] == "slack"

    def test_free_port(self) -> None:
        """Two stacks on one machine do not meet."""
        with socket.create_server(("127.0.0.1", _own_port(0))) as first:
            assert _own_port(0) != first.getsockname()[1]


class TestPlace:
    def test_taken(self, tmp_path: Path) -> None:
        """A port that somebody holds already is refused before anything is started, and the holder is told nothing."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(1)
            with (
                pytest.raises(StackFailed, match=r"cannot be used: Address already in use$"),
                local_stack(tmp_path, listener.getsockname()[1]),
            ):
                pass
            with pytest.raises(TimeoutError):
                listener.accept()

    @pytest.mark.parametrize("home", ["file", "file/below"])
    def test_no_folder(self, tmp_path: Path, home: str) -> None:
        """A folder that cannot be made or written is named, with the option that takes another one."""
        (tmp_path / "file").touch()
        with pytest.raises(StackFailed, match=f"{home}: cannot be used: ") as told, local_stack(tmp_path / home):
            pass
        assert "--home" in told.value.remedy

    def test_twice(self, tmp_path: Path) -> None:
        """A folder is one stack's, on whatever port: two servers on one SQLite database lose what they write."""
        with _alone_in(tmp_path):
            with pytest.raises(StackFailed, match="is in use by another"), local_stack(tmp_path):
                pass
            assert list(tmp_path.glob("api.key")) == []
        with _alone_in(tmp_path):
            pass

    def test_key_is_not_shown_to_a_stranger(self, tmp_path: Path) -> None:
        """Whether our server answers is asked without the key: another may have taken the port first."""
        stack = Stack(tmp_path, 4200, {})
        with stack.client(with_key=False) as client:
            assert client.auth is None
        with stack.client() as client:
            assert client.auth is not None


class TestKey:
    def test_made_once(self, tmp_path: Path) -> None:
        """The key is made on first use, for its owner's eyes, and is the same ever after."""
        key = api_key(tmp_path / "api.key")
        name, _, secret = key.partition(":")
        assert (name, len(secret) >= 40) == ("lastday", True)
        assert (tmp_path / "api.key").stat().st_mode & 0o777 == 0o600
        assert api_key(tmp_path / "api.key") == key

    def test_open_to_others(self, tmp_path: Path) -> None:
        """A key that others may read starts nothing."""
        api_key(tmp_path / "api.key")
        (tmp_path / "api.key").chmod(0o640)
        with pytest.raises(UnsafeFile, match="0640"):
            api_key(tmp_path / "api.key")
        with pytest.raises(StackFailed, match="0640"):
            Stack(tmp_path, 4200, {})


class TestEnvironmentOf:
    ENV: ClassVar[dict[str, str]] = {
        "PATH": "/bin",
        "PREFECT_API_AUTH_STRING": "lastday:secret",
        "LASTDAY_DATABASE_URL": "sqlite:///x",
        "LASTDAY_SLACK_TOKEN": "reads",
        "LASTDAY_MICROSOFT365_WRITE_CLIENT_SECRET": "writes",
    }

    def test_server(self) -> None:
        """Prefect's server asks for the key, and is told nothing of ours."""
        assert environment_of("server", self.ENV) == {
            "PATH": "/bin",
            "PREFECT_SERVER_API_AUTH_STRING": "lastday:secret",
        }

    def test_deploy(self) -> None:
        """Who deploys brings the key and needs nothing else."""
        assert environment_of("deploy", self.ENV) == {"PATH": "/bin", "PREFECT_API_AUTH_STRING": "lastday:secret"}

    def test_watch(self) -> None:
        """Who only looks has no credential that revokes."""
        missing = self.ENV.keys() - environment_of("watch", self.ENV).keys()
        assert missing == {"LASTDAY_MICROSOFT365_WRITE_CLIENT_SECRET"}

    @pytest.mark.parametrize("process", ["worker", "serve"])
    def test_cuts(self, process: str) -> None:
        """Who cuts has all."""
        assert environment_of(process, self.ENV) == self.ENV


class TestUnguarded:
    @pytest.mark.parametrize("key", [None, "", "nocolon", ":", "lastday:", f":{'x' * 40}", f"lastday:{'x' * 19}"])
    def test_no_key(self, tmp_path: Path, key: str | None) -> None:
        """A server without a key is not started: exit code 2, and what to set."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        env |= {"PREFECT_HOME": str(tmp_path)} | ({"PREFECT_SERVER_API_AUTH_STRING": key} if key is not None else {})
        run = [sys.executable, "-m", "flows.api_server"]
        done = subprocess.run(run, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, "PREFECT_SERVER_API_AUTH_STRING" in done.stderr) == (2, True)
        assert list(tmp_path.glob("*.db")) == []


class TestStart:
    @pytest.mark.parametrize("module", ["flows.worker", "flows.serve", "flows.watch"])
    def test_open_file(self, tmp_path: Path, module: str) -> None:
        """A process of ours does not start while others may read its secrets: exit code 2, and the command that mends it."""
        key = tmp_path / "key.json"
        key.touch(mode=0o600)
        key.chmod(0o644)
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "LASTDAY_"))}
        env |= {
            "PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": "http://127.0.0.1:9/api", "PYTHONPATH": str(CHECKOUT),
            "LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE": str(key),
        }  # fmt: skip
        run = [sys.executable, "-m", module]
        done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, f"chmod 600 {key}" in done.stderr) == (2, True)
