"""
Which accounts are administrators', and whether we may block them.

An app permission alone does not reach people who hold a directory role, or who are members or owners of a role-assignable
group: our service principal needs a role as well (learn.microsoft.com/graph/api/resources/users, "privileged").
"""

from __future__ import annotations

from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace
from connectors.kit.pacing import together
from connectors.microsoft365 import listings
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.manifest import READ_APPLICATIONS
from connectors.microsoft365.transport import Reads, get

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
MAY_TOUCH_ADMINS = frozenset({GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR})

REMEDY = (
    "Take the roles and the role-assignable groups away first, or give our service principal the role Privileged "
    "Authentication Administrator, then run again."
)
LAST_ADMIN_PROBLEM = "the last Global Administrator who can sign in"
LAST_ADMIN_REMEDY = "Make somebody else Global Administrator first."


async def is_privileged(reads: Reads, user: str, trace: Trace) -> bool:
    """Whether an app permission alone does not reach *user*.  Eligible roles count only once activated."""
    roles, member, owner = await together(
        listings.role_assignments(reads, user, trace),
        listings.memberships(reads, user, trace),
        listings.ownerships(reads, user, trace),
    )
    return bool(roles) or any(group.get("isAssignableToRole") is True for group in member + owner)


async def may_touch_admins(reads: Reads, client_id: str, trace: Trace) -> bool:
    """Whether the service principal of *client_id* holds a role that reaches every administrator."""
    own = await service_principal(reads, client_id, trace)
    roles = await listings.role_assignments(reads, need(WHO, own, "id", str), trace)
    return any(row.get("directoryScopeId") == "/" and row.get("roleDefinitionId") in MAY_TOUCH_ADMINS for row in roles)


async def other_admins(
    reads: Reads, user: str, trace: Trace, gone: frozenset[str] = frozenset()
) -> frozenset[str] | None:
    """
    Return the other Global Administrators who can sign in, in lower case; None if *user* is not one.  *gone*: left out.

    Groups and applications with the role do not count: an unneeded guard is better than a tenant without an administrator.
    """
    everyone = await listings.holders(reads, GLOBAL_ADMINISTRATOR, trace)
    if user.casefold() not in everyone:
        return None
    others = await listings.enabled(reads, everyone - gone - {user.casefold()}, trace)
    return frozenset(other.casefold() for other in others)


async def service_principal(reads: Reads, app_id: str, trace: Trace, *properties: str) -> Row:
    """Return an application's service principal in this tenant: `id`, `appId` and *properties*."""
    asked = get(lambda client: client.service_principals_with_app_id(app_id), select=["id", "appId", *properties])
    return await reads.read(asked, trace, needs=READ_APPLICATIONS)
