"""
The local processes behind `lastday up` and `lastday demo`: Prefect's server, its worker, and the sweep.

They end with the one who started them, however that ends.  The figures behind the settings are in docs/architecture.md.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, cast

import httpx

CHECKOUT = Path(__file__).resolve().parent.parent
POOL = "lastday"
WORKER_LIMIT = 4

_WATCHDOG = Path(__file__).with_name("watchdog.py")
_GRACE = 8.0
_READY_WITHIN = 180.0  # the first start after an installation compiles bytecode: 37 s were seen


class StackFailed(Exception):
    """A local process did not start, or ended by itself.  The text names its log."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack.  *env* is what a child needs to speak to it; *logs* holds one file a process."""

    api_url: str
    ui_url: str
    env: Mapping[str, str]
    logs: Path


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
        port = port or _free_port()
        root = f"http://127.0.0.1:{port}"
        self._stack = Stack(f"{root}/api", root, _environment(self._home, port, env or {}), self._home / "logs")
        self._ends = ExitStack()
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Stack:
        self._stack.logs.mkdir(parents=True, exist_ok=True)
        with ExitStack() as ends:
            self._watchdog = ends.enter_context(_watchdog())
            ends.callback(self._stop_all)
            self._start_server()
            self._start_worker()
            self._deploy()
            self._start("sweep", sys.executable, "-m", "flows.serve")
            self._ends = ends.pop_all()
        return self._stack

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def pid(self, name: str) -> int:
        """Return the process id of "server", "worker" or "sweep"."""
        return self._children[name].pid

    def _start_server(self) -> None:
        self._start("server", sys.executable, "-m", "prefect", "server", "start")
        self._wait_for("server", "/health")
        self._create_zombie_automation()

    def _start_worker(self) -> None:
        """Start the worker, which makes the pool where it is missing."""
        # The limit is not for speed: on SQLite an unlimited worker loses 3 to 9 of 40 runs to `database is locked`.
        worker = ("worker", "start", "--pool", POOL, "--type", "process", "--limit", str(WORKER_LIMIT))
        self._start("worker", sys.executable, "-m", "prefect", *worker)
        self._wait_for("worker", f"/work_pools/{POOL}")

    def _deploy(self) -> None:
        log = self._stack.logs / "deploy.log"
        with log.open("ab") as out:
            done = subprocess.run(
                [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
                cwd=self._checkout,
                env=dict(self._stack.env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=_READY_WITHIN,
                check=False,
            )
        if done.returncode != 0:
            raise StackFailed(f"prefect deploy: cannot deploy: exit {done.returncode}, see {log}")

    def _create_zombie_automation(self) -> None:
        """Let Prefect call a run crashed whose heartbeat stopped: its server has no such rule of its own."""
        with httpx.Client(base_url=self._stack.api_url, trust_env=False, timeout=30) as client:
            named = {"automations": {"name": {"any_": [ZOMBIES["name"]]}}}
            if client.post("/automations/filter", json=named).raise_for_status().json() == []:
                client.post("/automations/", json=ZOMBIES).raise_for_status()

    def _start(self, name: str, *command: str) -> None:
        """Start a process at the head of a group of its own, so that Ctrl-C reaches us alone, and tell the watchdog."""
        with (self._stack.logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603  # our own commands
                command,
                cwd=self._checkout,
                env=dict(self._stack.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[name] = child
        self._watchdog.write(f"{child.pid}\n".encode())
        self._watchdog.flush()

    def _wait_for(self, name: str, path: str) -> None:
        """Wait until the API answers 200 at *path*, which is *name*'s sign of life."""
        deadline = time.monotonic() + _READY_WITHIN
        with httpx.Client(base_url=self._stack.api_url, trust_env=False, timeout=5) as client:
            while not _answers(client, path):
                code = self._children[name].poll()
                if code is not None or time.monotonic() > deadline:
                    said = f"exit {code}" if code is not None else "no answer in time"
                    raise StackFailed(f"{name}: cannot start: {said}, see {self._stack.logs / f'{name}.log'}")
                time.sleep(0.1)

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
    try:
        return client.get(path).status_code == 200
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _environment(home: Path, port: int, extra: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode each run starts three times as slowly
    return {
        **inherited,
        # `python` in a run's command is this one
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]),
        "NO_PROXY": ",".join(filter(None, ["127.0.0.1,localhost", inherited.get("NO_PROXY")])),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_UI_URL": f"http://127.0.0.1:{port}",
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
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
}

ZOMBIES: Mapping[str, object] = {
    "name": "lastday: runs without heartbeat",
    "trigger": {
        "type": "event",
        "posture": "Proactive",
        "after": ["prefect.flow-run.heartbeat"],
        "expect": ["prefect.flow-run.*"],
        "match": {"prefect.resource.id": ["prefect.flow-run.*"]},
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": 90,
    },
    "actions": [{"type": "change-flow-run-state", "state": "CRASHED", "message": "no heartbeat for 90 s"}],
}
