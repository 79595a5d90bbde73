"""
The local processes behind `lastday up` and `lastday demo`: Prefect's server, a worker, the serving and the watching process.

They end when the process that started them ends, even by kill -9.  docs/architecture.md has the figures behind the settings,
docs/operations.md each process's credentials.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from audit.secret_files import UnsafeFile
from casework.errors import Misconfigured
from stack.environments import environment, environment_of
from stack.prefect_api import api_key, open_api

CHECKOUT = Path(__file__).resolve().parent.parent
_MODULES = {
    "server": "flows.api_server", "worker": "flows.worker", "deploy": "flows.deploy", "serve": "flows.serve",
    "watch": "flows.watch",
}  # fmt: skip
_WATCHDOG = Path(__file__).with_name("watchdog.py")
_GRACE = 8.0
_LOOK_EVERY = 2.0
_READY_WITHIN = 180.0  # the first start after an installation compiles bytecode: 37 s were seen


class StackFailed(Misconfigured):
    """The local processes cannot start.  The text names the folder, the port, or the log file of a process."""


@contextlib.contextmanager
def local_stack(home: Path, port: int = 0, *, env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """
    Start all processes under *home*, which may be used again; stop them at the end.

    *port*: 0 takes a free one.  *env*: added for all processes (`LASTDAY_…`).  The caller's own Prefect variables are not
    passed on, so a developer's profile stays untouched.

    Raises `StackFailed`.
    """
    with _alone_in(home.resolve()):
        stack = Stack(home.resolve(), _own_port(port), env or {})
        with watched_group() as group:
            try:
                stack.start(group)
                yield stack
            finally:
                stack.stop()


@contextlib.contextmanager
def _alone_in(home: Path) -> Iterator[None]:
    """
    Make *home*, for its owner's eyes, and hold its lock: two servers of Prefect on one SQLite database lose what they write.

    Raises `StackFailed` if another process holds the lock, or if the folder cannot be used.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        home.chmod(0o700)
        (home / "logs").mkdir(exist_ok=True)
        lock = (home / "lock").open("ab")
    except OSError as exc:
        other = "Correct that, or choose another folder with --home."
        raise StackFailed(f"{home}: cannot be used: {exc.strerror}", other) from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = "Stop it first, or choose another folder with --home."
            raise StackFailed(f"{home}: is in use by another `lastday up` or `lastday demo`", other) from None
        yield


@contextlib.contextmanager
def watched_group() -> Iterator[int]:
    """
    Start the watchdog as leader of a new process group, which Ctrl-C does not reach, and yield the group's id.

    Each process of the group ends with this one, for any reason: a second interrupt may come while the first one stops them.
    """
    command = [sys.executable, "-I", "-S", str(_WATCHDOG)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0) as dog:  # noqa: S603  # our own script
        yield dog.pid


class Stack:
    """
    The processes and the access to them.  *env*: the children's environment, with the key to Prefect's API, which is also in
    *key_file*.  *logs*: the folder with one log file a process.
    """

    def __init__(self, home: Path, port: int, extra: Mapping[str, str]) -> None:
        self.ui_url = f"http://127.0.0.1:{port}"
        self.api_url = f"{self.ui_url}/api"
        self.logs, self.key_file = home / "logs", home / "api.key"
        try:
            self.env = environment(home, port, extra) | {"PREFECT_API_AUTH_STRING": api_key(self.key_file)}
        except UnsafeFile as exc:
            mend = "Correct that, or remove the file: a new key is made."
            raise StackFailed(f"key to Prefect's API: {exc}: {self.key_file}", mend) from exc
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def client(self, *, with_key: bool = True) -> httpx.Client:
        """Return a client for the API, with the key or without it."""
        return open_api(self.api_url, self.env["PREFECT_API_AUTH_STRING"] if with_key else None)

    def pid(self, name: str) -> int:
        """Return the process id of "server", "worker", "serve" or "watch"."""
        return self._children[name].pid

    def start(self, group: int) -> None:
        """Start all processes in *group*; return when each of them is ready.  Raises `StackFailed`."""
        self._group = group
        self._start("server")
        self._wait_for("server", "/health")
        self._start("worker")
        self._deploy()
        self._start("serve")
        self._start("watch")
        self._wait_for("worker", "/work_pools/lastday")

    def supervise(self, stop: threading.Event) -> None:
        """Until *stop*, restart each process that has ended by itself: without the worker no run is carried."""
        while not stop.wait(_LOOK_EVERY):
            for name, child in list(self._children.items()):
                if child.poll() is not None:
                    self._start(name)

    def stop(self) -> None:
        """Stop the newest process first, so that an interrupted run can still report to the server; then kill the rest of the group."""
        for child in reversed(self._children.values()):
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=_GRACE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._group, signal.SIGKILL)
        for child in self._children.values():
            child.wait()

    def _deploy(self) -> None:
        """Wait until the deployments are on the server.  Raises `StackFailed` after an error, or after `_READY_WITHIN` seconds."""
        self._start("deploy")
        try:
            code = self._children["deploy"].wait(_READY_WITHIN)
        except subprocess.TimeoutExpired:
            raise self._failed("deploy", f"not ready after {_READY_WITHIN:.0f} s") from None
        if code != 0:
            raise self._failed("deploy", f"cannot deploy: exit {code}")
        del self._children["deploy"]  # it ran to its end, and is not started again

    def _start(self, name: str) -> None:
        with (self.logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(  # noqa: S603  # our own commands
                [sys.executable, "-m", _MODULES[name]],
                cwd=CHECKOUT,
                env=environment_of(name, self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=self._group,
                umask=0o077,
            )

    def _wait_for(self, name: str, path: str) -> None:
        """Wait until the API answers 200 at *path*, which shows that *name* is ready.  Raises `StackFailed`."""
        deadline = time.monotonic() + _READY_WITHIN
        with self.client(with_key=name != "server") as client:  # the server gets no key before it is known to be ours
            while not _answers(client, path):
                self._refuse_ended(name)
                if time.monotonic() > deadline:
                    raise self._failed(name, "cannot start: no answer in time")
                time.sleep(0.1)
        self._refuse_ended(name)

    def _refuse_ended(self, name: str) -> None:
        if (code := self._children[name].poll()) is not None:
            raise self._failed(name, f"cannot start: exit {code}")

    def _failed(self, name: str, what: str) -> StackFailed:
        return StackFailed(
            f"{name}: {what}, see {self.logs / name}.log", "Read the end of that log, then start it again."
        )


def _answers(client: httpx.Client, path: str) -> bool:
    """Whether the API answers 200, and without NOT_READY, which is the status of a pool without a worker."""
    try:
        answer = client.get(path)
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and b"NOT_READY" not in answer.content


def _own_port(port: int) -> int:
    """Return *port*, or a free one for 0.  Raises `StackFailed` for a taken port: the process that holds it would get the key."""
    try:
        with socket.create_server(("127.0.0.1", port)) as listener:
            return int(listener.getsockname()[1])
    except OSError as exc:
        other = "Stop what holds it, or take another port with `lastday up --port`."
        raise StackFailed(f"port {port}: cannot be used: {os.strerror(exc.errno or 0)}", other) from exc
