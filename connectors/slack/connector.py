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

    *manifest* and *activity_sources* are those of the plan.  Until a probe has seen it, the manifest is Business+'s, and the
    only log is the one that is asked on every plan: no reading is begun that the plan then turns out not to need.
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
        """Say what plan and scopes allow, and let the manifest be that of the plan."""
        found = await self._probing.probe()
        self.manifest = manifest_for(Plan(found.plan))
        self.activity_sources = sources_for(Plan(found.plan))
        return found

    async def find_accounts(self, leaver: Leaver) -> Found:
        """Return every account that may be the leaver's, deactivated ones and guests included, and the look-alikes."""
        return await self._directory.find(leaver)

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        """See `Connector.find_at`."""
        return await self._directory.find_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> Numbers:
        """See `Connector.numbers`."""
        return await self._directory.numbers(people)

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        """Return what *account* holds now, of *kinds*."""
        return await self._access.list_access(account, kinds if kinds is not None else frozenset(self.manifest.kinds))

    async def freeze(self, account: Account) -> list[Receipt]:  # noqa: ARG002  # the contract's shape
        """Return nothing: Slack has nothing that must be done before the block, and nothing that dies with it."""
        return []

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        """Ask Slack to take *entitlement* away."""
        return await self._revoking.revoke(entitlement)

    async def restore(self, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
        """Give back what a wrong cut took."""
        return await self._restoring.restore(entitlement, prestate)

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        """Return one page of what *source* tells of *account* in *window*."""
        return await self._activity.read(account, source, window, cursor)

    def record(self, source: str, raw: Mapping[str, Json]) -> Record:
        """See `ActivityLog.record`."""
        return record(source, dict(raw))

    def describe(self, source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
        """Return what a raw entry tells."""
        return describe(source, raw)

    async def aclose(self) -> None:
        """Wait for the requests under way; each has a connection of its own, closed with it."""
        await self._transport.aclose()


PACE = Pace(longest=65.0)
"""Slack counts by the minute, so that a wait of a whole one is ordinary when fifty people leave at once."""


async def connect(
    settings: Settings | None = None,
    ledger: Ledger | None = None,
    *,
    connection: ConnectionId = Service.SLACK,
    pace: Pace = PACE,
    timeout: int = 20,  # noqa: ASYNC109  # the SDK's seconds; one shape for all services
) -> Connector:
    """
    Return the connector, without any request.  *timeout* is in seconds, for connecting and for each read.

    *ledger*: where all processes that ask the tenant of *connection* take their calls; None: this one is alone.
    """
    known = settings if settings is not None else Settings()
    limits = Limits(connection, LIMITS, pace.sleep, pace.longest, known.limits, ledger or OwnLedger())
    return SlackConnector(Transport(known, pace, limits, timeout=timeout), with_numbers=known.number_field != "none")
