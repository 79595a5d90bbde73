"""Restoring sign-in, memberships and ownerships, and roles.  The person must enrol everything else again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgraph.generated.models.expiration_pattern import ExpirationPattern
from msgraph.generated.models.expiration_pattern_type import ExpirationPatternType
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.request_schedule import RequestSchedule
from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment
from msgraph.generated.models.unified_role_eligibility_schedule_request import UnifiedRoleEligibilityScheduleRequest
from msgraph.generated.models.unified_role_schedule_request_actions import UnifiedRoleScheduleRequestActions

from connectors.errors import ConnectorError
from connectors.kit.answers import instant, need
from connectors.kit.exchange import Trace
from connectors.microsoft365.access import ELIGIBLE, OWNER, AccessReader
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.errors import RequestRefused
from connectors.microsoft365.manifest import DISABLE, WRITE_ELIGIBLE, WRITE_MEMBERS, WRITE_OWNERS, WRITE_ROLES
from connectors.microsoft365.transport import GraphTransport, enabling, requesting
from models.vocabulary import Entitlement, EntitlementKind, Evidence, Json, Receipt, RevocationResult

Prestate = Mapping[str, Json]


class Restorer:
    """Restores.  Safe to repeat: a refused write is read back, and the receipt says what is already there."""

    def __init__(self, writer: GraphTransport, access: AccessReader) -> None:
        self._writer = writer
        self._access = access
        self._kinds: dict[EntitlementKind, Callable[[Entitlement, Prestate, Trace], Awaitable[None]]] = {
            EntitlementKind.SIGN_IN: self._enable,
            EntitlementKind.ROLE: self._role,
            EntitlementKind.GROUP: self._group,
        }

    async def restore(self, entitlement: Entitlement, prestate: Prestate) -> Receipt:
        """See `Connector.restore`.  Raises `ConnectorError` for kinds that the person must enrol again."""
        row, trace = entitlement, list[Evidence]()
        if row.kind not in self._kinds:
            text = f"microsoft365: cannot restore {row.kind}: it is enrolled anew"
            raise ConnectorError(text, remedy="The person signs in and consents again.")
        try:
            await self._kinds[row.kind](row, prestate, trace)
        except RequestRefused as error:
            return await self._refused(row, error, trace)
        return Receipt(row.id, RevocationResult.COMMANDED, tuple(trace))

    async def _refused(self, row: Entitlement, error: RequestRefused, trace: Trace) -> Receipt:
        """Read back after a refusal: the directory's code is the same for what is already there and what it cannot do."""
        if any(there.vendor_id == row.vendor_id for there in await self._access.read_back(row, trace)):
            return Receipt(row.id, RevocationResult.COMMANDED, tuple(trace), "it is already there")
        return Receipt(row.id, RevocationResult.REFUSED, tuple(trace), f"{error.code}: {error.advice}")

    async def _enable(self, row: Entitlement, _: Prestate, trace: Trace) -> None:
        await self._writer.write(enabling(row.account_id, enabled=True), trace, needs=DISABLE)

    async def _group(self, row: Entitlement, _: Prestate, trace: Trace) -> None:
        body = ReferenceCreate(odata_id=f"{self._writer.endpoint}/directoryObjects/{row.account_id}")
        group, owner = row.vendor_id.removeprefix(OWNER), row.vendor_id.startswith(OWNER)

        def link(client: Any) -> Any:
            found = client.groups.by_group_id(group)
            return (found.owners if owner else found.members).ref.to_post_request_information(body)

        await self._writer.write(link, trace, needs=WRITE_OWNERS if owner else WRITE_MEMBERS)

    async def _role(self, row: Entitlement, prestate: Prestate, trace: Trace) -> None:
        role, scope = need(WHO, prestate, "roleDefinitionId", str), need(WHO, prestate, "directoryScopeId", str)
        if row.vendor_id.startswith(ELIGIBLE):
            await self._eligible(row, prestate, trace)
            return
        body = UnifiedRoleAssignment(principal_id=row.account_id, role_definition_id=role, directory_scope_id=scope)

        def assign(client: Any) -> Any:
            return client.role_management.directory.role_assignments.to_post_request_information(body)

        await self._writer.write(assign, trace, needs=WRITE_ROLES)

    async def _eligible(self, row: Entitlement, prestate: Prestate, trace: Trace) -> None:
        """Give an eligibility back until its former end; a policy that forbids permanent ones refuses."""
        end = instant(WHO, prestate.get("endDateTime"), "endDateTime")
        kind = ExpirationPatternType.NoExpiration if end is None else ExpirationPatternType.AfterDateTime
        body = UnifiedRoleEligibilityScheduleRequest(
            action=UnifiedRoleScheduleRequestActions.AdminAssign,
            principal_id=row.account_id,
            role_definition_id=need(WHO, prestate, "roleDefinitionId", str),
            directory_scope_id=need(WHO, prestate, "directoryScopeId", str),
            justification="Offboarding undone",
            schedule_info=RequestSchedule(
                start_date_time=datetime.now(UTC), expiration=ExpirationPattern(type=kind, end_date_time=end)
            ),
        )
        await self._writer.write(requesting(body), trace, needs=WRITE_ELIGIBLE)
