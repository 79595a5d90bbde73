"""The raw listings behind the kinds: one function a listing, every row checked to be the account's own."""

from __future__ import annotations

from collections.abc import Iterable

from msgraph.generated.role_management.directory.role_assignments.role_assignments_request_builder import (
    RoleAssignmentsRequestBuilder,
)
from msgraph.generated.role_management.directory.role_eligibility_schedule_instances import (
    role_eligibility_schedule_instances_request_builder as eligible,
)
from msgraph.generated.users.item.member_of.member_of_request_builder import MemberOfRequestBuilder
from msgraph.generated.users.item.owned_objects.owned_objects_request_builder import OwnedObjectsRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

from connectors.errors import Denied, Unintelligible
from connectors.microsoft365.accounts import MOST_CLAUSES, quoted
from connectors.microsoft365.answers import Row, grant_remedy, need
from connectors.microsoft365.exchange import Seen
from connectors.microsoft365.manifest import READ_ELIGIBLE, READ_GRANTS, READ_GROUPS, READ_ROLES, READ_USERS
from connectors.microsoft365.transport import Build, Reads, asking

_GROUP = "#microsoft.graph.group"
_NOT_GROUPS = frozenset({"#microsoft.graph.directoryRole", "#microsoft.graph.administrativeUnit"})


async def memberships(reads: Reads, user: str, seen: Seen) -> list[Row]:
    """
    Return the groups that *user* is a direct member of.

    Without a cast and without `$select`: neither then needs an advanced query, and the default properties suffice.
    """
    asked = asking(MemberOfRequestBuilder.MemberOfRequestBuilderGetQueryParameters(top=999))
    rows = await reads.pages(
        lambda client: client.users.by_user_id(user).member_of.to_get_request_information(asked),
        seen,
        needs=READ_GROUPS,
    )
    for row in rows:
        if need(row, "@odata.type", str) not in _NOT_GROUPS | {_GROUP}:
            raise Unintelligible(
                f"microsoft365: cannot read groups of {user}: {row['@odata.type']}", evidence=tuple(seen)
            )
    return _readable(rows, seen)


async def ownerships(reads: Reads, user: str, seen: Seen) -> list[Row]:
    """Return the groups that *user* owns.  Applications and devices are not groups and stay out."""
    asked = asking(OwnedObjectsRequestBuilder.OwnedObjectsRequestBuilderGetQueryParameters(top=999))
    rows = await reads.pages(
        lambda client: client.users.by_user_id(user).owned_objects.to_get_request_information(asked),
        seen,
        needs=READ_GROUPS,
    )
    return _readable(rows, seen)


def _readable(rows: Iterable[Row], seen: Seen) -> list[Row]:
    """Return the groups among *rows*; Graph shows bare ids, without an error, where it may not show more."""
    groups = [row for row in rows if need(row, "@odata.type", str) == _GROUP]
    for group in groups:
        if not isinstance(group.get("securityEnabled"), bool):
            text = "microsoft365: cannot read groups: only their ids are shown to us"
            raise Denied(text, evidence=tuple(seen), remedy=grant_remedy(READ_GROUPS))
    return groups


async def owners(reads: Reads, group: str, seen: Seen) -> set[str]:
    """Return the ids of a group's owners, in small letters."""
    rows = await reads.pages(
        lambda client: client.groups.by_group_id(group).owners.to_get_request_information(), seen, needs=READ_GROUPS
    )
    return {need(row, "id", str).casefold() for row in rows}


async def role_assignments(reads: Reads, principal: str, seen: Seen) -> list[Row]:
    """Return the active directory roles of *principal* at any scope; memberOf knows those of the whole tenant only."""
    rows = await _assigned(reads, f"principalId eq {quoted(principal)}", seen)
    return _own(rows, principal, seen)


async def holders(reads: Reads, role: str, seen: Seen) -> set[str]:
    """Return the ids, in small letters, of those who hold *role* for the whole tenant."""
    rows = await _assigned(reads, f"roleDefinitionId eq {quoted(role)}", seen)
    return {need(row, "principalId", str).casefold() for row in rows if need(row, "directoryScopeId", str) == "/"}


async def _assigned(reads: Reads, clause: str, seen: Seen) -> list[Row]:
    asked = asking(
        RoleAssignmentsRequestBuilder.RoleAssignmentsRequestBuilderGetQueryParameters(
            filter=clause, expand=["roleDefinition"]
        )
    )
    return await reads.pages(
        lambda client: client.role_management.directory.role_assignments.to_get_request_information(asked),
        seen,
        needs=READ_ROLES,
    )


async def eligibilities(reads: Reads, principal: str, seen: Seen) -> list[Row]:
    """Return the roles that *principal* may activate; raises `NotOnPlan` on a tenant without the licence."""
    asked = asking(
        eligible.RoleEligibilityScheduleInstancesRequestBuilder.RoleEligibilityScheduleInstancesRequestBuilderGetQueryParameters(
            filter=f"principalId eq {quoted(principal)}", expand=["roleDefinition"]
        )
    )
    rows = await reads.pages(
        lambda client: client.role_management.directory.role_eligibility_schedule_instances.to_get_request_information(
            asked
        ),
        seen,
        needs=READ_ELIGIBLE,
    )
    return _own(rows, principal, seen)


async def grants(reads: Reads, user: str, seen: Seen) -> list[Row]:
    """Return the delegated grants that *user* gave.  A tenant-wide one (AllPrincipals) is nobody's to take away."""
    rows = await reads.pages(
        lambda client: client.users.by_user_id(user).oauth2_permission_grants.to_get_request_information(),
        seen,
        needs=READ_GRANTS,
    )
    return _own([row for row in rows if need(row, "consentType", str) != "AllPrincipals"], user, seen)


async def app_roles(reads: Reads, user: str, seen: Seen) -> list[Row]:
    """Return the application roles given to *user* directly; Graph lists those of the user's groups among them."""
    rows = await reads.pages(
        lambda client: client.users.by_user_id(user).app_role_assignments.to_get_request_information(),
        seen,
        needs=READ_GRANTS,
    )
    return _own([row for row in rows if need(row, "principalType", str) != "Group"], user, seen)


async def enabled(reads: Reads, users: Iterable[str], seen: Seen) -> set[str]:
    """Return those of *users* that can sign in; ids that are no users (groups, applications) are left out."""
    listed = sorted(users)
    parts = [listed[start : start + MOST_CLAUSES] for start in range(0, len(listed), MOST_CLAUSES)]
    answers = [await reads.pages(_by_ids(part), seen, needs=READ_USERS) for part in parts]
    return {need(row, "id", str) for rows in answers for row in rows if need(row, "accountEnabled", bool)}


def _by_ids(ids: list[str]) -> Build:
    clause = f"id in ({', '.join(map(quoted, ids))})"
    asked = asking(
        UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(filter=clause, select=["id", "accountEnabled"])
    )
    return lambda client: client.users.to_get_request_information(asked)


def _own(rows: list[Row], principal: str, seen: Seen) -> list[Row]:
    for row in rows:
        if need(row, "principalId", str).casefold() != principal.casefold():
            raise Unintelligible(f"microsoft365: cannot list for {principal}: another one's came", evidence=tuple(seen))
    return rows
