"""
Figures of collecting from each vendor's connector: events a second, the ratio to the floor, and the peak of memory.

The emulated tenants, the collecting and the floor are processes of their own.  The floor is a bare loop that asks the tenant for
the very pages that the connector asked for, and writes the bytes as they come: nothing is parsed, told apart, compressed,
encrypted, committed or bound.  Nobody waits: quotas and searches that are still running cost no time here.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from audit.trail import Trail
from casework.activity.collecting import collect
from casework.activity.passes import passes_of
from casework.activity.summary import summarise
from casework.context import Context
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.policy import Policy
from casework.schema import migrate
from casework.store import Store, open_engine
from connectors.kit.pacing import Pace
from emulators.activity_profiles import TOKYO, many
from emulators.tenants import tenants
from models.tables import CaseAccount
from models.vocabulary import AccountKind, MatchReason, Service, Standing
from tests.bench_process import Figures, peak_mb, run, tell

SIZES = (2_000, 100_000, 1_000_000)
_US = "tests.bench_vendors"
_WHO = "E1001"
_PAGES = {
    Service.GOOGLE_WORKSPACE: r"GET /admin/reports/v1/activity/",
    Service.SLACK: r"GET (/audit/v1/logs|/api/team\.|/api/files\.)",
    Service.MICROSOFT365: r"GET /(v1\.0|beta)/(security/auditLog/queries/[^/]+/records|auditLogs/)",
}


@dataclass
class Hasty:
    """A clock that a wait moves on, and that costs no time."""

    skipped: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    async def sleep(self, seconds: float) -> None:
        self.skipped += timedelta(seconds=seconds)
        await asyncio.sleep(0)


def bench(*, full: bool = False) -> Figures:
    """Each vendor with two thousand events; *full*: with a hundred thousand and a million, which takes an hour."""
    return [figure for service in Service for figure in _of(service, SIZES[1:] if full else SIZES[:1])]


def _of(service: Service, sizes: tuple[int, ...]) -> Figures:
    taken = [_measured(service, size) for size in sizes]
    found: Figures = []
    for took in taken:
        rate, ratio = took["records"] / took["seconds"], took["seconds"] / took["floor"]
        found.append((
            f"activity, {service}: {took['records']:,.0f} events",
            f"{rate:,.0f} events/s, {ratio:.1f} times the floor, {took['pages']:.0f} pages, peak {took['peak_mb']:.0f} MB",
        ))  # fmt: skip
    return found


def _measured(service: Service, events: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="bench") as folder, _stage(service, events, Path(folder)) as told:
        env = told["env"]
        run(
            _US, "collect", service, told["account"], f"{folder}/first", env=env
        )  # the tenant makes its pages up, and keeps them
        with httpx.Client(verify=told["env"]["LASTDAY_CA_BUNDLE"], trust_env=False) as client:
            journal = client.get(f"{told['root']}/_stage/journal").json()
        lines = [row["line"] for row in journal if re.match(_PAGES[service], row["line"])]
        (Path(folder) / "lines.json").write_text(json.dumps(lines))
        bare = run(_US, "floor", service, told["root"], folder, env=env)
        took: dict[str, float] = run(_US, "collect", service, told["account"], f"{folder}/second", env=env)
        return took | {"floor": bare["seconds"]}


@contextlib.contextmanager
def _stage(service: Service, events: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Open the tenants in a process of their own, which ends when its standard input does."""
    command = [sys.executable, "-m", _US, "stage", service, str(events), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stage:
        assert stage.stdout is not None
        yield json.loads(stage.stdout.readline())
        stage.communicate("")


def stage(service: Service, events: int, folder: Path) -> None:
    """Tell where the tenant is, and stay until nobody listens."""
    with tenants(folder / "tenants", page_size=1000) as company:
        account = company.truths[service].account_id(_WHO)
        tenant = company.tenants[service]
        yesterday = (datetime.now(TOKYO) - timedelta(days=1)).date()
        getattr(tenant, "book", tenant).behave(account, many("bench", yesterday, events))
        told = {"env": company.env, "root": company.roots[service], "account": account}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


async def collected(service: Service, account: str, folder: Path) -> dict[str, float]:
    """Collect everything that the service's logs tell of the account, and summarise it."""
    clock = Hasty()
    folder.mkdir()
    engine = open_engine(f"sqlite:///{folder}/case.db")
    migrate(engine)
    store = Store(engine, Trail("bench.example/audit/2026"))
    evidence = EvidenceStore(store, folder / "evidence", KeyFile(folder / "evidence.key", lambda: True))
    connector = await importlib.import_module(f"connectors.{service}").connect(pace=Pace(sleep=clock.sleep))
    context = Context(store, Policy(), {service: connector}, now=clock.now, sleep=clock.sleep, evidence=evidence)
    case_id = _case(context, service, account)
    began = time.perf_counter()
    while True:
        await collect(context, case_id, seconds=3600)
        with store.read() as session:
            rows = [row for row in passes_of(session, case_id) if row.round == 1]
        if all(row.ended_at is not None for row in rows):
            break
        await clock.sleep(60)
    seconds = time.perf_counter() - began
    await connector.aclose()
    await asyncio.to_thread(summarise, context, case_id, evidence)
    engine.dispose()
    return {
        "seconds": seconds, "records": sum(row.records for row in rows), "pages": sum(row.pages for row in rows),
        "peak_mb": peak_mb(),
    }  # fmt: skip


def _case(context: Context, service: Service, account: str) -> str:
    ends_on = str((datetime.now(TOKYO) + timedelta(days=1)).date())
    reading = read_options(
        employee_no=_WHO, name="星 空子", email="e1@example.test", employment_ends_on=ends_on, kind="resignation"
    )
    case_id = open_cases(context, reading, reported_by="bench", for_real=True).opened[0].case.id
    with context.store.write() as session:
        session.add(CaseAccount(
            case_id=case_id, connection=service, vendor_id=account, ref=context.name("acct"), kind=AccountKind.MEMBER,
            label="e1@example.test", reason=MatchReason.EMAIL, standing=Standing.ACCEPTED,
        ))  # fmt: skip
    return case_id


def floor(service: Service, root: str, folder: Path) -> dict[str, float]:
    """Ask for the pages once more, and write them raw."""
    lines = json.loads((folder / "lines.json").read_text())
    head = {"authorization": f"Bearer {_TOKENS[service](root)}"}
    verify = os.environ["LASTDAY_CA_BUNDLE"]
    with httpx.Client(verify=verify, headers=head, timeout=60, trust_env=False) as client, (folder / "raw").open("wb") as file:  # fmt: skip
        began = time.perf_counter()
        for line in lines:
            file.write(client.get(root + line.removeprefix("GET ")).raise_for_status().content)
        file.flush()
        os.fsync(file.fileno())
        return {"seconds": time.perf_counter() - began}


def _google(_root: str) -> str:
    scope = "https://www.googleapis.com/auth/admin.reports.audit.readonly"
    key = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]  # the library has no types
        os.environ["LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE"], scopes=[scope],
        subject=os.environ["LASTDAY_GOOGLE_WORKSPACE_ADMIN_SUBJECT"],
    )  # fmt: skip
    key.refresh(Request())
    return str(key.token)


def _microsoft(root: str) -> str:
    own = {
        name: os.environ[f"LASTDAY_MICROSOFT365_{name.upper()}"] for name in ("client_id", "client_secret", "tenant_id")
    }
    asked = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"} | own
    path = f"{root}/{own['tenant_id']}/oauth2/v2.0/token"
    answer = httpx.post(path, data=asked, verify=os.environ["LASTDAY_CA_BUNDLE"], trust_env=False)
    return str(answer.raise_for_status().json()["access_token"])


def _slack(_root: str) -> str:
    return os.environ.get("LASTDAY_SLACK_AUDIT_TOKEN") or os.environ["LASTDAY_SLACK_TOKEN"]


_TOKENS = {Service.GOOGLE_WORKSPACE: _google, Service.SLACK: _slack, Service.MICROSOFT365: _microsoft}


def _main(what: str, name: str, more: str, place: str) -> None:
    service, folder = Service(name), Path(place)
    if what == "stage":
        stage(service, int(more), folder)
    elif what == "collect":
        tell(asyncio.run(collected(service, more, folder)))
    else:
        tell(floor(service, more, folder))


if __name__ == "__main__":
    _main(*sys.argv[1:])
