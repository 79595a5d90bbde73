"""`connectors.contract.Connector` for Google Workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from connectors.activity import Activity, ActivityPage, ActivitySource, Record, Window
from connectors.contract import Capabilities, Found, Kinds, Listing, Manifest, unread
from connectors.errors import ConnectorError
from connectors.google_workspace import activity as logs
from connectors.google_workspace import probing, restoring, revoking
from connectors.google_workspace.access import READERS, AccountReading
from connectors.google_workspace.directory import Directory
from connectors.google_workspace.errors import WHO
from connectors.google_workspace.limits import LIMITS
from connectors.google_workspace.manifest import MANIFEST, STAMPING
from connectors.google_workspace.numbers import NumberField
from connectors.google_workspace.requests import Requests
from connectors.google_workspace.settings import Settings
from connectors.google_workspace.transport import Transport
from connectors.kit.answers import need
from connectors.kit.exchange import Trace
from connectors.kit.limits import Ledger, Limits, OwnLedger
from connectors.kit.pacing import Pace
from connectors.kit.single_flight import SingleFlight
from connectors.matching import fold_email
from connectors.snapshot import Numbers
from models.vocabulary import (
    Account,
    ConnectionId,
    Entitlement,
    EntitlementKind,
    Guard,
    Json,
    Leaver,
    Match,
    Receipt,
    Service,
)


class GoogleWorkspace:
    """One tenant of Google Workspace.  See `connectors.contract.Connector` for what each verb promises."""

    service: Service = Service.GOOGLE_WORKSPACE
    manifest: Manifest = MANIFEST
    activity_sources: tuple[ActivitySource, ...] = logs.SOURCES

    def __init__(self, settings: Settings, pace: Pace, limits: Limits) -> None:
        self._subject = settings.admin_subject
        self._transport = Transport(settings, pace, limits)
        numbers = NumberField(settings.number_field)
        self._requests = Requests(self._transport, settings.customer, numbers.schema)
        self._directory = Directory(self._requests, numbers)
        self._logs = logs.LogReader(self._requests, now=lambda: datetime.now(UTC))
        self._own_id: str | None = None
        self._own = SingleFlight[str]()

    async def probe(self) -> Capabilities:
        found = await probing.probe(self._requests, self.manifest, self._subject)
        self._own_id = next(iter(found.own_account_ids), self._own_id)
        return found

    async def find_accounts(self, leaver: Leaver) -> Found:
        return await self._directory.find(leaver)

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        return await self._directory.find_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> Numbers:
        return await self._directory.numbers(people)

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        """Read the kinds at once; one that cannot be read becomes one row that says why."""
        wanted = [kind for kind in self.manifest.kinds if kinds is None or kind in kinds]
        reading = AccountReading(self._requests, account.id)
        traces: dict[EntitlementKind, Trace] = {kind: [] for kind in wanted}
        listed = asyncio.gather(*(self._one(reading, kind, traces[kind]) for kind in wanted))
        own, found = await asyncio.gather(self._is_own(account), listed)
        rows = [row for several in found for row in several]
        if own:
            rows = [replace(row, guard=Guard.OWN_CREDENTIAL) for row in rows]
        return Listing(rows, {kind: tuple(trace) for kind, trace in traces.items()})

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

    async def restore(self, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
        return await restoring.restore(self._requests, entitlement, prestate)

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        return await self._logs.page(account, source, window, cursor)

    def record(self, source: str, raw: Mapping[str, Json]) -> Record:  # noqa: ARG002  # the interface's
        return logs.record(dict(raw))

    def describe(self, source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
        return logs.describe(source, raw)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _one(self, reading: AccountReading, kind: EntitlementKind, trace: Trace) -> list[Entitlement]:
        try:
            return await READERS[kind](reading, trace)
        except ConnectorError as error:
            return [unread(self.service, reading.account_id, kind, error)]

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
) -> GoogleWorkspace:
    """
    Return the connector.  Opens no connection; raises `OSError` or `ValueError` if the key file cannot be read or is not one.

    *ledger*: where all processes that call *connection*'s tenant take their calls; None: this process counts alone.
    """
    settings, pace = settings or Settings(), pace or Pace()
    limits = Limits(connection, LIMITS, pace.sleep, pace.longest, settings.limits, ledger or OwnLedger())
    return GoogleWorkspace(settings, pace, limits)
