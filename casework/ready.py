"""A service made ready before its first use: probed, since what its plan and scopes allow is its manifest."""

from __future__ import annotations

import asyncio

from casework.desk import Desk
from connectors.contract import Connector
from connectors.errors import ConnectorError
from models.vocabulary import Service


async def ready(desk: Desk, service: Service) -> Connector:
    """
    Return the connector of *service*, probed once for this desk, however many ask for it at once.

    Raises `ConnectorError` if it is not configured or its probe fails: that is not remembered, the next call probes again.
    """
    connector = desk.connectors.get(service)
    if connector is None:
        raise ConnectorError(f"{service}: is not configured any more", remedy="Add it to LASTDAY_SERVICES again.")
    async with desk.probing.setdefault(service, asyncio.Lock()):
        if service not in desk.own_accounts:
            desk.own_accounts[service] = (await connector.probe()).own_account_ids
    return connector
