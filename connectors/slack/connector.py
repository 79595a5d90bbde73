"""Slack, as seen by a leaver's case."""

from __future__ import annotations

from connectors.activity import ActivitySource
from connectors.contract import Capabilities, Connector, Kinds, Listing, Manifest
from connectors.kit.limits import Ledger, Limits, OwnLedger
from connectors.kit.pacing import Pace
from connectors.slack.access import AccessReader
from connectors.slack.activity.describing import describe
from connectors.slack.activity.reading import ActivityReader
from connectors.slack.activity.records import record
from connectors.slack.activity.sources import sources_for
from connectors.slack.directory import Directory
from connectors.slack.identity import Identities
from connectors.slack.limits import LIMITS
from connectors.slack.manifest import MANIFEST, SlackPlan, manifest_for
from connectors.slack.probing import Prober
from connectors.slack.restoring import Restorer
from connectors.slack.revoking import Revoker
from connectors.slack.settings import Settings
from connectors.slack.transport import Transport
from connectors.slack.user_groups import UserGroups
from models.vocabulary import Account, ConnectionId, Receipt, Service


class SlackConnector:
    """
    `connectors.contract.Connector` for Slack.

    *manifest* and *activity_sources* are those of the plan.  Before the first probe they are Business+'s manifest and the
    Audit Logs only, which are read on every plan.
    """

    service = Service.SLACK

    def __init__(self, transport: Transport, *, with_numbers: bool = True) -> None:
        self.manifest: Manifest = MANIFEST
        self.activity_sources: tuple[ActivitySource, ...] = sources_for(SlackPlan.ENTERPRISE)
        self._transport = transport
        identities = Identities(transport)
        self._access = AccessReader(transport, identities)
        self._probing = Prober(transport, identities)
        user_groups = UserGroups(transport, identities, self._access)
        revoking = Revoker(transport, identities, self._access, user_groups.leave)
        directory = Directory(transport, identities, with_numbers=with_numbers)
        self.find_accounts, self.find_at, self.numbers = directory.find, directory.find_at, directory.numbers
        self.revoke, self.restore = revoking.revoke, Restorer(transport, revoking, user_groups).restore
        self.activity, self.record, self.describe = ActivityReader(transport).read, record, describe
        self.aclose = transport.aclose

    async def probe(self) -> Capabilities:
        """See `Connector.probe`.  Sets the manifest and the logs to those of the plan."""
        found = await self._probing.probe()
        self.manifest = manifest_for(SlackPlan(found.plan))
        self.activity_sources = sources_for(SlackPlan(found.plan))
        return found

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        return await self._access.list_access(account, kinds if kinds is not None else frozenset(self.manifest.kinds))

    async def freeze(self, account: Account) -> list[Receipt]:  # noqa: ARG002  # the contract's shape
        """Return nothing: Slack's manifest has no frozen kind."""
        return []


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
    """Return the connector, without any request.  *timeout* is in whole seconds, for connecting and for each read."""
    known = settings if settings is not None else Settings()
    limits = Limits(connection, LIMITS, pace.sleep, pace.longest, known.limits, ledger or OwnLedger())
    return SlackConnector(Transport(known, pace, limits, timeout=timeout), with_numbers=known.number_field != "none")
