"""
Requests for the tenant's users, groups, roles and admin log.

Every path names immutable ids; addresses go only into queries, which only the evidence's payload keeps.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.google_workspace.admin_log import AdminLog
from connectors.google_workspace.answers import rfc3339, same_id
from connectors.google_workspace.errors import WHO
from connectors.google_workspace.limits import FILTERED, REPORTS
from connectors.google_workspace.manifest import AUDIT_READ, GROUP_READ, ROLE_READ, USER_READ
from connectors.google_workspace.transport import MOST, Request, Transport
from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace

USER_FIELDS = (
    "id,primaryEmail,aliases,nonEditableAliases,emails,name(givenName,familyName,fullName),externalIds,suspended,"
    "archived,isAdmin,isDelegatedAdmin,isGuestUser,recoveryEmail,recoveryPhone,customerId"
)
_PAGE = 500
_ALL = 1_000_000


class Requests:
    """Reads of one tenant, complete or raising.  Each adds its exchanges to the given trace."""

    def __init__(self, transport: Transport, customer: str, schema: str | None = None) -> None:
        """*schema*: the custom schema to read with users."""
        self.transport = transport
        self.customer = customer
        more = {"projection": "custom", "customFieldMask": schema} if schema else {}
        self._shown = {**more, "fields": USER_FIELDS + (",customSchemas" if schema else "")}
        api: Any = transport.directory
        # building these costs half a millisecond each, so it is done once
        self.users, self.groups, self.members = api.users(), api.groups(), api.members()
        self.tokens, self.asps, self.codes = api.tokens(), api.asps(), api.verificationCodes()
        self.roles, self.assignments = api.roles(), api.roleAssignments()
        self.activities = transport.reports.activities()
        self.admin_log = AdminLog(self._events)

    async def read(
        self, doing: str, scope: str, method: Any, asked: Mapping[str, Any], trace: Trace, *, urgent: bool = False
    ) -> Row:
        """Return the answer of *method*, one of the SDK's, to the arguments *asked*.  *urgent*: goes before listings."""
        request = Request(doing, scope, functools.partial(method, **asked), urgent=urgent)
        return await self.transport.read(request, trace)

    async def write(
        self,
        doing: str,
        scope: str,
        method: Any,
        asked: Mapping[str, Any],
        trace: Trace,
        *,
        of_account: str | None = None,
    ) -> Any:
        """Send a write by *method*, one of the SDK's, with the arguments *asked*; see `Transport.write`."""
        request = Request(doing, scope, functools.partial(method, **asked), "write", of_account=of_account)
        return await self.transport.write(request, trace)

    async def user(self, user_id: str, trace: Trace) -> Row:
        """Return one user, which proves the block; raises `Unintelligible` for another user's answer."""
        asked = {"userKey": user_id, **self._shown}
        row = await self.read(f"read user {user_id}", USER_READ, self.users.get, asked, trace, urgent=True)
        same_id(row, "id", user_id)
        return row

    async def search(self, query: str, trace: Trace, *, urgent: bool = False) -> list[Row]:
        """Return every user that *query* finds, suspended and archived ones too, but not deleted ones."""
        return await self._users(trace, MOST, urgent=urgent, query=query)

    async def everybody(self, trace: Trace) -> list[Row]:
        return await self._users(trace, _ALL)

    async def _users(self, trace: Trace, most: int, *, urgent: bool = False, **which: str) -> list[Row]:
        shown = {**self._shown, **which, "fields": f"nextPageToken,users({self._shown['fields']})"}
        asked = {"customer": self.customer, "maxResults": _PAGE, **shown}
        request = Request("search users", USER_READ, _paged(self.users, asked), urgent=urgent)
        return await self.transport.pages(request, "users", trace, most=most)

    async def super_admins(self, trace: Trace) -> frozenset[str]:
        """Return the ids of the super admins who can sign in."""
        rows = await self.search("isAdmin=true", trace, urgent=True)
        admins = (row for row in rows if row.get("isAdmin") is True)  # a search that is ignored finds everybody
        return frozenset(need(WHO, row, "id", str) for row in admins if not is_blocked(row))

    async def groups_of(self, user_id: str, trace: Trace) -> list[Row]:
        """Return the groups that the user is a direct member of, without the groups that contain those."""
        asked = {"userKey": user_id, "maxResults": 200, "fields": "nextPageToken,groups(id,email,name)"}
        request = Request(f"list groups of {user_id}", GROUP_READ, _paged(self.groups, asked))
        return await self.transport.pages(request, "groups", trace)

    async def owners_of(self, group_id: str, trace: Trace) -> list[Row]:
        fields = "nextPageToken,members(id,role,status,type)"
        asked = {"groupKey": group_id, "roles": "OWNER", "maxResults": 200, "fields": fields}
        request = Request(f"list owners of group {group_id}", GROUP_READ, _paged(self.members, asked))
        rows = await self.transport.pages(request, "members", trace)
        return [row for row in rows if row.get("role") == "OWNER"]

    async def assignments_of(self, user_id: str, trace: Trace) -> list[Row]:
        """Return role assignments, also those through a group."""
        which = {"userKey": user_id, "includeIndirectRoleAssignments": True}
        asked = {"customer": self.customer, **which, "maxResults": 200}
        request = Request(f"list roles of {user_id}", ROLE_READ, _paged(self.assignments, asked))
        return await self.transport.pages(request, "items", trace)

    async def all_roles(self, trace: Trace) -> dict[str, Row]:
        fields = "nextPageToken,items(roleId,roleName,isSuperAdminRole)"
        asked = {"customer": self.customer, "maxResults": 100, "fields": fields}
        request = Request("list roles", ROLE_READ, _paged(self.roles, asked))
        return {str(row.get("roleId")): row for row in await self.transport.pages(request, "items", trace)}

    def _events(self, name: str, from_at: datetime | None, trace: Trace) -> AsyncIterator[list[Row]]:
        """
        Yield the admin log's records of one event, for all users, a page at a time.

        A query takes one event name.  Many accounts wait for the answer, so it goes before listings.
        """
        fields = "nextPageToken,items(id(time),events(name,parameters(name,value)))"
        asked = {"userKey": "all", "applicationName": "admin", "eventName": name, "maxResults": 1000, "fields": fields}
        if from_at is not None:
            asked["startTime"] = rfc3339(from_at)
        doing, limits = f"read the admin log for {name}", (FILTERED, REPORTS)
        request = Request(doing, AUDIT_READ, _paged(self.activities, asked), urgent=True, limits=limits)
        return self.transport.each_page(request, "items", trace, most=_ALL)


def _paged(api: Any, asked: Mapping[str, Any]) -> Callable[[str | None], Any]:
    return lambda token: api.list(**asked, pageToken=token)


def is_blocked(user: Row) -> bool:
    """Whether the user is suspended or archived; a missing field counts as no."""
    return user.get("suspended") is True or user.get("archived") is True
