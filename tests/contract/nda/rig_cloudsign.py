"""CloudSign's register on an emulated team."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from connectors.nda.cloudsign import Settings, connect
from emulators.cloudsign import Tenant
from emulators.fault_proxy import Fault, FaultProxy, served
from tests.contract.nda.rig import FAST, Rig


@asynccontextmanager
async def rig(directory: Path, **options: Any) -> AsyncIterator[Rig]:
    """Options are the tenant's, and *settings* (a mapping), *patience*, *pace* and *ledger* of the register."""
    other, patience = options.pop("settings", {}), options.pop("patience", 10.0)
    pace, ledger = options.pop("pace", FAST), options.pop("ledger", None)
    tenant = Tenant(**options)
    stage = FaultProxy(tenant.app)
    with served(stage) as root:
        values: dict[str, Any] = {
            "endpoint": root,
            "index_file": directory / "index.db",
            **tenant.credentials(),
            **other,
        }
        register = await connect(Settings(_env_file=None, **values), pace=pace, patience=patience, ledger=ledger)

        def answer(paper_id: str, decline: bool) -> None:
            tenant.answer(tenant.documents[paper_id], "declined" if decline else "signed")

        try:
            yield Rig(
                "cloudsign", register, stage, tenant, lambda: list(tenant.mails), answer,
                lambda: stage.faults.append(Fault(".", status=503, times=None)),
            )  # fmt: skip
        finally:
            await register.aclose()
