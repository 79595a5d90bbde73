"""Listing what an account holds, kind by kind, by fresh reads."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import MappingProxyType

from connectors.contract import Kinds, Listing, cannot_look
from connectors.errors import ConnectorError, NotOnPlan
from connectors.kit.answers import instant, need
from connectors.kit.exchange import Row, Trace
from connectors.kit.listing import Rows, read_kinds, unread
from connectors.kit.pacing import together
from connectors.microsoft365 import listings, privilege
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.batching import BatchedReads
from connectors.microsoft365.directory import read_user
from connectors.microsoft365.errors import NotFound
from connectors.microsoft365.manifest import MANIFEST
from connectors.microsoft365.transport import GraphTransport, Reads
from models.vocabulary import ACCOUNT, Account, Entitlement, EntitlementState, Guard, Json, Service
from models.vocabulary import EntitlementKind as K

OWNER, OAUTH2, APP_ROLE, ELIGIBLE = "owner/", "oauth2/", "approle/", "eligible/"
"""Prefixes of our vendor ids: a revocation sees from which listing a row came; the rest is the vendor's id."""

PRIVILEGED = "privileged"
"""In a sign-in's prestate: the account is an administrator's; before the block, the other administrators are read again."""

NO_ELIGIBLE = ELIGIBLE + "*"
"""The id of the one row for eligible roles in a tenant whose plan has none."""

GUEST_PROBLEM = "home tenant's sessions are not ended"
_GUEST_REMEDY = (
    "Ask the partner to end them, or settle it for the tenant with a standing waiver; the block here stands."
)
_SYNCED_REMEDY = (
    "Disable the account in Active Directory: the next synchronisation undoes a change made only in the cloud."
)
_RULES_ALL = (privilege.GLOBAL_ADMINISTRATOR, "/")
_LAST_ADMIN = (Guard.LAST_ADMIN, privilege.LAST_ADMIN_PROBLEM, privilege.LAST_ADMIN_REMEDY)
_EXCHANGE_REMEDY = "Remove the member in Exchange, then attest it."
_USER = [
    "id", "accountEnabled", "userType", "userPrincipalName", "onPremisesSyncEnabled", "signInSessionsValidFromDateTime",
]  # fmt: skip


class AccessReader:
    """Lists access.  *writer*: the client id of the writing application, whose roles decide which accounts it may block."""

    def __init__(self, graph: GraphTransport, writer: str) -> None:
        self._graph = graph
        self._writer = writer
        self._kinds: dict[K, Callable[[Reads, str, Trace], Awaitable[Rows]]] = {
            K.SIGN_IN: self._sign_in,
            K.SESSION: self._sessions,
            K.GRANT: self._grants,
            K.ROLE: self._roles,
            K.GROUP: self._groups,
        }

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        """See `Connector.list_access`.  A listing of sign-in and sessions only is for a cut, and goes first."""
        wanted = [kind for kind in MANIFEST.kinds if kinds is None or kind in kinds]
        reads = BatchedReads(self._graph, urgent={K.SIGN_IN, K.SESSION}.issuperset(wanted))
        readers = {kind: functools.partial(self._kinds[kind], reads, account.id) for kind in wanted}
        listing = await read_kinds(Service.MICROSOFT365, account.id, readers)
        return Listing({row.id: row for row in listing}.values(), listing.evidence)

    async def read_back(self, row: Entitlement, trace: Trace) -> Listing:
        """Return the present rows of *row*'s account and kind; add the exchanges behind them to *trace*."""
        reader = functools.partial(self._kinds[row.kind], BatchedReads(self._graph, urgent=True), row.account_id)
        listing = await read_kinds(Service.MICROSOFT365, row.account_id, {row.kind: reader})
        trace += listing.evidence[row.kind]
        return listing

    async def _sign_in(self, reads: Reads, user: str, trace: Trace) -> Rows:
        row = await self._user(reads, user, trace)
        if row is None or not need(WHO, row, "accountEnabled", bool):
            return []
        prestate: dict[str, Json] = {"accountEnabled": True}
        synced = row.get("onPremisesSyncEnabled") is True
        admins: frozenset[str] | None = None
        try:
            others = None
            if await privilege.is_privileged(reads, user, trace):
                prestate[PRIVILEGED] = True
                others = await privilege.other_admins(reads, user, trace)
            admins = frozenset() if others is None else others | {user.casefold()}
            found = await self._guard(reads, admins, trace, privileged=PRIVILEGED in prestate, synced=synced)
        except ConnectorError as error:
            # the cut goes on without this answer: the vendor refuses accounts that we may not block
            text = f"whether it is an administrator's account could not be read: {error}"
            found = (Guard.MASTERED_ELSEWHERE if synced else None), text, error.advice
        return [replace(_marked(_row(user, K.SIGN_IN, ACCOUNT, prestate=prestate), *found), administrators=admins)]

    async def _guard(
        self, reads: Reads, admins: frozenset[str], trace: Trace, *, privileged: bool, synced: bool
    ) -> tuple[Guard | None, str | None, str | None]:
        if privileged and len(admins) == 1:
            return _LAST_ADMIN
        if privileged and not await privilege.may_touch_admins(reads, self._writer, trace):
            text = "an administrator's account, out of our service principal's reach"
            return Guard.PRIVILEGED, text, privilege.REMEDY
        if synced:
            return Guard.MASTERED_ELSEWHERE, "mastered on premises: sync brings a cloud-only block back", _SYNCED_REMEDY
        return None, None, None

    async def _sessions(self, reads: Reads, user: str, trace: Trace) -> Rows:
        row = await self._user(reads, user, trace)
        if row is None:
            return []
        # a guest signs in at another tenant, where our calls end no sessions; so does one who became a member after the
        # invitation.  Accounts without a type (old, synced) are ours.
        if row.get("userType") == "Guest" or "#ext#@" in need(WHO, row, "userPrincipalName", str).casefold():
            kind, state = K.SESSION, EntitlementState.NO_API
            return [cannot_look(Service.MICROSOFT365, user, kind, state, problem=GUEST_PROBLEM, remedy=_GUEST_REMEDY)]
        ended_at = instant(WHO, row.get("signInSessionsValidFromDateTime"), "signInSessionsValidFromDateTime")
        return [Entitlement(Service.MICROSOFT365, user, K.SESSION, ACCOUNT, ended_at=ended_at)]

    async def _user(self, reads: Reads, user: str, trace: Trace) -> Row | None:
        """Return the user, None if the directory does not have it: nobody can sign in to a deleted account."""
        try:
            return await read_user(reads, user, _USER, trace)
        except NotFound:
            return None

    async def _grants(self, reads: Reads, user: str, trace: Trace) -> Rows:
        delegated, roles = await together(listings.grants(reads, user, trace), listings.app_roles(reads, user, trace))
        given = [
            _grant(
                user, row, OAUTH2, f"delegated: {(row.get('scope') or '').strip()}", "clientId", "resourceId", "scope"
            )
            for row in delegated
        ]
        return given + [
            _grant(user, row, APP_ROLE, row.get("resourceDisplayName") or "", "appRoleId", "resourceId")
            for row in roles
        ]

    async def _roles(self, reads: Reads, user: str, trace: Trace) -> Rows:
        active, eligible = await together(self._active(reads, user, trace), self._eligible(reads, user, trace))
        return active + eligible

    async def _active(self, reads: Reads, user: str, trace: Trace) -> Rows:
        listed = await listings.role_assignments(reads, user, trace)
        rows = [_role(user, row) for row in listed]
        of_all = [(row["roleDefinitionId"], row["directoryScopeId"]) == _RULES_ALL for row in listed]
        is_last = any(of_all) and await privilege.other_admins(reads, user, trace) == frozenset()
        return [_marked(row, *_LAST_ADMIN) if is_last and one else row for row, one in zip(rows, of_all, strict=True)]

    async def _eligible(self, reads: Reads, user: str, trace: Trace) -> Rows:
        """
        Return the eligible roles, or one row if they cannot be read: the active roles are listed and revoked all the same.

        Without the licence that row has its own id, `NO_ELIGIBLE`, so that a read can show the active roles to be gone.
        """
        try:
            rows = await listings.eligibilities(reads, user, trace)
        except NotOnPlan as error:
            return [replace(unread(Service.MICROSOFT365, user, K.ROLE, error), vendor_id=NO_ELIGIBLE)]
        except ConnectorError as error:
            return [unread(Service.MICROSOFT365, user, K.ROLE, error)]
        return [_role(user, row, prefix=ELIGIBLE) for row in rows]

    async def _groups(self, reads: Reads, user: str, trace: Trace) -> Rows:
        held = (listings.memberships(reads, user, trace), listings.ownerships(reads, user, trace))
        member, owned = await together(*held)
        owners = await together(*(self._ownership(reads, user, group, trace) for group in owned))
        return [_membership(user, group) for group in member] + owners

    async def _ownership(self, reads: Reads, user: str, group: Row, trace: Trace) -> Entitlement:
        row = _group_row(user, group, OWNER)
        if row.guard is None and row.state is EntitlementState.FOUND:
            others = await listings.owners(reads, need(WHO, group, "id", str), trace) - {user.casefold()}
            if not others:
                return _marked(row, Guard.LAST_OWNER, "the group's last owner", "Add a successor as owner first.")
        return row


def _row(
    user: str, kind: K, vendor_id: str, *, label: str = "", prestate: dict[str, Json] | None = None
) -> Entitlement:
    kept = MappingProxyType(prestate or {})
    return Entitlement(Service.MICROSOFT365, user, kind, vendor_id, label=label, prestate=kept)


def _marked(row: Entitlement, guard: Guard | None, problem: str | None, remedy: str | None) -> Entitlement:
    return replace(row, guard=guard, problem=problem, remedy=remedy)


def _grant(user: str, row: Row, prefix: str, label: str, *kept: str) -> Entitlement:
    prestate: dict[str, Json] = {name: row.get(name) for name in kept}
    return _row(user, K.GRANT, prefix + need(WHO, row, "id", str), label=label, prestate=prestate)


def _role(user: str, row: Row, *, prefix: str = "") -> Entitlement:
    prestate: dict[str, Json] = {
        "roleDefinitionId": need(WHO, row, "roleDefinitionId", str),
        "directoryScopeId": need(WHO, row, "directoryScopeId", str),
        "endDateTime": row.get("endDateTime"),
    }
    label = (row.get("roleDefinition") or {}).get("displayName") or ""
    return _row(user, K.ROLE, prefix + need(WHO, row, "id", str), label=label, prestate=prestate)


def _membership(user: str, group: Row) -> Entitlement:
    row = _group_row(user, group, "")
    if row.guard is None and "DynamicMembership" in need(WHO, group, "groupTypes", list):
        problem = "a rule decides who is a member"
        return _marked(row, Guard.DYNAMIC, problem, "Clear the attribute that the rule reads, or change the rule.")
    return row


def _group_row(user: str, group: Row, prefix: str) -> Entitlement:
    types, mail = need(WHO, group, "groupTypes", list), need(WHO, group, "mailEnabled", bool)
    synced = group.get("onPremisesSyncEnabled") is True
    prestate: dict[str, Json] = {
        "groupTypes": [str(name) for name in types],
        "mailEnabled": mail,
        "securityEnabled": need(WHO, group, "securityEnabled", bool),
        "isAssignableToRole": group.get("isAssignableToRole") is True,
        "onPremisesSyncEnabled": synced,
    }
    label = str(group.get("displayName") or "")
    row = _row(user, K.GROUP, prefix + need(WHO, group, "id", str), label=label, prestate=prestate)
    if synced:
        problem = "the group is mastered on premises"
        return _marked(row, Guard.MASTERED_ELSEWHERE, problem, "Remove the member in Active Directory.")
    if mail and "Unified" not in types:
        problem = "Graph cannot change distribution lists and mail-enabled security groups"
        return replace(row, state=EntitlementState.NO_API, problem=problem, remedy=_EXCHANGE_REMEDY)
    return row
