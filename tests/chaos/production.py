"""
A production set-up of real processes, as a test sees and disturbs it (`tests.chaos.opening` starts it).

What was asked of the tenants is known from their journals alone, what a case came to from the database.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psycopg
from psycopg.rows import dict_row

from emulators.company import Person
from stack.processes import CHECKOUT, Stack

SERVICES = ("google_workspace", "slack", "microsoft365")
WORKERS = ("worker", "worker-2")
_BLOCKS = {
    "google_workspace": (r"(?:PUT|PATCH) /admin/directory/v1/users/([^/?]+)(?:\?.*)?", r'"suspended": ?true'),
    "slack": (r"DELETE /scim/v2/Users/([^/?]+)", ""),
    "microsoft365": (r"PATCH /v1.0/users/([^/?]+)", r'"accountEnabled": ?false'),
}
"""By service, line and body of the request that blocks an account's sign-in."""
LASTDAY = "import sys\nfrom cli.app import main\nsys.exit(main(sys.argv[1:]))"
_SCHEDULE = """
import asyncio
from casework.bootstrap import open_context
from flows.scheduling import schedule
async def once():
    async with open_context(connected=False) as context:
        await schedule(context)
asyncio.run(once())
"""


@dataclass
class Production:
    """
    The processes, by name: "server", "worker", "worker-2", "serve", "watch".

    *leavers* by case; *blocked* by service and account: when the tenant first accepted to block its sign-in.

    What ends is started again within two seconds, as a service manager does, but what is *dead* for a while.
    """

    folder: Path
    stack: Stack
    postgres: Any
    roots: Mapping[str, str]
    tenants: httpx.Client
    people: Iterator[Person]
    journals: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in SERVICES})
    leavers: dict[str, Person] = field(default_factory=dict)
    blocked: dict[tuple[str, str], float] = field(default_factory=dict)
    _accounts: dict[tuple[str, str], str] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)

    # -- what people do

    def lastday(self, *words: str) -> Any:
        """Run a verb in a process of its own, and return its answer."""
        ran = self.python(LASTDAY, *words, "--json")
        out, err = ran.communicate(timeout=120)
        assert ran.returncode == 0, (words, ran.returncode, out[-2000:], err[-2000:])
        return json.loads(out)

    def python(self, code: str, *words: str) -> subprocess.Popen[str]:
        """Start *code* as a terminal of this checkout would."""
        env = self.stack.env | {"PYTHONPATH": str(CHECKOUT)}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-c", code, *words], cwd=self.folder, env=env, stdout=pipe, stderr=pipe, text=True
        )

    def run_by_hand(self, case: str) -> subprocess.Popen[str]:
        """Start `lastday run` for the case."""
        return self.python(LASTDAY, "run", case, "--json")

    def report(self, *due_in: float, kind: str = "自己都合", people: Sequence[Person] = ()) -> list[str]:
        """Let HR report a person for each of *due_in*, the seconds from now to the instant; return their cases in that order."""
        now = datetime.now(ZoneInfo("Asia/Tokyo"))
        leavers = list(people) or [next(self.people) for _ in due_in]
        path = self.folder / "departures.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["社員番号", "氏名", "フリガナ", "メールアドレス", "最終出社日", "退職日", "区分"])
            for one, seconds in zip(leavers, due_in, strict=True):
                at = now + timedelta(seconds=seconds)
                ends_on = (at + timedelta(days=7)).date()
                rows.writerow(
                    [one.employee_no, one.name, one.kana, one.email, f"{at:%Y-%m-%d %H:%M:%S}", ends_on, kind]
                )
        answer = self.lastday("depart", "--csv", str(path), "--for-real", "--as", "hr.sato")
        cases = [str(row["case"]) for row in answer["cases"]]
        self.leavers |= dict(zip(cases, leavers, strict=True))
        return cases

    def make_runs(self) -> None:
        """Make at once the runs that the serving process would make within thirty seconds."""
        ran = self.python(_SCHEDULE)
        _, err = ran.communicate(timeout=120)
        assert ran.returncode == 0, err[-2000:]

    # -- what is seen

    def ask(self, query: str, *given: object) -> list[dict[str, Any]]:
        """Ask our database; nothing while it is away."""
        try:
            with psycopg.connect(self.postgres.get_uri(), connect_timeout=3, row_factory=dict_row) as connection:
                return connection.execute(query, given).fetchall()
        except psycopg.OperationalError:
            return []

    def cases(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the cases' rows by id, each with whether it is held and how many of its intents are open."""
        rows = self.ask(
            "SELECT c.*, coalesce(c.lease_until > clock_timestamp(), false) AS held, (SELECT count(*) FROM entitlement e"
            " WHERE e.case_id = c.id AND e.op IS NOT NULL) AS open_intents FROM offboarding_case c WHERE c.id = ANY(%s)",
            [*ids],
        )
        return {row["id"]: row for row in rows}

    def read_journals(self) -> None:
        """Take in what the tenants were asked since the last time."""
        for name, root in self.roots.items():
            known, (line, body) = self.journals[name], _BLOCKS[name]
            new = self.tenants.get(f"{root}/_stage/journal?after={len(known)}").raise_for_status().json()
            known.extend(new)
            for asked in new:
                block = re.fullmatch(line, asked["line"])
                if block and re.search(body, asked["body"]) and (asked["status"] or 500) < 300:
                    self.blocked.setdefault((name, block[1]), asked["at"])

    def account(self, service: str, case: str) -> str:
        """Return the account that the leaver has, by the tenant's own truth."""
        if (service, case) not in self._accounts:
            path = f"{self.roots[service]}/_stage/person/{self.leavers[case].employee_no}"
            self._accounts[service, case] = self.tenants.get(path).raise_for_status().json()["account"]
        return self._accounts[service, case]

    def changed(self) -> set[str]:
        """Return the accounts, of all tenants, that are not as they were at the start."""
        found = (self.tenants.get(f"{root}/_stage/changed").raise_for_status().json() for root in self.roots.values())
        return {account for accounts in found for account in accounts}

    def fault(self, service: str, **what: Any) -> None:
        """Let the tenant misbehave (`emulators.fault_proxy.Fault`) until it is `well` again."""
        self.tenants.post(f"{self.roots[service]}/_stage/faults", json=what).raise_for_status()

    def well(self, service: str) -> None:
        self.tenants.delete(f"{self.roots[service]}/_stage/faults").raise_for_status()

    def wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}\n{self.logs()}"
            time.sleep(0.05)

    def logs(self) -> str:
        return "\n".join(f"== {log.name}\n{log.read_text()[-1500:]}" for log in sorted(self.stack.logs.iterdir()))

    # -- what happens to the processes

    def carriers(self, ids: Sequence[str]) -> set[int]:
        """Return the processes that hold these cases: runs, which bear their id in the environment, or the serving one."""
        holders = {row["lease_holder"] for row in self.cases(ids).values() if row["held"]}
        runs = {holder: _run(holder) for holder in holders}
        return {self.stack.pid("serve") if run is None else run for run in runs.values()}

    def end(self, pids: Collection[int]) -> None:
        """End these processes as a power cut does."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Kill these and start none of them again until the end."""
        self.dead |= {*names}
        self.end([self.stack.pid(name) for name in names])
        try:
            yield
        finally:
            self.dead -= {*names}

    def keep(self, over: threading.Event) -> None:
        """Start again whatever has ended, every two seconds."""
        while not over.wait(2.0):
            for name, child in [*self.stack._children.items()]:
                if child.poll() is not None and name not in self.dead:
                    self.stack._start(name)

    def restart(self, name: str, **env: str) -> None:
        """Kill one and start it with *env* besides."""
        before = self.stack.env
        with self.without(name):
            self.stack._children[name].wait(20)
            self.stack.env = before | env
            self.stack._start(name)
            self.stack.env = before

    def stop_database(self) -> None:
        """Stop the database without a checkpoint, as when its machine fails."""
        pid = self.postgres.get_pid()
        os.kill(pid, signal.SIGQUIT)
        self.wait_for(lambda: not Path(f"/proc/{pid}").exists(), 30, "the database's end")

    def start_database(self) -> None:
        self.postgres.ensure_postgres_running()


def _run(holder: str) -> int | None:
    """Return the process of the run with this id; None if it is none that a worker has started."""
    wanted = f"PREFECT__FLOW_RUN_ID={holder}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in environ.read_bytes():
                return int(environ.parent.name)
    return None
