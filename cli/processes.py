"""
The local processes behind `lastday up` and `lastday demo`: Prefect's server, a worker, the serving and the watching process.

They end with the one who started them, however that ends.  The figures behind the settings are in docs/architecture.md, who
holds which credential in docs/operations.md.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, cast

import httpx

from audit.secret_files import Unsafe, read_own, write_once

CHECKOUT = Path(__file__).resolve().parent.parent
KEY_FILE = "api.key"
_MODULES = {
    "server": "flows.api_server", "worker": "flows.worker", "serve": "flows.serve", "watch": "flows.watch",
}  # fmt: skip
_LONGEST_KEY = 4096

_WATCHDOG = Path(__file__).with_name("watchdog.py")
_GRACE = 8.0
_LOOK_EVERY = 2.0
_READY_WITHIN = 180.0  # the first start after an installation compiles bytecode: 37 s were seen


class StackFailed(Exception):
    """A local process did not start, or ended by itself.  The text names its log."""


@dataclass(frozen=True, slots=True)
class Stack:
    """
    A running stack.  *env* is what a child needs to speak to it, the key to Prefect's API included, which also lies in
    *key_file*; *logs* holds one file a process.
    """

    api_url: str
    ui_url: str
    env: Mapping[str, str]
    logs: Path
    key_file: Path

    def client(self, *, with_key: bool = True) -> httpx.Client:
        """Return a client that may read from the API, or what it shows to anybody."""
        name, _, secret = self.env["PREFECT_API_AUTH_STRING"].partition(":")
        auth = (name, secret) if with_key else None
        return httpx.Client(base_url=self.api_url, auth=auth, trust_env=False, timeout=10)


class LocalStack:
    """
    Start everything under *home*, which may be used again; stop everything at the end.  A context manager, used once.

    *port* 0 takes a free one.  *checkout* is where prefect.yaml and the flows are.  *env* is added for all processes
    (`LASTDAY_…`); Prefect's own variables of the caller are not passed on, so a developer's profile stays untouched.

    Raises `StackFailed`.
    """

    def __init__(
        self, home: Path, port: int = 0, *, checkout: Path = CHECKOUT, env: Mapping[str, str] | None = None
    ) -> None:
        self._home = home.resolve()
        self._checkout = checkout
        self._port = port or _free_port()
        self._extra = dict(env or {})
        self._ends = ExitStack()
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Stack:
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._home.chmod(0o700)
        (self._home / "logs").mkdir(exist_ok=True)
        self._stack = self._described()
        self._refuse_taken_port()
        with ExitStack() as ends:
            self._watchdog = ends.enter_context(_watchdog())
            ends.callback(self._stop_all)
            self._start("server", "-m", _MODULES["server"])
            self._wait_for("server", "/health")
            self._start("worker", "-m", _MODULES["worker"])
            self._deploy()
            self._start("serve", "-m", _MODULES["serve"])
            self._start("watch", "-m", _MODULES["watch"])
            self._wait_for("worker", "/work_pools/lastday")
            self._ends = ends.pop_all()
        return self._stack

    def supervise(self, stop: threading.Event) -> None:
        """Until *stop*, start again whatever has ended by itself: without its worker no run is carried."""
        while not stop.wait(_LOOK_EVERY):
            for name, child in list(self._children.items()):
                if child.poll() is not None:
                    self._start(name, "-m", _MODULES[name])

    def _refuse_taken_port(self) -> None:
        """Whoever holds the port already would be given the key."""
        try:
            socket.create_server(("127.0.0.1", self._port)).close()
        except OSError as exc:
            raise StackFailed(f"port {self._port}: cannot be used: {exc.strerror}") from exc

    def _described(self) -> Stack:
        root = f"http://127.0.0.1:{self._port}"
        key_file = self._home / KEY_FILE
        env = _environment(self._home, self._port, self._extra) | {"PREFECT_API_AUTH_STRING": api_key(key_file)}
        return Stack(f"{root}/api", root, env, self._home / "logs", key_file)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def pid(self, name: str) -> int:
        """Return the process id of "server", "worker", "serve" or "watch"."""
        return self._children[name].pid

    def _deploy(self) -> None:
        log = self._stack.logs / "deploy.log"
        with log.open("ab") as out:
            try:
                done = subprocess.run(
                    [sys.executable, "-m", "flows.deploy"],
                    cwd=self._checkout,
                    env=environment_of("deploy", self._stack.env),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    timeout=_READY_WITHIN,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise StackFailed(f"flows.deploy: not ready after {_READY_WITHIN:.0f} s, see {log}") from None
        if done.returncode != 0:
            raise StackFailed(f"flows.deploy: cannot deploy: exit {done.returncode}, see {log}")

    def _start(self, name: str, *arguments: str) -> None:
        """Start a process at the head of a group of its own, so that Ctrl-C reaches us alone, and tell the watchdog."""
        with (self._stack.logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603  # our own commands
                [sys.executable, *arguments],
                cwd=self._checkout,
                env=environment_of(name, self._stack.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )
        self._children[name] = child
        self._watchdog.write(f"{child.pid}\n".encode())
        self._watchdog.flush()

    def _wait_for(self, name: str, path: str) -> None:
        """Wait until the API answers 200 at *path*, which is *name*'s sign of life."""
        deadline = time.monotonic() + _READY_WITHIN
        with self._stack.client(with_key=name != "server") as client:  # until it is known to be ours it is shown no key
            while not _answers(client, path):
                self._refuse_ended(name)
                if time.monotonic() > deadline:
                    raise StackFailed(f"{name}: cannot start: no answer in time, see {self._log_of(name)}")
                time.sleep(0.1)
        self._refuse_ended(name)

    def _refuse_ended(self, name: str) -> None:
        code = self._children[name].poll()
        if code is not None:
            raise StackFailed(f"{name}: cannot start: exit {code}, see {self._log_of(name)}")

    def _log_of(self, name: str) -> Path:
        return self._stack.logs / f"{name}.log"

    def _stop_all(self) -> None:
        """Stop the newest first, so that a run which is interrupted can still tell the server."""
        for child in reversed(self._children.values()):
            stop_group(child)


def stop_group(child: subprocess.Popen[bytes]) -> None:
    """End *child* and all of its group: politely, and after eight seconds for good."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=_GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


@contextlib.contextmanager
def _watchdog() -> Iterator[IO[bytes]]:
    """
    Start the watchdog and yield the pipe whose end it watches.

    The word of farewell is said after an orderly end alone: a second interrupt may break off the first one's stopping,
    and then the watchdog ends what is left.
    """
    command = [sys.executable, "-I", "-S", str(_WATCHDOG)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as dog:  # noqa: S603  # our own script
        pipe = cast("IO[bytes]", dog.stdin)
        yield pipe
        pipe.write(b"farewell\n")


def _answers(client: httpx.Client, path: str) -> bool:
    """Whether the API answers 200, and does not say of what it shows that it is not ready: a pool without a worker."""
    try:
        answer = client.get(path)
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and b"NOT_READY" not in answer.content


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def api_key(path: Path) -> str:
    """
    Return the key to Prefect's API, NAME:SECRET, from a file that only its owner can read; made on first use.

    Raises `StackFailed` for a file that others may read.
    """
    with contextlib.suppress(FileExistsError):
        if not os.path.lexists(path):
            write_once(path, f"lastday:{secrets.token_urlsafe(32)}\n".encode())
    try:
        return read_own(path, _LONGEST_KEY).decode().strip()
    except Unsafe as exc:
        raise StackFailed(f"key to Prefect's API: {exc}: {path}") from exc


def environment_of(name: str, env: Mapping[str, str]) -> dict[str, str]:
    """
    Return what the child *name* may know of *env*: least privilege by process, whoever reads it there.

    Prefect's server and the one that deploys get no setting of ours, and so no tenant's credential; the watching process gets
    none that revokes (`LASTDAY_…_WRITE_…`); the worker and the serving process, which cut, get all.  Who asks for the key, and
    who brings it, are two variables of Prefect's.
    """
    if name == "server":
        kept = {key: value for key, value in env.items() if not key.startswith("LASTDAY_")}
        kept["PREFECT_SERVER_API_AUTH_STRING"] = kept.pop("PREFECT_API_AUTH_STRING")
        return kept
    if name == "deploy":
        return {key: value for key, value in env.items() if not key.startswith("LASTDAY_")}
    if name == "watch":
        return {key: value for key, value in env.items() if not (key.startswith("LASTDAY_") and "_WRITE_" in key)}
    return dict(env)


def _environment(home: Path, port: int, extra: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode each run starts three times as slowly
    address = f"http://127.0.0.1:{port}"
    return {
        **inherited,
        # `python` in a run's command is this one
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]),
        "NO_PROXY": ",".join(filter(None, ["127.0.0.1,localhost", inherited.get("NO_PROXY")])),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": address,
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_UI_URL": address,
        **SETTINGS,
        **extra,
    }


SETTINGS: Mapping[str, str] = {
    # nothing calls out: neither the server, nor the library, nor the page in the browser (V2's does)
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # a lost address of the API must not make a private database in silence
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    # 0.6 s late at most instead of 10
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_WORKER_PREFETCH_SECONDS": "30",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
    # with the automation below: a run whose process died counts as crashed after 90 s
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    # else `database is locked` is retried, and lost, without a word
    "PREFECT_SERVER_LOG_RETRYABLE_ERRORS": "true",
    # events and what is left of deleted runs go in the end; runs stay
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",
    # with the key, which every process has, and `flows.api_server`, which closes what Prefect leaves open
    "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
}
