"""Slack's connector on an emulated organisation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from connectors.kit.limits import Limits
from connectors.kit.pacing import Pace
from connectors.slack import Settings, connect
from connectors.slack.limits import LIMITS
from connectors.slack.transport import Transport
from emulators.fault_proxy import FaultProxy, served
from emulators.slack import Tenant
from emulators.slack.state import ENTERPRISE_ID
from models.vocabulary import Service
from tests.contract.rig import ActivityRig, Rig


def settings_for(tenant: Tenant, root: str, **other: Any) -> Settings:
    """Return the settings for a tenant served at *root*, reading no file."""
    endpoints = {
        "web_endpoint": f"{root}/api/",
        "scim_endpoint": f"{root}/scim/",
        "audit_endpoint": f"{root}/audit/v1/",
    }
    return Settings(_env_file=None, **{**endpoints, **tenant.credentials(), **other})


def transport_for(settings: Settings, pace: Pace = Pace(tries=1), *, timeout: int = 20) -> Transport:  # noqa: B008  # frozen
    """Return the way to a tenant without a connector: one try, and no waiting for its limits."""
    return Transport(settings, pace, Limits(Service.SLACK, LIMITS, _no_wait, pace.longest), timeout=timeout)


def _download(tenant: Tenant, account_id: str, at: datetime) -> None:
    tenant.audit.append(
        {
            "id": f"canvas-{at:%H%M%S}",
            "date_create": int(at.timestamp()),
            "action": "canvas_downloaded",
            "actor": {"type": "user", "user": {"id": account_id}},
            "entity": {"type": "canvas", "canvas": {"id": "F0CANVAS01", "title": "極秘_顧客名簿"}},
            "context": {"location": {"type": "enterprise", "id": ENTERPRISE_ID}, "ip_address": "203.0.113.10"},
            "details": {},
        }
    )
    tenant.audit.sort(key=lambda entry: int(entry["date_create"]))


ACTIVITY = ActivityRig(source="audit_logs", options={"page_size": 1}, record=_download, pages="GET /audit/v1/logs")


@asynccontextmanager
async def rig(**options: Any) -> AsyncIterator[Rig]:
    """
    Yield a fresh rig, probed as every run begins; the journal starts after that.

    Options are the tenant's, and *timeout* in seconds, *probe* and *settings* (a mapping) of the connector.
    """
    timeout, probe, other = options.pop("timeout", 5), options.pop("probe", True), options.pop("settings", {})
    tenant = Tenant(**options)
    stage = FaultProxy(tenant.app)
    with served(stage) as root:
        pace = Pace(tries=3, base=0.0, sleep=_no_wait)
        connector = await connect(settings_for(tenant, root, **other), pace=pace, timeout=timeout)
        if probe:
            await connector.probe()
        stage.journal.clear()
        before = tenant.state()

        def changed() -> set[str]:
            after = tenant.state()
            return {account for account in before | after if before.get(account) != after.get(account)}

        yield Rig(Service.SLACK, stage, tenant, connector, tenant.account_id, tenant.held, changed)
        await connector.aclose()


async def _no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)
