"""A connector that could not be opened: it becomes this service's finding, and the other services are cut in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

from connectors.activity import ActivitySource
from connectors.contract import Capabilities, Connector, Manifest
from connectors.errors import NotConfigured
from models.vocabulary import ConnectionId


def require_one(connectors: Mapping[ConnectionId, Connector]) -> None:
    """Raise the first connector's failure if none of *connectors* could be opened."""
    closed = [connector for connector in connectors.values() if isinstance(connector, UnopenedConnector)]
    if closed and len(closed) == len(connectors):
        raise closed[0].failure


class UnopenedConnector:
    """
    `connectors.contract.Connector` until it can be opened: every verb raises *failure*, except `probe`, which tries *reopen*
    (it puts the opened connector in this one's place).
    """

    activity_sources: tuple[ActivitySource, ...] = ()

    def __init__(self, manifest: Manifest, failure: NotConfigured, reopen: Callable[[], Awaitable[Connector]]) -> None:
        self.service = manifest.service
        self.manifest = manifest
        self.failure = failure
        self._reopen = reopen

    async def probe(self) -> Capabilities:
        return await (await self._reopen()).probe()

    async def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise NotConfigured(str(self.failure), remedy=self.failure.advice)

    find_accounts = find_at = numbers = list_access = freeze = revoke = restore = activity = _refuse

    def describe(self, *_: object) -> NoReturn:
        raise NotConfigured(str(self.failure), remedy=self.failure.advice)

    record = describe

    async def aclose(self) -> None:
        """Nothing is open."""
