"""`connectors.contract.Connector` for Microsoft 365."""

from __future__ import annotations

from connectors.activity import ActivitySource
from connectors.contract import Capabilities, Manifest
from connectors.kit.limits import Ledger, Limits, OwnLedger
from connectors.kit.pacing import Pace
from connectors.microsoft365 import probing
from connectors.microsoft365.access import AccessReader
from connectors.microsoft365.activity.describing import describe
from connectors.microsoft365.activity.reading import ActivityReader, record
from connectors.microsoft365.activity.sources import SOURCES
from connectors.microsoft365.directory import Directory
from connectors.microsoft365.limits import LIMITS
from connectors.microsoft365.manifest import MANIFEST
from connectors.microsoft365.restoring import Restorer
from connectors.microsoft365.revoking import Revoker
from connectors.microsoft365.settings import Settings
from connectors.microsoft365.transport import GraphTransport
from models.vocabulary import Account, ConnectionId, Receipt, Service


class Microsoft365Connector:
    """
    One tenant, through Graph v1.0.  Nothing is sent before the first verb.  Deleted accounts (recycle bin) are not found: nobody can
    sign in to them.

    May be used from several event loops one after the other: each gets its own SDK client.
    """

    service: Service = Service.MICROSOFT365
    manifest: Manifest = MANIFEST
    activity_sources: tuple[ActivitySource, ...] = SOURCES

    def __init__(self, settings: Settings, *, pace: Pace, limits: Limits) -> None:
        self._reader = GraphTransport(settings, settings.reader, pace, limits)
        same = settings.write_client_id is None
        self._writer = self._reader if same else GraphTransport(settings, settings.writer, pace, limits)
        directory = Directory(self._reader, settings.number_field)
        access = AccessReader(self._reader, self._writer.client_id)
        self.find_accounts, self.find_at, self.numbers = directory.find, directory.find_at, directory.numbers
        self.list_access = access.list_access
        self.revoke = Revoker(self._reader, self._writer, access).revoke
        self.restore = Restorer(self._writer, access).restore
        self.activity, self.record, self.describe = ActivityReader(self._reader).page, record, describe

    async def probe(self) -> Capabilities:
        """See `Connector.probe`.  *plan* is the edition of Entra ID."""
        return await probing.probe(self._reader, self._writer)

    async def freeze(self, account: Account) -> list[Receipt]:  # noqa: ARG002  # the contract's signature
        """Return nothing: Microsoft 365's manifest has no frozen kind."""
        return []

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
) -> Microsoft365Connector:
    """Return the connector.  Sends nothing."""
    settings, pace = settings or Settings(), pace or Pace()
    limits = Limits(connection, LIMITS, pace.sleep, pace.longest, settings.limits, ledger or OwnLedger())
    return Microsoft365Connector(settings, pace=pace, limits=limits)
