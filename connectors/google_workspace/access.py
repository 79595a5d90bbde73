"""Listing what one account holds, one reader for each kind."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from connectors.errors import Unintelligible
from connectors.google_workspace.answers import listed, same_id, texts
from connectors.google_workspace.errors import NO_SUCH_USER, WHO, RequestRejected
from connectors.google_workspace.manifest import GROUP_READ, SECURITY
from connectors.google_workspace.requests import Requests, is_blocked
from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace
from connectors.kit.single_flight import SharedRead
from models.vocabulary import ACCOUNT, Entitlement, Guard, Json, Service
from models.vocabulary import EntitlementKind as K

SUPER_ADMIN = "super_admin"
"""The vendor id of the super admin's right, which is a flag of the user, with or without a role assignment."""


class AccountReading:
    """One reading of one account.  The user is read once for all kinds, and is evidence for each."""

    def __init__(self, requests: Requests, account_id: str) -> None:
        self.requests = requests
        self.account_id = account_id
        self.user = SharedRead(functools.partial(requests.user, account_id)).get

    def row(self, kind: K, vendor_id: str, *, prestate: Mapping[str, Json] | None = None, **more: Any) -> Entitlement:
        """Return a row; *more*: further fields of an `Entitlement`."""
        kept = MappingProxyType(dict(prestate or {}))
        return Entitlement(Service.GOOGLE_WORKSPACE, self.account_id, kind, vendor_id, prestate=kept, **more)


ROLE_FIELDS = ("roleId", "scopeType", "orgUnitId", "condition")
RECOVERY_FIELDS = {"email": "recoveryEmail", "phone": "recoveryPhone"}
_LEFT_MEANWHILE = frozenset({"Resource Not Found: memberKey", "Resource Not Found: groupKey"})
Reader: TypeAlias = "Callable[[AccountReading, Trace], Awaitable[list[Entitlement]]]"


async def sign_in(reading: AccountReading, trace: Trace) -> list[Entitlement]:
    """Return one row, none for a suspended or archived user."""
    user = await reading.user(trace)
    if is_blocked(user):
        return []
    row = reading.row(K.SIGN_IN, ACCOUNT, prestate={"suspended": False})
    if user.get("isAdmin") is not True:
        return [row]
    admins = await reading.requests.super_admins(trace) | {reading.account_id}
    return [replace(row, guard=_admin_guard(reading, admins), administrators=admins)]


def _admin_guard(reading: AccountReading, admins: frozenset[str]) -> Guard:
    """Return the guard of a super admin: the last one must stay; another is cut only by a super admin."""
    return Guard.PRIVILEGED if admins - {reading.account_id} else Guard.LAST_ADMIN


async def session(reading: AccountReading, trace: Trace) -> list[Entitlement]:
    """
    Return one row with the time when the sessions were last ended; Google does not list them.

    While the account can sign in, the admin log is not read: no ending counts yet, and a slow log delays no block.
    """
    user = await reading.user(trace)
    ended_at = await _last_event(reading, K.SESSION, user, trace) if is_blocked(user) else None
    return [reading.row(K.SESSION, ACCOUNT, label="web and device sessions", ended_at=ended_at)]


async def password(reading: AccountReading, trace: Trace) -> list[Entitlement]:
    """Return one row with the time when an administrator last changed the password."""
    changed_at = await _last_event(reading, K.PASSWORD, await reading.user(trace), trace)
    return [reading.row(K.PASSWORD, ACCOUNT, label="password", ended_at=changed_at)]


async def _last_event(reading: AccountReading, kind: K, user: Row, trace: Trace) -> datetime | None:
    """
    Return the time of the newest of the kind's events about this user.

    The log has the address of the event's day, so a user who was renamed is searched by the aliases too.
    """
    addresses = (need(WHO, user, "primaryEmail", str), *texts(user, "aliases"))
    return await reading.requests.admin_log.newest(kind, reading.account_id, addresses, trace)


async def recovery(reading: AccountReading, trace: Trace) -> list[Entitlement]:
    """Return a row for a recovery address and one for a recovery phone.  Their values are not kept."""
    user = await reading.user(trace)
    held = [vendor_id for vendor_id, field in RECOVERY_FIELDS.items() if user.get(field)]
    return [reading.row(K.RECOVERY, vendor_id, label=f"recovery {vendor_id}") for vendor_id in held]


async def grants(reading: AccountReading, trace: Trace) -> list[Entitlement]:
    """Return the grants to third-party apps.  In some tenants Google refuses this for suspended users, with 401."""
    fields = "clientId,displayText,scopes,userKey"
    return [
        reading.row(
            K.GRANT,
            need(WHO, row, "clientId", str),
            label=str(row.get("displayText") or ""),
            prestate={"scopes": list(texts(row, "scopes"))},
        )
        for row in await _listed(reading, "grants", reading.requests.tokens, fields, trace)
    ]


async def app_passwords(reading: AccountReading, trace: Trace) -> list[Entitlement]:
    found = await _listed(reading, "app passwords", reading.requests.asps, "codeId,name,userKey", trace)
    # Google may send numbers as texts
    if any(isinstance(row.get("codeId"), bool) or not str(row.get("codeId")).isdecimal() for row in found):
        raise Unintelligible(f"{WHO}: cannot read an answer: codeId is not a number")
    return [reading.row(K.APP_PASSWORD, str(row["codeId"]), label=str(row.get("name") or "")) for row in found]


async def backup_codes(reading: AccountReading, trace: Trace) -> list[Entitlement]:
    """
    Return one row while any code is valid.  The request's fields leave out the codes, which this call would return.

    It asks for the constant *kind*, so that a code without the optional owner is still a row.
    """
    found = await _listed(reading, "backup codes", reading.requests.codes, "kind,userId", trace)
    return [reading.row(K.BACKUP_CODE, ACCOUNT, label="backup codes")] if found else []


async def _listed(reading: AccountReading, what: str, api: Any, fields: str, trace: Trace) -> list[Row]:
    """
    Return the rows of one of the user's lists, which Google gives in one page.

    Raises `Unintelligible` for a next page, and for a row that names another user; a row may name none.
    """
    key, doing = reading.account_id, f"list {what} of {reading.account_id}"
    asked = {"userKey": key, "fields": f"items({fields})"}
    body = await reading.requests.read(doing, SECURITY, api.list, asked, trace)
    if body.get("nextPageToken"):
        raise Unintelligible(f"{WHO}: cannot {doing}: a list without pages has a next one")
    found = listed(body, "items", doing)
    for row in found:
        for owner in {"userKey", "userId"} & row.keys():
            same_id(row, owner, key)
    return found


async def roles(reading: AccountReading, trace: Trace) -> list[Entitlement]:
    """Return direct roles, the super admin's right, and roles through a group."""
    user, assignments = await asyncio.gather(
        reading.user(trace), reading.requests.assignments_of(reading.account_id, trace)
    )
    names = await reading.requests.all_roles(trace) if assignments else {}
    rows, super_admin = [], user.get("isAdmin") is True
    for assignment in assignments:
        role = names.get(need(WHO, assignment, "roleId", str), {})
        if assignment.get("assignedTo") != reading.account_id:
            rows.append(await _through_group(reading, assignment, role, trace))
        elif role.get("isSuperAdminRole") is True:
            super_admin = True
        else:
            rows.append(_direct(reading, assignment, role))
    if super_admin:
        guard = _admin_guard(reading, await reading.requests.super_admins(trace))
        rows.append(reading.row(K.ROLE, SUPER_ADMIN, label="super admin", guard=guard, prestate={SUPER_ADMIN: True}))
    return rows


def _direct(reading: AccountReading, assignment: Row, role: Row) -> Entitlement:
    prestate = {key: assignment[key] for key in ROLE_FIELDS if assignment.get(key)}
    its, label = need(WHO, assignment, "roleAssignmentId", str), str(role.get("roleName") or "")
    return reading.row(K.ROLE, its, label=label, prestate=prestate)


async def _through_group(reading: AccountReading, assignment: Row, role: Row, trace: Trace) -> Entitlement:
    """Return the row of a group's role, which the account loses with the membership."""
    through = need(WHO, assignment, "assignedTo", str)
    kind = assignment.get("assigneeType") or await _assignee_type(reading, through, trace)
    if str(kind).casefold() != "group":
        raise Unintelligible(f"{WHO}: cannot list roles of {reading.account_id}: one is another user's")
    return replace(
        _direct(reading, assignment, role),
        guard=Guard.INHERITED,
        problem=f"held through group {through}",
        remedy="It goes when the membership of that group, or of one nested in it, is removed.",
        prestate=MappingProxyType({"through_group": through}),
    )


async def _assignee_type(reading: AccountReading, assignee: str, trace: Trace) -> str:
    """Return "user" or "group" for an assignment without a type: an id that is not a user's is a group's."""
    try:
        await reading.requests.user(assignee, trace)
    except RequestRejected as no:
        if no.matches(404, "notFound") and no.body.message == NO_SUCH_USER:
            return "group"
        raise
    return "user"


async def groups(reading: AccountReading, trace: Trace) -> list[Entitlement]:
    held = await reading.requests.groups_of(reading.account_id, trace)
    rows = await asyncio.gather(*(_membership(reading, group, trace) for group in held))
    if any(row.problem is not None for row in rows):
        still = {group.get("id") for group in await reading.requests.groups_of(reading.account_id, trace)}
        return [row for row in rows if row.problem is None or row.vendor_id in still]
    return list(rows)


async def _membership(reading: AccountReading, group: Row, trace: Trace) -> Entitlement:
    """
    Return the row of a listed group.

    A membership that Google does not find has ended meanwhile, or the group is of all users or by a rule: `groups` lists again.
    """
    group_id, key = need(WHO, group, "id", str), reading.account_id
    row = reading.row(K.GROUP, group_id, label=str(group.get("email") or ""))
    doing, requests = f"read membership of {key} in group {group_id}", reading.requests
    asked = {"groupKey": group_id, "memberKey": key, "fields": "id,role,status,type"}
    try:
        member = await requests.read(doing, GROUP_READ, requests.members.get, asked, trace)
    except RequestRejected as no:
        if no.matches(404, "notFound") and no.body.message in _LEFT_MEANWHILE:
            remedy = "See in the Admin console how the group comes by its members: all users, or a rule."
            return replace(row, problem="listed as a member, but without a membership of its own", remedy=remedy)
        raise
    same_id(member, "id", key)
    role = need(WHO, member, "role", str)
    alone = role == "OWNER" and not await _other_owners(reading, group_id, trace)
    return replace(row, guard=Guard.LAST_OWNER if alone else None, prestate=MappingProxyType({"role": role}))


async def _other_owners(reading: AccountReading, group_id: str, trace: Trace) -> bool:
    owners = await reading.requests.owners_of(group_id, trace)
    return any(owner.get("id") != reading.account_id and owner.get("status") != "SUSPENDED" for owner in owners)


READERS: Mapping[K, Reader] = {
    K.SIGN_IN: sign_in,
    K.SESSION: session,
    K.PASSWORD: password,
    K.RECOVERY: recovery,
    K.GRANT: grants,
    K.APP_PASSWORD: app_passwords,
    K.BACKUP_CODE: backup_codes,
    K.ROLE: roles,
    K.GROUP: groups,
}
