"""The connector: the contract's verbs over this package's rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from connectors.activity import Activity, ActivityPage, ActivitySource, Record, Window
from connectors.contract import Capabilities, Found, Kinds, Listing, Manifest, cannot_look
from connectors.errors import ConnectorError, NotOnPlan
from connectors.google_workspace import activity as logs
from connectors.google_workspace import probing, restoring, revoking
from connectors.google_workspace.access import READERS, Look
from connectors.google_workspace.accounts import Accounts
from connectors.google_workspace.directory import Directory
from connectors.google_workspace.manifest import MANIFEST, STAMPING
from connectors.google_workspace.numbers import NumberField
from connectors.google_workspace.rate import Rate
from connectors.google_workspace.settings import Settings
from connectors.google_workspace.shape import text
from connectors.google_workspace.transport import Log, Transport
from connectors.kit.pacing import Pace
from connectors.matching import fold_email
from connectors.snapshot import Numbers
from models.vocabulary import (
    Account,
    Entitlement,
    EntitlementKind,
    EntitlementState,
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

    def __init__(self, settings: Settings, pace: Pace) -> None:
        self._subject = settings.admin_subject
        self._transport = Transport(settings, pace)
        numbers = NumberField(settings.number_field)
        self._directory = Directory(self._transport, settings.customer, numbers.schema)
        self._accounts = Accounts(self._directory, numbers)
        self._collector = logs.Collector(
            self._directory, Rate(pace.sleep, logs.A_MINUTE, logs.AT_ONCE), now=lambda: datetime.now(UTC)
        )
        self._own_id: str | None = None

    async def probe(self) -> Capabilities:
        found = await probing.probe(self._directory, self.manifest, self._subject)
        self._own_id = next(iter(found.own_account_ids), self._own_id)
        return found

    async def find_accounts(self, leaver: Leaver) -> Found:
        return await self._accounts.find(leaver)

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        return await self._accounts.find_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> Numbers:
        return await self._accounts.numbers(people)

    async def get_account(self, account_id: str) -> Account | None:
        return await self._accounts.get(account_id)

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        """Read the kinds at once; one that cannot be read becomes one row that says why."""
        wanted = [kind for kind in self.manifest.kinds if kinds is None or kind in kinds]
        look = Look(self._directory, account.id)
        logs: dict[EntitlementKind, Log] = {kind: [] for kind in wanted}
        reading = asyncio.gather(*(self._one(look, kind, logs[kind]) for kind in wanted))
        own, found = await asyncio.gather(self._is_own(account), reading)
        rows = [row for several in found for row in several]
        if own:
            rows = [replace(row, guard=Guard.OWN_CREDENTIAL) for row in rows]
        return Listing(rows, {kind: tuple(log) for kind, log in logs.items()})

    async def freeze(self, account: Account) -> list[Receipt]:
        try:
            return await revoking.freeze(self._directory, account.id)
        finally:
            self._directory.admin_log.note_asked(account.id)

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        try:
            return await revoking.revoke(self._directory, entitlement)
        finally:
            if entitlement.kind in STAMPING:
                self._directory.admin_log.note_asked(entitlement.account_id)

    async def restore(self, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
        return await restoring.restore(self._directory, entitlement, prestate)

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        return await self._collector.page(account, source, window, cursor)

    def record(self, source: str, raw: Mapping[str, Json]) -> Record:  # noqa: ARG002  # the interface's
        """See `ActivityLog.record`."""
        return logs.record(dict(raw))

    def describe(self, source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
        return logs.describe(source, raw)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _one(self, look: Look, kind: EntitlementKind, log: Log) -> list[Entitlement]:
        try:
            return await READERS[kind](look, log)
        except ConnectorError as error:
            state = EntitlementState.NOT_ON_PLAN if isinstance(error, NotOnPlan) else EntitlementState.UNREADABLE
            row = cannot_look(self.service, look.account_id, kind, state, problem=str(error), remedy=error.advice)
            return [row]

    async def _is_own(self, account: Account) -> bool:
        """
        Whether our credentials belong to *account*.

        Our own id is read once and kept, ids being immutable.  Where it cannot be read, an account whose address is ours, or
        is not known, counts as ours.
        """
        if self._own_id is None:
            try:
                self._own_id = text(await probing.own_account(self._directory, self._subject), "id")
            except ConnectorError:
                return not account.label or fold_email(account.label) == fold_email(self._subject)
        return account.id == self._own_id


async def connect(settings: Settings | None = None, *, pace: Pace | None = None) -> GoogleWorkspace:
    """Return the connector.  Opens no connection; raises `OSError` or `ValueError` for a key file that is none."""
    return GoogleWorkspace(settings if settings is not None else Settings(), pace if pace is not None else Pace())
