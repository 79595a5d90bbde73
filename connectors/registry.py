"""Which connector speaks to which service: one line each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module

from connectors.contract import Connector
from models.vocabulary import Service

_PACKAGES = {
    Service.GOOGLE_WORKSPACE: "connectors.google_workspace",
    Service.SLACK: "connectors.slack",
    Service.MICROSOFT365: "connectors.microsoft365",
}


@asynccontextmanager
async def open_connectors(services: Iterable[Service]) -> AsyncIterator[Mapping[Service, Connector]]:
    """
    Open the connectors of *services*, configured from the environment, and close them at the end.

    A service's SDK is imported only when the service is used.  A missing setting raises, nothing is skipped.
    """
    opened: dict[Service, Connector] = {}
    try:
        for service in services:
            opened[service] = await import_module(_PACKAGES[service]).connect()
        yield opened
    finally:
        await asyncio.gather(*(connector.aclose() for connector in opened.values()))
