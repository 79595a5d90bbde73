"""`connectors.contract.Connector` for Google Workspace."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from dataclasses import replace

from connectors.activity import ActivityRecord, ActivitySource
from connectors.contract import Capabilities, Kinds, Listing, Manifest
from connectors.errors import ConnectorError
from connectors.google_workspace import probing, revoking
from connectors.google_workspace.access import READERS, AccountReading
from connectors.google_workspace.activity.describing import describe
from connectors.google_workspace.activity.reading import LogReader
from connectors.google_workspace.activity.records import record
from connectors.google_workspace.activity.sources import SOURCES
from connectors.google_workspace.directory import Directory
from connectors.google_workspace.errors import WHO
from connectors.google_workspace.limits import LIMITS
from connectors.google_workspace.manifest import MANIFEST, STAMPING
from connectors.google_workspace.numbers import NumberField
from connectors.google_workspace.requests import Requests
from connectors.google_workspace.restoring import restore
from connectors.google_workspace.settings import Settings
from connectors.google_workspace.transport import Transport
from connectors.kit.answers import need
from connectors.kit.exchange import Trace
from connectors.kit.limits import Ledger, Limits, OwnLedger
from connectors.kit.listing import read_kinds
from connectors.kit.pacing import Pace
from connectors.kit.single_flight import SingleFlight
from connectors.matching import fold_email
from models.vocabulary import Account, ConnectionId, Entitlement, Guard, Json, Receipt, Service


class GoogleWorkspaceConnector:
    """One tenant of Google Workspace.  See `connectors.contract.Connector` for what each verb promises."""

    service: Service = Service.GOOGLE_WORKSPACE
    manifest: Manifest = MANIFEST
    activity_sources: tuple[ActivitySource, ...] = SOURCES

    def __init__(self, settings: Settings, pace: Pace, limits: Limits) -> None:
        self._subject = settings.admin_subject
        self._transport = Transport(settings, pace, limits)
        numbers = NumberField(settings.number_field)
        self._requests = Requests(self._transport, settings.customer, numbers.schema)
        directory = Directory(self._requests, numbers)
        self.find_accounts, self.find_at, self.numbers = directory.find, directory.find_at, directory.numbers
        self.restore = functools.partial(restore, self._requests)
        self.activity, self.describe = LogReader(self._requests).page, describe
        self.aclose = self._transport.aclose
        self._own_id: str | None = None
        self._own = SingleFlight[str]()

    async def probe(self) -> Capabilities:
        found = await probing.probe(self._requests, self.manifest, self._subject)
        self._own_id = next(iter(found.own_account_ids), self._own_id)
        return found

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        wanted = [kind for kind in self.manifest.kinds if kinds is None or kind in kinds]
        reading = AccountReading(self._requests, account.id)
        readers = {kind: functools.partial(READERS[kind], reading) for kind in wanted}
        own, listing = await asyncio.gather(self._is_own(account), read_kinds(self.service, account.id, readers))
        if not own:
            return listing
        return Listing((replace(row, guard=Guard.OWN_CREDENTIAL) for row in listing), listing.evidence)

    async def freeze(self, account: Account) -> list[Receipt]:
        try:
            return await revoking.freeze(self._requests, account.id)
        finally:
            self._requests.admin_log.note_asked(account.id)

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        try:
            return await revoking.revoke(self._requests, entitlement)
        finally:
            if entitlement.kind in STAMPING:
                self._requests.admin_log.note_asked(entitlement.account_id)

    def record(self, source: str, raw: Mapping[str, Json]) -> ActivityRecord:  # noqa: ARG002  # the interface's
        return record(dict(raw))

    async def _is_own(self, account: Account) -> bool:
        """
        Whether our credentials belong to *account*.

        Our own id is immutable, so it is read once.  If it cannot be read, an account with our address, or without a known one,
        counts as ours.
        """
        try:
            return account.id == (self._own_id or await self._own.share(self._subject, self._read_own, []))
        except ConnectorError:
            return not account.label or fold_email(account.label) == fold_email(self._subject)

    async def _read_own(self, _: Trace) -> str:
        if self._own_id is None:
            self._own_id = need(WHO, await probing.own_account(self._requests, self._subject), "id", str)
        return self._own_id


async def connect(
    settings: Settings | None = None,
    ledger: Ledger | None = None,
    *,
    pace: Pace | None = None,
    connection: ConnectionId = Service.GOOGLE_WORKSPACE,
) -> GoogleWorkspaceConnector:
    """Return the connector.  Sends nothing; raises `OSError` or `ValueError` for a file that is not a key file."""
    settings, pace = settings or Settings(), pace or Pace()
    limits = Limits(connection, LIMITS, pace.sleep, pace.longest, settings.limits, ledger or OwnLedger())
    return GoogleWorkspaceConnector(settings, pace, limits)
