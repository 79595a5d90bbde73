"""Which connector speaks to which service: one line each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module

from pydantic import ValidationError

from connectors.contract import Connector
from connectors.errors import NotConfigured
from models.vocabulary import ConnectionId, Service

_PACKAGES = {
    Service.GOOGLE_WORKSPACE: "connectors.google_workspace",
    Service.SLACK: "connectors.slack",
    Service.MICROSOFT365: "connectors.microsoft365",
}


@asynccontextmanager
async def open_connectors(connections: Iterable[ConnectionId]) -> AsyncIterator[Mapping[ConnectionId, Connector]]:
    """
    Open the connectors of *connections*, configured from the environment, and close them at the end.

    A service's SDK is imported only when the service is used.  Raises `NotConfigured` for a missing setting: nothing is
    skipped.
    """
    opened: dict[ConnectionId, Connector] = {}
    try:
        for connection in connections:
            opened[connection] = await _open(Service(connection))
        yield opened
    finally:
        await asyncio.gather(*(connector.aclose() for connector in opened.values()))


async def _open(service: Service) -> Connector:
    try:
        connector: Connector = await import_module(_PACKAGES[service]).connect()
    except ValidationError as exc:
        faults = exc.errors(include_input=False, include_url=False, include_context=False)
        named = "; ".join(f"{_variable(service, e['loc'])}: {e['msg']}" for e in faults)
        # `from None`: the original holds the values, which may be secrets
        raise NotConfigured(f"{service}: cannot be opened: {named}") from None
    return connector


def _variable(service: Service, loc: tuple[int | str, ...]) -> str:
    name = "_".join(map(str, loc)).upper()
    return name if name.startswith("LASTDAY_") else f"LASTDAY_{service.upper()}_{name}"
