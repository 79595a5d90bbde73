"""What one account holds, kind by kind, each by a read of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

from connectors.errors import Unintelligible
from connectors.google_workspace.accounts import NO_SUCH_USER
from connectors.google_workspace.directory import Directory, is_blocked
from connectors.google_workspace.failures import Rejected
from connectors.google_workspace.manifest import GROUP_READ, SECURITY
from connectors.google_workspace.shape import Row, same_id, same_id_if_told, text, texts
from connectors.google_workspace.transport import Ask, Log
from models.vocabulary import ACCOUNT, Entitlement, EntitlementKind, Guard, Json, Service

SUPER_ADMIN = "super_admin"
"""The vendor id of the super admin's right: it is a flag of the user, whatever assignment stands beside it."""


class Look:
    """One look at one account.  What several kinds need of the user is read once, and proves each of them."""

    def __init__(self, directory: Directory, account_id: str) -> None:
        self.directory = directory
        self.account_id = account_id
        self._user: asyncio.Task[Row] | None = None
        self._user_log: Log = []

    async def user(self, log: Log) -> Row:
        if self._user is None:
            self._user = asyncio.ensure_future(self.directory.user(self.account_id, self._user_log))
        try:
            return await self._user
        finally:
            log.extend(self._user_log)

    def row(  # what differs between kinds, by name
        self,
        kind: EntitlementKind,
        vendor_id: str,
        *,
        label: str = "",
        guard: Guard | None = None,
        ended_at: datetime | None = None,
        prestate: Mapping[str, Json] | None = None,
    ) -> Entitlement:
        return Entitlement(
            Service.GOOGLE_WORKSPACE,
            self.account_id,
            kind,
            vendor_id,
            label=label,
            guard=guard,
            ended_at=ended_at,
            prestate=MappingProxyType(dict(prestate or {})),
        )


Reader: TypeAlias = "Callable[[Look, Log], Awaitable[list[Entitlement]]]"


async def sign_in(look: Look, log: Log) -> list[Entitlement]:
    """A suspended or an archived user cannot sign in: no row."""
    user = await look.user(log)
    if is_blocked(user):
        return []
    row = look.row(EntitlementKind.SIGN_IN, ACCOUNT, prestate={"suspended": False})
    if user.get("isAdmin") is not True:
        return [row]
    admins = await look.directory.super_admins(log) | {look.account_id}
    return [replace(row, guard=_admin_guard(look, admins), administrators=admins)]


def _admin_guard(look: Look, admins: frozenset[str]) -> Guard:
    """The last super admin must stay; another may go, if ours is one too."""
    return Guard.PRIVILEGED if admins - {look.account_id} else Guard.LAST_ADMIN


async def session(look: Look, log: Log) -> list[Entitlement]:
    """
    Open sessions cannot be listed.  The row says when they were last ended.

    While the account can sign in, no ending counts, since another session could be opened: the log is not asked, and
    one that is slow or fails holds up no block.
    """
    user = await look.user(log)
    ended_at = await _last_event(look, EntitlementKind.SESSION, user, log) if is_blocked(user) else None
    return [look.row(EntitlementKind.SESSION, ACCOUNT, label="web and device sessions", ended_at=ended_at)]


async def password(look: Look, log: Log) -> list[Entitlement]:
    """A password cannot be read.  The row says when it was last changed by an administrator."""
    changed_at = await _last_event(look, EntitlementKind.PASSWORD, await look.user(log), log)
    return [look.row(EntitlementKind.PASSWORD, ACCOUNT, label="password", ended_at=changed_at)]


async def _last_event(look: Look, kind: EntitlementKind, user: Row, log: Log) -> datetime | None:
    """
    Return the newest of the kind's events about this user.

    The log keeps the address of its day: a leaver who was renamed since is looked for by the former ones, now aliases.
    """
    addresses = (text(user, "primaryEmail"), *texts(user, "aliases"))
    return await look.directory.admin_log.newest(kind, look.account_id, addresses, log)


async def recovery(look: Look, log: Log) -> list[Entitlement]:
    """The private address and phone by which a password can be reset.  Their values are not kept."""
    user = await look.user(log)
    fields = {"email": "recoveryEmail", "phone": "recoveryPhone"}
    return [
        look.row(EntitlementKind.RECOVERY, vendor_id, label=f"recovery {vendor_id}")
        for vendor_id, field in fields.items()
        if user.get(field)
    ]


async def grants(look: Look, log: Log) -> list[Entitlement]:
    """Third-party apps that the user let in.  In some tenants Google refuses this for suspended users, with 401."""
    api, key = look.directory.tokens, look.account_id
    fields = "items(clientId,displayText,scopes,userKey)"
    ask = Ask(f"list grants of {key}", SECURITY, lambda: api.list(userKey=key, fields=fields))
    found = await look.directory.transport.whole(ask, "items", log)
    for row in found:
        same_id_if_told(row, "userKey", key)
    return [
        look.row(
            EntitlementKind.GRANT,
            text(row, "clientId"),
            label=str(row.get("displayText") or ""),
            prestate={"scopes": list(texts(row, "scopes"))},
        )
        for row in found
    ]


async def app_passwords(look: Look, log: Log) -> list[Entitlement]:
    api, key = look.directory.asps, look.account_id
    ask = Ask(
        f"list app passwords of {key}", SECURITY, lambda: api.list(userKey=key, fields="items(codeId,name,userKey)")
    )
    found = await look.directory.transport.whole(ask, "items", log)
    for row in found:
        same_id_if_told(row, "userKey", key)
    return [look.row(EntitlementKind.APP_PASSWORD, _code_id(row), label=str(row.get("name") or "")) for row in found]


def _code_id(row: Row) -> str:
    code_id = row.get("codeId")
    if isinstance(code_id, bool) or not str(code_id).isdecimal():  # a text where JSON's numbers are texts
        raise Unintelligible("google_workspace: cannot read an answer: codeId is not a number")
    return str(code_id)


async def backup_codes(look: Look, log: Log) -> list[Entitlement]:
    """
    One row while any code is valid.  The codes themselves are never asked for: this call would return them.

    Of each the constant *kind* is asked for too, so that one without its optional owner is still one.
    """
    api, key = look.directory.codes, look.account_id
    ask = Ask(f"list backup codes of {key}", SECURITY, lambda: api.list(userKey=key, fields="items(kind,userId)"))
    found = await look.directory.transport.whole(ask, "items", log)
    for row in found:
        same_id_if_told(row, "userId", key)
    return [look.row(EntitlementKind.BACKUP_CODE, ACCOUNT, label="backup codes")] if found else []


async def roles(look: Look, log: Log) -> list[Entitlement]:
    """Direct roles, the super admin's right, and roles that come through a group."""
    user, assignments = await asyncio.gather(look.user(log), look.directory.assignments_of(look.account_id, log))
    names = await look.directory.all_roles(log) if assignments else {}
    rows = []
    super_admin = user.get("isAdmin") is True
    for assignment in assignments:
        role = names.get(text(assignment, "roleId"), {})
        if assignment.get("assignedTo") != look.account_id:
            rows.append(await _through_group(look, assignment, role, log))
        elif role.get("isSuperAdminRole") is True:
            super_admin = True
        else:
            rows.append(_direct(look, assignment, role))
    if super_admin:
        guard = _admin_guard(look, await look.directory.super_admins(log))
        prestate: dict[str, Json] = {SUPER_ADMIN: True}
        rows.append(look.row(EntitlementKind.ROLE, SUPER_ADMIN, label="super admin", guard=guard, prestate=prestate))
    return rows


def _direct(look: Look, assignment: Row, role: Row) -> Entitlement:
    kept = ("roleId", "scopeType", "orgUnitId", "condition")
    return look.row(
        EntitlementKind.ROLE,
        text(assignment, "roleAssignmentId"),
        label=str(role.get("roleName") or ""),
        prestate={key: assignment[key] for key in kept if assignment.get(key)},
    )


async def _through_group(look: Look, assignment: Row, role: Row, log: Log) -> Entitlement:
    """The group's role is the group's: it leaves this account with the membership."""
    kind = assignment.get("assigneeType") or await _assignee_type(look, text(assignment, "assignedTo"), log)
    if str(kind).casefold() != "group":
        raise Unintelligible(f"google_workspace: cannot list roles of {look.account_id}: one is another user's")
    return Entitlement(
        Service.GOOGLE_WORKSPACE,
        look.account_id,
        EntitlementKind.ROLE,
        text(assignment, "roleAssignmentId"),
        label=str(role.get("roleName") or ""),
        guard=Guard.INHERITED,
        problem=f"held through group {text(assignment, 'assignedTo')}",
        remedy="It goes when the membership of that group, or of one nested in it, is removed.",
        prestate=MappingProxyType({"through_group": text(assignment, "assignedTo")}),
    )


async def _assignee_type(look: Look, assignee: str, log: Log) -> str:
    """Return "user" or "group", for an assignment that does not say it: what is no user is a group."""
    try:
        await look.directory.user(assignee, log)
    except Rejected as no:
        if no.is_(404, "notFound") and no.said.message == NO_SUCH_USER:
            return "group"
        raise
    return "user"


async def groups(look: Look, log: Log) -> list[Entitlement]:
    """Direct memberships with the role held in each."""
    held = await look.directory.groups_of(look.account_id, log)
    rows = await asyncio.gather(*(_membership(look, group, log) for group in held))
    if any(row.problem is not None for row in rows):
        still = {group.get("id") for group in await look.directory.groups_of(look.account_id, log)}
        return [row for row in rows if row.problem is None or row.vendor_id in still]
    return list(rows)


async def _membership(look: Look, group: Row, log: Log) -> Entitlement:
    """One that is listed and not there has ended meanwhile, or is no membership of its own: the list is asked again."""
    group_id, key = text(group, "id"), look.account_id
    api = look.directory.members
    ask = Ask(
        f"read membership of {key} in group {group_id}",
        GROUP_READ,
        lambda: api.get(groupKey=group_id, memberKey=key, fields="id,role,status,type"),
    )
    try:
        member = await look.directory.transport.read(ask, log)
    except Rejected as no:
        if no.is_(404, "notFound") and no.said.message in _LEFT_MEANWHILE:
            return _not_of_its_own(look, group)
        raise
    same_id(member, "id", key)
    role = text(member, "role")
    alone = role == "OWNER" and not await _other_owners(look, group_id, log)
    return look.row(
        EntitlementKind.GROUP,
        group_id,
        label=str(group.get("email") or ""),
        guard=Guard.LAST_OWNER if alone else None,
        prestate={"role": role},
    )


def _not_of_its_own(look: Look, group: Row) -> Entitlement:
    row = look.row(EntitlementKind.GROUP, text(group, "id"), label=str(group.get("email") or ""))
    return replace(
        row,
        problem="listed as a member, but without a membership of its own",
        remedy="See in the Admin console how the group comes by its members: all users, or a rule.",
    )


_LEFT_MEANWHILE = frozenset({"Resource Not Found: memberKey", "Resource Not Found: groupKey"})


async def _other_owners(look: Look, group_id: str, log: Log) -> bool:
    """Whether somebody else owns the group who is not suspended."""
    owners = await look.directory.owners_of(group_id, log)
    return any(owner.get("id") != look.account_id and owner.get("status") != "SUSPENDED" for owner in owners)


READERS: Mapping[EntitlementKind, Reader] = {
    EntitlementKind.SIGN_IN: sign_in,
    EntitlementKind.SESSION: session,
    EntitlementKind.PASSWORD: password,
    EntitlementKind.RECOVERY: recovery,
    EntitlementKind.GRANT: grants,
    EntitlementKind.APP_PASSWORD: app_passwords,
    EntitlementKind.BACKUP_CODE: backup_codes,
    EntitlementKind.ROLE: roles,
    EntitlementKind.GROUP: groups,
}
