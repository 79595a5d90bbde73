"""Slack, as seen by a leaver's case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.activity import Activity, ActivityPage, ActivitySource, Record, Window
from connectors.contract import Capabilities, Connector, Found, Kinds, Listing, Manifest
from connectors.kit.limits import Ledger, Limits, OwnLedger
from connectors.kit.pacing import Pace
from connectors.slack.access import Access
from connectors.slack.activity import ActivityReader, describe, record, sources_for
from connectors.slack.directory import Directory
from connectors.slack.identity import Identities
from connectors.slack.limits import LIMITS
from connectors.slack.manifest import MANIFEST, Plan, manifest_for
from connectors.slack.probing import Probing
from connectors.slack.restoring import Restoring
from connectors.slack.revoking import Revoking
from connectors.slack.settings import Settings
from connectors.slack.transport import Transport
from connectors.slack.user_groups import UserGroups
from connectors.snapshot import Numbers
from models.vocabulary import Account, ConnectionId, Entitlement, Json, Leaver, Match, Receipt, Service


class SlackConnector:
    """
    `connectors.contract.Connector` for Slack.

    *manifest* and *activity_sources* are those of the plan.  Before the first probe they are Business+'s manifest and the
    Audit Logs only, which are read on every plan.
    """

    service = Service.SLACK

    def __init__(self, transport: Transport, *, with_numbers: bool = True) -> None:
        self.manifest: Manifest = MANIFEST
        self.activity_sources: tuple[ActivitySource, ...] = sources_for(Plan.ENTERPRISE)
        self._transport = transport
        identities = Identities(transport)
        access = Access(transport, identities)
        user_groups = UserGroups(transport, identities, access)
        self._directory = Directory(transport, identities, with_numbers)
        self._access = access
        self._revoking = Revoking(transport, identities, access, user_groups)
        self._restoring = Restoring(transport, self._revoking, user_groups)
        self._probing = Probing(transport, identities)
        self._activity = ActivityReader(transport)

    async def probe(self) -> Capabilities:
        """See `Connector.probe`.  Sets the manifest and the logs to those of the plan."""
        found = await self._probing.probe()
        self.manifest = manifest_for(Plan(found.plan))
        self.activity_sources = sources_for(Plan(found.plan))
        return found

    async def find_accounts(self, leaver: Leaver) -> Found:
        return await self._directory.find(leaver)

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        return await self._directory.find_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> Numbers:
        return await self._directory.numbers(people)

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        return await self._access.list_access(account, kinds if kinds is not None else frozenset(self.manifest.kinds))

    async def freeze(self, account: Account) -> list[Receipt]:  # noqa: ARG002  # the contract's shape
        """Return nothing: Slack's manifest has no frozen kind."""
        return []

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        return await self._revoking.revoke(entitlement)

    async def restore(self, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
        return await self._restoring.restore(entitlement, prestate)

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        return await self._activity.read(account, source, window, cursor)

    def record(self, source: str, raw: Mapping[str, Json]) -> Record:
        return record(source, dict(raw))

    def describe(self, source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
        return describe(source, raw)

    async def aclose(self) -> None:
        """Wait for the requests under way; each closes its own connection."""
        await self._transport.aclose()


PACE = Pace(longest=65.0)
"""Longest wait in seconds: Slack counts by the minute, so a wait of a whole minute is ordinary when fifty people leave."""


async def connect(
    settings: Settings | None = None,
    ledger: Ledger | None = None,
    *,
    connection: ConnectionId = Service.SLACK,
    pace: Pace = PACE,
    timeout: int = 20,  # noqa: ASYNC109  # the SDK's seconds; one shape for all services
) -> Connector:
    """
    Return the connector, without any request.  *timeout* is in whole seconds, for connecting and for each read.

    *ledger*: where all processes that call *connection*'s tenant take their calls; None: this process counts alone.
    """
    known = settings if settings is not None else Settings()
    limits = Limits(connection, LIMITS, pace.sleep, pace.longest, known.limits, ledger or OwnLedger())
    return SlackConnector(Transport(known, pace, limits, timeout=timeout), with_numbers=known.number_field != "none")
