"""`connectors.contract.Connector` for Microsoft 365."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from connectors.activity import Activity, ActivityPage, ActivitySource, Record, Window
from connectors.contract import Capabilities, Found, Kinds, Listing, Manifest
from connectors.kit.limits import Ledger, Limits, OwnLedger
from connectors.kit.pacing import Pace
from connectors.microsoft365 import probing
from connectors.microsoft365.access import Access
from connectors.microsoft365.activity.describing import describe
from connectors.microsoft365.activity.reading import Activities, record
from connectors.microsoft365.activity.search import utc_now
from connectors.microsoft365.activity.sources import SOURCES
from connectors.microsoft365.directory import Directory
from connectors.microsoft365.limits import LIMITS
from connectors.microsoft365.manifest import MANIFEST
from connectors.microsoft365.restoring import Restoring
from connectors.microsoft365.revoking import Revoking
from connectors.microsoft365.settings import Settings
from connectors.microsoft365.transport import Graph
from connectors.snapshot import Numbers
from models.vocabulary import Account, ConnectionId, Entitlement, Json, Leaver, Match, Receipt, Service


class Microsoft365:
    """
    One tenant, through Graph v1.0.  Nothing is sent before the first verb.

    May be used from several event loops one after the other: each gets its own SDK client.
    """

    service: Service = Service.MICROSOFT365
    manifest: Manifest = MANIFEST
    activity_sources: tuple[ActivitySource, ...] = SOURCES

    def __init__(
        self, settings: Settings, *, pace: Pace, limits: Limits, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._reader = Graph(settings, settings.reader, pace, limits)
        same = settings.write_client_id is None
        self._writer = self._reader if same else Graph(settings, settings.writer, pace, limits)
        self._directory = Directory(self._reader, settings.number_field)
        self._access = Access(self._reader, self._writer.client_id)
        self._revoking = Revoking(self._reader, self._writer, self._access)
        self._restoring = Restoring(self._writer, self._access)
        self._activities = Activities(self._reader, clock)

    async def probe(self) -> Capabilities:
        """See `Connector.probe`.  *plan* is the edition of Entra ID."""
        return await probing.probe(self._reader, self._writer)

    async def find_accounts(self, leaver: Leaver) -> Found:
        """See `Connector.find_accounts`.  Does not find deleted accounts (recycle bin), which nobody can sign in to."""
        return await self._directory.find(leaver)

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        return await self._directory.find_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> Numbers:
        return await self._directory.numbers(people)

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        return await self._access.list(account, kinds)

    async def freeze(self, account: Account) -> list[Receipt]:  # noqa: ARG002  # the contract's signature
        """Return nothing: Microsoft 365's manifest has no frozen kind."""
        return []

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        return await self._revoking.revoke(entitlement)

    async def restore(self, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
        return await self._restoring.restore(entitlement, prestate)

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        return await self._activities.page(account, source, window, cursor)

    def record(self, source: str, raw: Mapping[str, Json]) -> Record:
        return record(source, dict(raw))

    def describe(self, source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
        return describe(source, raw)

    async def aclose(self) -> None:
        await self._reader.aclose()
        if self._writer is not self._reader:
            await self._writer.aclose()


async def connect(
    settings: Settings | None = None,
    ledger: Ledger | None = None,
    *,
    connection: ConnectionId = Service.MICROSOFT365,
    pace: Pace | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Microsoft365:
    """
    Return the connector for *settings* (None: from the environment).  Sends nothing.

    *ledger*: where all processes that call *connection*'s tenant take their calls; None: this process counts alone.
    """
    settings, pace = settings or Settings(), pace or Pace()
    limits = Limits(connection, LIMITS, pace.sleep, pace.longest, settings.limits, ledger or OwnLedger())
    return Microsoft365(settings, pace=pace, limits=limits, clock=clock)
