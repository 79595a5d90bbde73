"""Local processes end with the one who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.processes import CHECKOUT, LocalStack, _environment, stop_group

STARTER = """
import subprocess, sys, time
from cli.processes import _watchdog
gone = subprocess.DEVNULL
with _watchdog() as pipe:
    child = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 300 & wait; wait"], stdout=gone, stderr=gone, start_new_session=True)
    pipe.write(f"{child.pid}\\n".encode())
    pipe.flush()
    print(child.pid, flush=True)
    time.sleep(float(sys.argv[1]))
"""


def group_alive(group: int) -> bool:
    """Whether any process of *group* is there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def ends(group: int) -> bool:
    """Whether *group* ends, and is reaped, within twenty seconds."""
    deadline = time.monotonic() + 20
    while group_alive(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not group_alive(group)


class TestWatchdog:
    def test_kill_9(self) -> None:
        """A starter that is killed leaves no process behind, not even one that ignores SIGTERM, nor that one's child."""
        starter = [sys.executable, "-c", STARTER, "300"]
        with subprocess.Popen(starter, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            group = int(parent.stdout.readline())
            parent.kill()
        assert ends(group)

    def test_interrupted_again_while_it_stops(self) -> None:
        """A starter whose stopping is broken off by a second interrupt leaves no process behind either."""
        starter = [sys.executable, "-c", STARTER, "300"]
        with subprocess.Popen(
            starter, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as parent:
            assert parent.stdout is not None
            group = int(parent.stdout.readline())
            parent.send_signal(signal.SIGINT)
            parent.wait(timeout=30)
        assert ends(group)

    def test_farewell(self) -> None:
        """A starter that ends in order has ended its own: the watchdog leaves alone what is still there."""
        starter = [sys.executable, "-c", STARTER, "0"]
        group = int(subprocess.run(starter, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout)
        assert group_alive(group)
        os.killpg(group, signal.SIGKILL)


class TestStopGroup:
    def test_polite(self) -> None:
        """The whole group is asked first."""
        child = subprocess.Popen(["sh", "-c", "sleep 300 & sleep 300"], start_new_session=True)
        stop_group(child)
        assert child.returncode == -signal.SIGTERM
        assert ends(child.pid)

    def test_twice(self) -> None:
        """Stopping what has ended already does nothing."""
        child = subprocess.Popen(["true"], start_new_session=True)
        stop_group(child)
        stop_group(child)
        assert child.returncode is not None


class TestEnvironment:
    def test_own_prefect(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A developer's own Prefect, its profile and its cloud are left out; the caller's settings come along."""
        monkeypatch.setenv("PREFECT_API_KEY", "secret")
        monkeypatch.setenv("PREFECT_PROFILE", "mine")
        environment = _environment(tmp_path, 4200, {"LASTDAY_SERVICES": "slack"})
        assert "PREFECT_API_KEY" not in environment
        assert "PREFECT_PROFILE" not in environment
        assert environment["PREFECT_HOME"] == str(tmp_path)
        assert environment["LASTDAY_SERVICES"] == "slack"

    def test_free_port(self, tmp_path: Path) -> None:
        """Two stacks on one machine do not meet."""
        first, second = LocalStack(tmp_path / "a"), LocalStack(tmp_path / "b")
        assert first._stack.api_url != second._stack.api_url
