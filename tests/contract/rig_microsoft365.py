"""Microsoft 365's connector, wired to its emulated tenant over https on a real socket."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.contract import Connector
from connectors.kit.exchange import Row
from connectors.kit.pacing import Pace
from connectors.microsoft365 import Settings, connect
from connectors.microsoft365.access import APP_ROLE, ELIGIBLE, OAUTH2, OWNER
from connectors.microsoft365.directory import read_user
from connectors.microsoft365.transport import GraphTransport
from emulators.ca import certificate
from emulators.fault_proxy import FaultProxy, served
from emulators.microsoft365 import Tenant
from models.vocabulary import EntitlementKind, Service
from tests.contract.rig import ActivityRig, Rig


async def _at_once(_: float) -> None:
    """Wait for nothing: what asks for a second gets it in no time."""


FAST = Pace(tries=3, base=0.001, longest=0.05, sleep=_at_once)


def _download(tenant: Tenant, account_id: str, at: datetime) -> None:
    tenant.book.write(account_id, "FileDownloaded", at=at)


ACTIVITY = ActivityRig(
    source="purview",
    options={"page_size": 1, "pace": Pace(tries=3, sleep=_at_once)},
    record=_download,
    pages=r"GET /v1.0/security/auditLog/queries",
)


def graph_of(r: Rig) -> GraphTransport:
    """Return the connector's own way to Graph."""
    graph: GraphTransport = r.connector._reader  # type: ignore[attr-defined]  # the real one
    return graph


async def read(r: Rig, person: str = "E1001") -> Row:
    """Read one user by one request: the least that can be asked."""
    return await read_user(graph_of(r), r.account_id(person), ["id"], [])


@asynccontextmanager
async def rig(*, pace: Pace = FAST, settings: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Rig]:
    """Yield a fresh rig.  *settings* replace or add to the connector's own; *options* are the tenant's."""
    tenant = Tenant(**options)
    stage = FaultProxy(tenant.app)
    with tempfile.TemporaryDirectory() as directory:
        papers = certificate(Path(directory))
        with served(stage, certificate=papers.pair) as root:
            connector: Connector = await connect(settings_for(tenant, root, papers.ca, **(settings or {})), pace=pace)
            try:
                yield Rig(
                    service=Service.MICROSOFT365,
                    stage=stage,
                    tenant=tenant,
                    connector=connector,
                    account_id=tenant.user_id,
                    held=lambda account_id: held(tenant, account_id),
                    changed=tenant.changed,
                )
            finally:
                await connector.aclose()


def settings_for(tenant: Tenant, root: str, ca: Path, **more: Any) -> Settings:
    """Return the settings that reach *tenant* at *root*."""
    own = tenant.credentials()
    values: dict[str, Any] = {
        "graph_endpoint": f"{root}/v1.0",
        "authority": root,
        "tenant_id": own.tenant_id,
        "client_id": own.client_id,
        "client_secret": own.client_secret,
        "LASTDAY_CA_BUNDLE": ca,
    }
    return Settings(_env_file=None, **(values | more))


def held(tenant: Tenant, user: str) -> set[str]:
    """Return the ids of what the tenant truly grants *user* now, guarded and unlistable rows included."""
    d = tenant.directory
    rows: list[tuple[EntitlementKind, str]] = []
    if d.users[user]["accountEnabled"]:
        rows.append((EntitlementKind.SIGN_IN, "account"))
    if tenant.live_sessions(user):
        rows.append((EntitlementKind.SESSION, "account"))
    tables = (
        (EntitlementKind.GRANT, OAUTH2, d.grants),
        (EntitlementKind.GRANT, APP_ROLE, d.app_roles),
        (EntitlementKind.ROLE, "", d.role_assignments),
        (EntitlementKind.ROLE, ELIGIBLE, d.eligibilities),
    )
    for kind, prefix, table in tables:
        rows += [(kind, prefix + key) for key, row in table.items() if row["principalId"] == user]
    rows += [(EntitlementKind.GROUP, group) for group, member in d.members if member == user]
    rows += [(EntitlementKind.GROUP, OWNER + group) for group, owner in d.owners if owner == user]
    return {f"{Service.MICROSOFT365}:{user}:{kind}:{vendor_id}" for kind, vendor_id in rows}
