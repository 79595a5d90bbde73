"""An installation for tests: a migrated database, and a real Prefect with the processes that `lastday up` starts."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from stack.processes import CHECKOUT, Stack, local_stack

_OVER = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED", "PAUSED"})
_TERMINAL = """
import json, sys
from cli.app import main
for words in json.loads(sys.argv[1]):
    if main([*words, "--json"]) not in (0, 1):
        sys.exit(2)
    print("\\0")
"""


class Installation:
    """*folder* has the database, the keys and `policy.toml`; *home* all that Prefect stores.  *api* asks its API with the key."""

    def __init__(self, stack: Stack, folder: Path, home: Path) -> None:
        self.stack, self.folder, self.home = stack, folder, home
        self.api = stack.client()
        self.api.timeout = httpx.Timeout(30)
        token = self.api.get("/csrf-token", params={"client": "tests"}).raise_for_status().json()["token"]
        self.api.headers.update({"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "tests"})

    def deployment(self, name: str = "offboard") -> str:
        """Return the id of a deployment."""
        return str(self.api.get(f"/deployments/name/{name}/{name}").raise_for_status().json()["id"])

    def insist(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Make, change or delete what is at *path*, again while SQLite is busy."""
        deadline = time.monotonic() + 60
        while (answer := self.api.request(method, path, **sent)).status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.5)
        return answer.raise_for_status()

    def run_over(self, run_id: str, *, within: float = 120) -> dict[str, Any]:
        """Wait until the run has ended or is paused, and return it."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            run: dict[str, Any] = self.api.get(f"/flow_runs/{run_id}").raise_for_status().json()
            if run["state_type"] in _OVER:
                return run
            time.sleep(0.3)
        raise AssertionError(f"the run {run_id} did not end\n{self.logs()}")

    def python(self, code: str, *words: str) -> str:
        """Run *code* in a process with the stack's settings, and return what it printed."""
        env = self.stack.env | {"PYTHONPATH": str(CHECKOUT)}
        command = [sys.executable, "-c", code, *words]
        ran = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert ran.returncode == 0, (ran.stdout[-2000:], ran.stderr[-2000:])
        return ran.stdout

    def lastday(self, *verbs: Sequence[str]) -> list[Any]:
        """Run these verbs one after another, in one process: an import takes seconds.  Return their answers."""
        return [json.loads(answer) for answer in self.python(_TERMINAL, json.dumps(verbs)).split("\0")[:-1]]

    def logs(self) -> str:
        return "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.stack.logs.iterdir()))


@contextlib.contextmanager
def installation(migrated: Path, folder: Path, *, policy: str, env: Mapping[str, str]) -> Iterator[Installation]:
    """Open an installation in *folder*, with a copy of the *migrated* database and its keys, and *env* besides."""
    shutil.copytree(migrated, folder, dirs_exist_ok=True)
    (folder / "policy.toml").write_text(policy)
    own = {
        "LASTDAY_DATABASE_URL": f"sqlite:///{folder / 'lastday.db'}",
        "LASTDAY_POLICY_FILE": str(folder / "policy.toml"),
        "LASTDAY_AUDIT_KEY_FILE": str(folder / "keys" / "log.key"),
        "LASTDAY_EVIDENCE_FOLDER": str(folder / "evidence"),
        "LASTDAY_EVIDENCE_KEY_FILE": str(folder / "keys" / "evidence.key"),
        "LASTDAY_ANCHOR_FOLDER": str(folder / "anchors"),
        "LASTDAY_HEALTH_ADDRESS": "",
        "LASTDAY_LANGUAGE": "en",
    }
    home = folder / "prefect"
    with local_stack(home, env={**own, **env}) as stack:
        opened = Installation(stack, folder, home)
        with contextlib.closing(opened.api):
            yield opened
