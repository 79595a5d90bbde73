"""The raw listings behind the kinds, one function each; every row is checked to be the account's."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.errors import Denied, Unintelligible
from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace
from connectors.microsoft365.answers import WHO, own
from connectors.microsoft365.directory import few, quoted
from connectors.microsoft365.errors import grant_remedy
from connectors.microsoft365.manifest import READ_ELIGIBLE, READ_GRANTS, READ_GROUPS, READ_ROLES, READ_USERS
from connectors.microsoft365.transport import Reads, get

_GROUP = "#microsoft.graph.group"
_NOT_GROUPS = frozenset({"#microsoft.graph.directoryRole", "#microsoft.graph.administrativeUnit"})


async def memberships(reads: Reads, user: str, trace: Trace) -> list[Row]:
    """
    Return the groups that *user* is a direct member of.

    Uses no cast and no `$select`, which would need an advanced query; the default properties suffice.
    """
    asked = get(lambda client: client.users.by_user_id(user).member_of, top=999)
    rows = await reads.pages(asked, trace, needs=READ_GROUPS)
    for row in rows:
        if need(WHO, row, "@odata.type", str) not in _NOT_GROUPS | {_GROUP}:
            raise Unintelligible(f"microsoft365: cannot read groups of {user}: {row['@odata.type']}", evidence=trace)
    return _readable(rows, trace)


async def ownerships(reads: Reads, user: str, trace: Trace) -> list[Row]:
    """Return the groups that *user* owns, without applications and devices."""
    asked = get(lambda client: client.users.by_user_id(user).owned_objects, top=999)
    return _readable(await reads.pages(asked, trace, needs=READ_GROUPS), trace)


def _readable(rows: Iterable[Row], trace: Trace) -> list[Row]:
    """Return the groups among *rows*; raises `Denied` for bare ids, which Graph gives without permission for more."""
    groups = [row for row in rows if need(WHO, row, "@odata.type", str) == _GROUP]
    for group in groups:
        if not isinstance(group.get("securityEnabled"), bool):
            text = "microsoft365: cannot read groups: only their ids are shown to us"
            raise Denied(text, evidence=trace, remedy=grant_remedy(READ_GROUPS))
    return groups


async def owners(reads: Reads, group: str, trace: Trace) -> set[str]:
    """Return the ids of a group's owners, in lower case."""
    rows = await reads.pages(get(lambda client: client.groups.by_group_id(group).owners), trace, needs=READ_GROUPS)
    return {need(WHO, row, "id", str).casefold() for row in rows}


async def role_assignments(reads: Reads, principal: str, trace: Trace) -> list[Row]:
    """Return the active directory roles of *principal* at any scope; memberOf has only those of the whole tenant."""
    rows = await _assigned(reads, f"principalId eq {quoted(principal)}", trace)
    return own(rows, principal, trace)


async def holders(reads: Reads, role: str, trace: Trace) -> set[str]:
    """Return the ids, in lower case, of the principals that hold *role* for the whole tenant."""
    rows = await _assigned(reads, f"roleDefinitionId eq {quoted(role)}", trace)
    of_all = [row for row in rows if need(WHO, row, "directoryScopeId", str) == "/"]
    return {need(WHO, row, "principalId", str).casefold() for row in of_all}


async def _assigned(reads: Reads, clause: str, trace: Trace) -> list[Row]:
    asked = get(
        lambda client: client.role_management.directory.role_assignments, filter=clause, expand=["roleDefinition"]
    )
    return await reads.pages(asked, trace, needs=READ_ROLES)


async def eligibilities(reads: Reads, principal: str, trace: Trace) -> list[Row]:
    """Return the roles that *principal* may activate; raises `NotOnPlan` on a tenant without the licence."""
    asked = get(
        lambda client: client.role_management.directory.role_eligibility_schedule_instances,
        filter=f"principalId eq {quoted(principal)}",
        expand=["roleDefinition"],
    )
    rows = await reads.pages(asked, trace, needs=READ_ELIGIBLE)
    return own(rows, principal, trace)


async def grants(reads: Reads, user: str, trace: Trace) -> list[Row]:
    """Return the delegated grants that *user* gave, without tenant-wide ones (AllPrincipals), which are not the user's."""
    asked = get(lambda client: client.users.by_user_id(user).oauth2_permission_grants)
    rows = await reads.pages(asked, trace, needs=READ_GRANTS)
    return own([row for row in rows if need(WHO, row, "consentType", str) != "AllPrincipals"], user, trace)


async def app_roles(reads: Reads, user: str, trace: Trace) -> list[Row]:
    """Return the application roles given to *user* directly, without those of the user's groups, which Graph lists too."""
    asked = get(lambda client: client.users.by_user_id(user).app_role_assignments)
    rows = await reads.pages(asked, trace, needs=READ_GRANTS)
    return own([row for row in rows if need(WHO, row, "principalType", str) != "Group"], user, trace)


async def enabled(reads: Reads, users: Iterable[str], trace: Trace) -> set[str]:
    """Return those of *users* that can sign in, without ids of groups and applications."""
    found: set[str] = set()
    for some in few(sorted(users)):
        clause = f"id in ({', '.join(map(quoted, some))})"
        asked = get(lambda client: client.users, filter=clause, select=["id", "accountEnabled"])
        rows = await reads.pages(asked, trace, needs=READ_USERS)
        found |= {need(WHO, row, "id", str) for row in rows if need(WHO, row, "accountEnabled", bool)}
    return found
