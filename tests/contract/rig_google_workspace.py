"""Google Workspace's connector, wired to its emulated tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connectors.contract import Connector
from connectors.google_workspace import Settings, connect
from connectors.kit.pacing import Pace
from emulators.company import person
from emulators.fault_proxy import FaultProxy, served
from emulators.google_workspace import Tenant
from emulators.google_workspace.state import user_id
from models.vocabulary import Service
from tests.contract.rig import ActivityRig, Rig


async def _no_wait(seconds: float) -> None:
    """Waits are counted elsewhere."""


FAST = Pace(sleep=_no_wait)


def _download(tenant: Any, account_id: str, at: datetime) -> None:
    tenant.record_activity(
        account_id, "download", at=at, primary_event=True, doc_id="1" * 44, doc_title="price-list.pdf"
    )


ACTIVITY = ActivityRig(
    source="drive", options={"page_size": 1}, record=_download, pages=r"/activity/users/\d+/applications/drive"
)


@asynccontextmanager
async def rig(**options: Any) -> AsyncIterator[Rig]:
    """Yield a fresh tenant with its connector.  *options* are the tenant's; `tiers=1` uses one key for both tiers, *pace* waits."""
    tiers, pace = options.pop("tiers", 2), options.pop("pace", FAST)
    known = {"number_field": options.pop("number_field")} if "number_field" in options else {}
    tenant = Tenant(**options)
    stage = FaultProxy(tenant.app)
    with TemporaryDirectory() as folder, served(stage) as root:
        key = tenant.key_file(f"{root}/token", "read", Path(folder))
        write_key = tenant.key_file(f"{root}/token", "write", Path(folder)) if tiers == 2 else None
        settings = Settings(
            endpoint=root, credentials_file=key, write_credentials_file=write_key, admin_subject=tenant.subject, **known
        )
        connector: Connector = await connect(settings, pace=pace)
        try:
            yield Rig(
                service=Service.GOOGLE_WORKSPACE,
                stage=stage,
                tenant=tenant,
                connector=connector,
                account_id=lambda employee_no: user_id(person(employee_no).mailbox),
                held=tenant.held,
                changed=tenant.changed,
            )
        finally:
            await connector.aclose()
