"""
Revoking one entitlement.

The directory answers a repeated write with the same code as a wrong id, so a receipt says `already_absent` only after a read
of the account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgraph.generated.models.unified_role_eligibility_schedule_request import UnifiedRoleEligibilityScheduleRequest
from msgraph.generated.models.unified_role_schedule_request_actions import UnifiedRoleScheduleRequestActions

from connectors.errors import ConnectorError, Denied, OutcomeUnknown, Unintelligible
from connectors.kit.exchange import Row, Trace
from connectors.microsoft365 import listings, manifest, privilege
from connectors.microsoft365.access import APP_ROLE, ELIGIBLE, OAUTH2, OWNER, PRIVILEGED, AccessReader
from connectors.microsoft365.batching import BatchedReads
from connectors.microsoft365.errors import GONE, GONE_ELIGIBILITY, Gone, Needs, NotFound, RequestRefused
from connectors.microsoft365.transport import Build, GraphTransport, enabling, requesting
from models.vocabulary import ACCOUNT, Entitlement, EntitlementState, Evidence, Guard, Receipt, RevocationResult
from models.vocabulary import EntitlementKind as K


class Revoker:
    """Revokes.  *reader* reads, *writer* writes; they may be the same."""

    def __init__(self, reader: GraphTransport, writer: GraphTransport, access: AccessReader) -> None:
        self._reader = reader
        self._writer = writer
        self._access = access
        self._blocked: set[str] = set()
        self._kinds: dict[K, Callable[[Entitlement, Trace], Awaitable[Row | None]]] = {
            K.SIGN_IN: self._disable,
            K.SESSION: self._end_sessions,
            K.GRANT: self._grant,
            K.ROLE: self._role,
            K.GROUP: self._group,
        }

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        row, trace = entitlement, list[Evidence]()
        if row.state is not EntitlementState.FOUND or row.kind not in self._kinds:
            raise Unintelligible(f"microsoft365: cannot revoke {row.kind}: the row says {row.state}")
        if row.guard is Guard.PRIVILEGED and not await privilege.may_touch_admins(
            self._reads(), self._writer.client_id, trace
        ):
            return _receipt(row, RevocationResult.REFUSED, trace, privilege.REMEDY)
        try:
            await self._kinds[row.kind](row, trace)
        except NotFound as error:
            return await self._absent(row, error, trace)
        except RequestRefused as error:
            return _receipt(row, RevocationResult.REFUSED, trace, f"{error.code}: {row.remedy or error.advice}")
        except Denied as error:
            return await self._denied(row, error, trace)
        return _receipt(row, RevocationResult.COMMANDED, trace)

    async def _absent(self, row: Entitlement, error: NotFound, trace: Trace) -> Receipt:
        """Read the account to see whether the vendor's "not there" means that *row* is gone."""
        rows = await self._access.read_back(row, trace)
        if any(r.state is EntitlementState.UNREADABLE or r.vendor_id == "*" for r in rows):
            return _receipt(row, RevocationResult.UNKNOWN, trace, f"{error.code}, and it could not be read back")
        if any(r.vendor_id == row.vendor_id for r in rows):
            return _receipt(row, RevocationResult.UNKNOWN, trace, f"{error.code}, but a read still shows it")
        return _receipt(row, RevocationResult.ALREADY_ABSENT, trace)

    async def _denied(self, row: Entitlement, error: Denied, trace: Trace) -> Receipt:
        """Return a refusal if the account is an administrator's; otherwise raise: our credential lacks a permission."""
        if row.kind not in {K.SIGN_IN, K.SESSION} or error.code != "Authorization_RequestDenied":
            raise error
        try:
            privileged = await privilege.is_privileged(self._reads(), row.account_id, trace)
        except ConnectorError as unread:
            raise error from unread
        if not privileged:
            raise error
        return _receipt(row, RevocationResult.REFUSED, trace, privilege.REMEDY)

    def _reads(self) -> BatchedReads:
        return BatchedReads(self._reader, urgent=True)

    async def _write(self, build: Build, trace: Trace, needs: Needs, gone: Gone = GONE) -> Row | None:
        return await self._writer.write(build, trace, needs=needs, gone=gone)

    async def _delete(self, of: Callable[[Any], Any], trace: Trace, needs: Needs) -> Row | None:
        return await self._write(lambda client: of(client).to_delete_request_information(), trace, needs)

    async def _disable(self, row: Entitlement, trace: Trace) -> Row | None:
        if row.prestate.get(PRIVILEGED) is not True:
            return await self._block(row, trace)
        async with self._writer.client().administrators:
            await self._require_another_admin(row, trace)
            try:
                answer = await self._block(row, trace)
            except OutcomeUnknown:
                self._blocked.add(row.account_id.casefold())
                raise
            self._blocked.add(row.account_id.casefold())
            return answer

    async def _require_another_admin(self, row: Entitlement, trace: Trace) -> None:
        """
        Raise `RequestRefused` for the last Global Administrator, by a read made now: in their listings, two who leave at once each
        count as the other's successor.  Accounts that we have blocked do not count, even if a replica still shows them.
        """
        others = await privilege.other_admins(self._reads(), row.account_id, trace, frozenset(self._blocked))
        if others == frozenset():
            text = f"microsoft365: cannot block {row.account_id}: {privilege.LAST_ADMIN_PROBLEM}"
            raise RequestRefused(text, code=Guard.LAST_ADMIN, evidence=trace, remedy=privilege.LAST_ADMIN_REMEDY)

    async def _block(self, row: Entitlement, trace: Trace) -> Row | None:
        return await self._write(enabling(row.account_id, enabled=False), trace, manifest.DISABLE)

    async def _end_sessions(self, row: Entitlement, trace: Trace) -> Row | None:
        if row.vendor_id != ACCOUNT:
            raise Unintelligible(f"microsoft365: cannot end session {row.vendor_id}: only all of them")

        def end(client: Any) -> Any:
            return client.users.by_user_id(row.account_id).revoke_sign_in_sessions.to_post_request_information()

        answer = await self._write(end, trace, manifest.END_SESSIONS)
        if answer is not None and answer.get("value", True) is not True:  # without a value, the row's time decides
            raise Unintelligible("microsoft365: cannot end sessions: the answer is not true", evidence=trace)
        return answer

    async def _grant(self, row: Entitlement, trace: Trace) -> Row | None:
        user, (prefix, vendor_id) = row.account_id, _split(row)

        def link(client: Any) -> Any:
            if prefix == OAUTH2:
                return client.oauth2_permission_grants.by_o_auth2_permission_grant_id(vendor_id)
            return client.users.by_user_id(user).app_role_assignments.by_app_role_assignment_id(vendor_id)

        return await self._delete(link, trace, manifest.WRITE_GRANTS if prefix == OAUTH2 else manifest.WRITE_APP_ROLES)

    async def _role(self, row: Entitlement, trace: Trace) -> Row | None:
        prefix, vendor_id = _split(row)
        if prefix == ELIGIBLE:
            return await self._eligible(row, vendor_id, trace)
        return await self._delete(
            lambda client: client.role_management.directory.role_assignments.by_unified_role_assignment_id(vendor_id),
            trace,
            manifest.WRITE_ROLES,
        )

    async def _eligible(self, row: Entitlement, vendor_id: str, trace: Trace) -> Row | None:
        """Request the removal, since Graph has no delete; it names principal, role and scope, from a fresh read of the row."""
        rows = await listings.eligibilities(self._reads(), row.account_id, trace)
        found = next((r for r in rows if r["id"] == vendor_id), None)
        if found is None:
            raise NotFound("microsoft365: cannot remove eligibility: not listed", evidence=trace)
        body = UnifiedRoleEligibilityScheduleRequest(
            action=UnifiedRoleScheduleRequestActions.AdminRemove,
            principal_id=row.account_id,
            role_definition_id=found["roleDefinitionId"],
            directory_scope_id=found["directoryScopeId"],
            justification="Offboarding",
        )
        return await self._write(requesting(body), trace, manifest.WRITE_ELIGIBLE, GONE_ELIGIBILITY)

    async def _group(self, row: Entitlement, trace: Trace) -> Row | None:
        user, (prefix, group) = row.account_id, _split(row)
        needs: Needs = manifest.WRITE_OWNERS if prefix == OWNER else manifest.WRITE_MEMBERS
        if row.prestate.get("isAssignableToRole") is True:
            needs += manifest.WRITE_ROLES

        def link(client: Any) -> Any:
            found = client.groups.by_group_id(group)
            linked = found.owners if prefix == OWNER else found.members
            return linked.by_directory_object_id(user).ref

        return await self._delete(link, trace, needs)


def _split(row: Entitlement) -> tuple[str, str]:
    """Return a row's prefix, which names its listing, and the vendor's own id."""
    known = {K.GRANT: (OAUTH2, APP_ROLE), K.ROLE: (ELIGIBLE,), K.GROUP: (OWNER,)}
    for prefix in known[row.kind]:
        if row.vendor_id.startswith(prefix):
            return prefix, row.vendor_id.removeprefix(prefix)
    if row.kind is K.GRANT or "/" in row.vendor_id:
        raise Unintelligible(f"microsoft365: cannot revoke {row.kind}: vendor id of an unknown form")
    return "", row.vendor_id


def _receipt(row: Entitlement, result: RevocationResult, trace: Trace, text: str = "") -> Receipt:
    return Receipt(row.id, result, tuple(trace), text)
