"""DocuSign's register on an emulated account, over https: the SDK speaks nothing else to its authority."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from connectors.nda.docusign import Settings, connect
from emulators.ca import certificate
from emulators.docusign import Tenant
from emulators.fault_proxy import Fault, FaultProxy, served
from tests.contract.nda.rig import FAST, Rig


@asynccontextmanager
async def rig(directory: Path, **options: Any) -> AsyncIterator[Rig]:
    """Options are the tenant's, and *settings* (a mapping), *patience*, *pace* and *ledger* of the register."""
    other, patience = options.pop("settings", {}), options.pop("patience", 10.0)
    pace, ledger = options.pop("pace", FAST), options.pop("ledger", None)
    tenant = Tenant(**options)
    stage = FaultProxy(tenant.app)
    papers = certificate(directory / "ca")
    with served(stage, certificate=papers.pair) as root:
        values: dict[str, Any] = {
            "authority": root,
            "key_file": tenant.key_file(directory),
            "LASTDAY_CA_BUNDLE": papers.ca,
            **tenant.credentials(),
            **other,
        }
        register = await connect(Settings(_env_file=None, **values), pace=pace, patience=patience, ledger=ledger)

        def answer(paper_id: str, decline: bool) -> None:
            tenant.sign(paper_id, decline=decline)

        try:
            yield Rig(
                "docusign", register, stage, tenant, lambda: list(tenant.mails), answer,
                lambda: stage.faults.append(Fault(".", status=503, times=None)),
            )  # fmt: skip
        finally:
            await register.aclose()
