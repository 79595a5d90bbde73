"""
Hoshizora Trading's three tenants, open together on loopback, with the settings for a client.

    python -m emulators.tenants DIRECTORY [--port 9101] [--page-size 1] [--latency 0.05] [--slack-plan pro] [--sync-every 3]
        [--hire 200]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from emulators import google_workspace, microsoft365, slack
from emulators.activity_profiles import TOKYO
from emulators.ca import certificate
from emulators.company import PEOPLE, joiners, person
from emulators.fault_proxy import FaultProxy, served
from emulators.google_workspace.reports_logs import QUOTA, LogOptions
from emulators.google_workspace.state import user_id as google_id
from emulators.nda_folder import company_folder
from emulators.outsiders import Outsiders, outsiders
from emulators.slack.state import Assignment

ENV_FILE = "tenants.env"
CHANNEL_MANAGER = "Rl0A"


@dataclass(frozen=True, slots=True)
class Company:
    """
    The open tenants, by service: "google_workspace", "slack", "microsoft365".

    *env*: the settings (`LASTDAY_…`) for a client.  *roots*: the addresses, for `/_stage/`.  *outsiders*: the emulated authority
    and witness, which are worthless against the person who runs them.
    """

    env: dict[str, str]
    roots: dict[str, str]
    stages: dict[str, FaultProxy]
    tenants: dict[str, Any]
    truths: dict[str, TenantTruth]
    outsiders: Outsiders

    def sync(self) -> None:
        """Run directory synchronisation once: accounts mastered on premises come back."""
        self.tenants["microsoft365"].sync_cycle()


@dataclass(frozen=True, slots=True)
class TenantTruth:
    """
    The tenant's own state of its accounts, independent of any connector.

    *fingerprints*: returns each account's state in a form that compares equal while nothing changes.
    """

    account_id: Callable[[str], str]
    fingerprints: Callable[[], Mapping[str, str]]
    first: Mapping[str, str]

    def changed(self) -> set[str]:
        """Return the ids of the accounts that are not as they were when the tenant opened."""
        now = self.fingerprints()
        return {account for account in {*now, *self.first} if now.get(account) != self.first.get(account)}

    def of(self, employee_no: str) -> dict[str, Any]:
        """Return the person's account and whether it was changed."""
        account = self.account_id(employee_no)
        return {"account": account, "changed": account in self.changed()}


class StateProxy:
    """
    A fault proxy whose `/_stage/` paths also show the tenant's own state, for other processes.

    `GET /_stage/changed` lists changed accounts, `GET /_stage/person/E1003` shows one person's, `POST /_stage/sync` runs
    directory synchronisation.
    """

    def __init__(self, stage: FaultProxy, truth: TenantTruth, sync: Callable[[], None]) -> None:
        self._stage: ASGIApp = stage
        self._truth = truth
        self._sync = sync

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope) if scope["type"] == "http" else None
        if answer is None:
            await self._stage(scope, receive, send)
            return
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, scope: Scope) -> bytes | None:
        match scope["method"], scope["path"]:
            case "GET", "/_stage/changed":
                return json.dumps(sorted(self._truth.changed())).encode()
            case "GET", str(path) if path.startswith("/_stage/person/"):
                try:
                    return json.dumps(self._truth.of(unquote(path.rpartition("/")[2]))).encode()
                except KeyError:
                    return b"null"
            case "POST", "/_stage/sync":
                self._sync()
                return b"{}"
            case _:
                return None


@contextlib.contextmanager
def tenants(  # noqa: PLR0913  # one keyword an option, each with a default
    directory: Path,
    *,
    port: int = 0,
    page_size: int | None = None,
    latency: float = 0.0,
    sync_every: float | None = None,
    spare_owners: bool = False,
    trust: Path | None = None,
    google: Mapping[str, Any] | None = None,
    slack_options: Mapping[str, Any] | None = None,
    microsoft: Mapping[str, Any] | None = None,
) -> Iterator[Company]:
    """
    Open the three tenants and the outsiders; write key file, certificates and `tenants.env` into *directory*.

    *port*: the first tenant's, the others follow it; 0 takes free ones.  *trust*: the folder in which the witness finds the logs
    that it knows (`log*.vkey`).  *latency*: seconds for each answer.  *sync_every*: seconds between directory synchronisations.
    *spare_owners*: each thing with owners has one more, so that no leaver is the last.  The three mappings are the tenants' own
    options.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paging: dict[str, Any] = {} if page_size is None else {"page_size": page_size}
    made: dict[str, Any] = {
        "google_workspace": google_workspace.Tenant(**paging, **(google or {})),
        "slack": slack.Tenant(**paging, **(slack_options or {})),
        "microsoft365": microsoft365.Tenant(**paging, **(microsoft or {})),
    }
    if spare_owners:
        _name_spare_owners(made)
    truths = _truths(made)
    stages = {name: FaultProxy(tenant.app, latency=latency) for name, tenant in made.items()}
    paper = certificate(directory / "ca")
    with contextlib.ExitStack() as open_doors:
        roots = {
            name: open_doors.enter_context(
                served(
                    StateProxy(stages[name], truths[name], made["microsoft365"].sync_cycle),
                    port=port + n if port else 0,
                    certificate=paper.pair if name == "microsoft365" else None,
                )
            )
            for n, name in enumerate(made)
        }
        outside = open_doors.enter_context(outsiders(directory, trust, port=port + len(made) if port else 0))
        env = _settings(directory, made, roots, paper.ca) | outside.env | _papers(directory / "nda")
        company = Company(env, roots, stages, made, truths, outside)
        if sync_every is not None:
            open_doors.enter_context(_cycle(company, sync_every))
        write_env(directory / ENV_FILE, company.env)
        yield company


def _papers(folder: Path) -> dict[str, str]:
    """Write the company's folder of signed papers."""
    roots = company_folder(folder, datetime.now(TOKYO).date())
    return {"LASTDAY_NDA_FOLDER": str(folder.resolve()), "LASTDAY_NDA_ROOTS_FILE": str(roots.resolve())}


_NO_LIMITS = json.dumps({"*": 1_000_000})
"""Calls a minute: these tenants make nobody wait."""


def _settings(directory: Path, made: Mapping[str, Any], roots: Mapping[str, str], ca: Path) -> dict[str, str]:
    google, entra = made["google_workspace"], made["microsoft365"].credentials()
    keys = {tier: google.key_file(f"{roots['google_workspace']}/token", tier, directory) for tier in ("read", "write")}
    slack_tokens = {f"LASTDAY_SLACK_{name.upper()}": value for name, value in made["slack"].credentials().items()}
    return {
        "LASTDAY_CA_BUNDLE": str(ca.resolve()),
        "LASTDAY_GOOGLE_WORKSPACE_ENDPOINT": f"{roots['google_workspace']}/",
        "LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE": str(keys["read"].resolve()),
        "LASTDAY_GOOGLE_WORKSPACE_WRITE_CREDENTIALS_FILE": str(keys["write"].resolve()),
        "LASTDAY_GOOGLE_WORKSPACE_ADMIN_SUBJECT": google.subject,
        "LASTDAY_GOOGLE_WORKSPACE_CUSTOMER": "my_customer",
        "LASTDAY_SLACK_WEB_ENDPOINT": f"{roots['slack']}/api/",
        "LASTDAY_SLACK_SCIM_ENDPOINT": f"{roots['slack']}/scim/",
        "LASTDAY_SLACK_AUDIT_ENDPOINT": f"{roots['slack']}/audit/v1/",
        **slack_tokens,
        "LASTDAY_MICROSOFT365_GRAPH_ENDPOINT": f"{roots['microsoft365']}/v1.0",
        "LASTDAY_MICROSOFT365_AUTHORITY": roots["microsoft365"],
        "LASTDAY_MICROSOFT365_TENANT_ID": entra.tenant_id,
        "LASTDAY_MICROSOFT365_CLIENT_ID": entra.client_id,
        "LASTDAY_MICROSOFT365_CLIENT_SECRET": entra.client_secret,
        **{f"LASTDAY_{name}_LIMITS": _NO_LIMITS for name in ("GOOGLE_WORKSPACE", "SLACK", "MICROSOFT365")},
    }


def _name_spare_owners(made: Mapping[str, Any], stand_in: str = "E1009") -> None:
    """Make one person an owner of each thing that has owners, so that no leaver is the last owner."""
    google, chat, entra = made["google_workspace"], made["slack"], made["microsoft365"]
    for group in google.groups.values():
        if "OWNER" in group.members.values():
            group.members[google_id(person(stand_in).mailbox)] = "OWNER"
    for owned in {group for group, _ in entra.directory.owners}:
        entra.directory.owners[owned, entra.user_id(stand_in)] = None
    held = {(given.role_id, given.entity_id) for given in chat.assignments if given.role_id == CHANNEL_MANAGER}
    chat.assignments += [Assignment(role, entity, chat.account_id(stand_in)) for role, entity in sorted(held)]


def _truths(made: Mapping[str, Any]) -> dict[str, TenantTruth]:
    google, chat, entra = made["google_workspace"], made["slack"], made["microsoft365"]

    def google_prints() -> dict[str, str]:
        return {user: google._print(user) for user in google.users}  # noqa: SLF001  # the tenant's own comparison

    def slack_prints() -> dict[str, str]:
        return {account: repr((at, sorted(held))) for account, (at, held) in chat.state().items()}

    def entra_prints() -> dict[str, str]:
        return {user: entra.fingerprint(user) for user in entra.directory.users}

    return {
        "google_workspace": TenantTruth(
            lambda number: google_id(person(number).mailbox), google_prints, google_prints()
        ),
        "slack": TenantTruth(chat.account_id, slack_prints, slack_prints()),
        "microsoft365": TenantTruth(entra.user_id, entra_prints, entra_prints()),
    }


@contextlib.contextmanager
def _cycle(company: Company, seconds: float) -> Iterator[None]:
    """Run directory synchronisation every *seconds*; the real sync server does it every half hour."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(seconds):
            company.sync()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def write_env(path: Path, env: Mapping[str, str]) -> None:
    """Write *env* in the form of `.env`, atomically and with mode 0600, because it has the tenants' secrets."""
    draft = path.with_name(f".{path.name}.part")
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{name}={value}\n" for name, value in env.items()), encoding="utf-8")
    draft.replace(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Keep the tenants open until terminated; prints the settings once they are."""
    parser = argparse.ArgumentParser(prog="python -m emulators.tenants", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--page-size", type=int)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--slack-plan", default="enterprise")
    parser.add_argument("--entra-plan", default="P2")
    parser.add_argument("--sync-every", type=float)
    parser.add_argument("--spare-owners", action="store_true")
    parser.add_argument("--hire", type=int, default=0)
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plans: dict[str, Any] = {"slack_options": {"plan": asked.slack_plan}, "microsoft": {"plan": asked.entra_plan}}
    plans["google"] = {"logs": LogOptions(quota=QUOTA)}
    options: dict[str, Any] = {"port": asked.port, "page_size": asked.page_size, "latency": asked.latency}
    options |= {"sync_every": asked.sync_every, "spare_owners": asked.spare_owners}
    PEOPLE.extend(joiners(asked.hire))
    with tenants(asked.directory, **options, **plans) as company:
        print(json.dumps(company.env), flush=True)  # noqa: T201  # a command's answer
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
