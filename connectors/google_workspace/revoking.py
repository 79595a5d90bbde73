"""
Revoking one entitlement: one write, sent again only if the first surely did nothing.

A receipt says `already_absent` only after a fresh read of the kind, never from an error's code alone.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from connectors.errors import OutcomeUnknown, Unintelligible
from connectors.google_workspace.access import READERS, RECOVERY_FIELDS, SUPER_ADMIN, AccountReading
from connectors.google_workspace.answers import same_id
from connectors.google_workspace.errors import NO_SUCH_USER, WHO, RequestRejected
from connectors.google_workspace.manifest import MEMBER_WRITE, ROLE_WRITE, SECURITY, USER_WRITE
from connectors.google_workspace.requests import Requests
from connectors.kit.answers import need
from connectors.kit.exchange import Trace
from models.vocabulary import ACCOUNT, Entitlement, Receipt, RevocationResult
from models.vocabulary import EntitlementKind as K

_PASSWORD_BYTES = 48
_Codes: TypeAlias = "frozenset[tuple[int, str]]"
_NOT_THERE: _Codes = frozenset({(404, "notFound"), (404, "resourceNotFound"), (404, "NOT_FOUND")})
"""Status and code for "not found" in Google's older and newer APIs.  Proves nothing without a read: see `_deleted`."""
_NO_SUCH_CODE: _Codes = frozenset({(400, "invalid"), (400, "invalidParameter"), (400, "INVALID_ARGUMENT")})
_STATE_FORBIDS: _Codes = frozenset(
    {(412, "conditionNotMet"), (400, "failedPrecondition"), (400, "FAILED_PRECONDITION")}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    result: RevocationResult
    text: str = ""


COMMANDED = Outcome(RevocationResult.COMMANDED)
_Cut: TypeAlias = "Callable[[Requests, Entitlement, Trace], Awaitable[Outcome]]"


async def revoke(requests: Requests, entitlement: Entitlement) -> Receipt:
    if entitlement.vendor_id == "*":
        raise Unintelligible(f"{WHO}: cannot revoke {entitlement.kind}: it was never read")
    if {entitlement.vendor_id, entitlement.account_id} & {"", ".", ".."}:
        raise _unknown(entitlement)  # in a path these name the parent, which is not the account's
    trace: Trace = []
    outcome = await _CUTS[entitlement.kind](requests, entitlement, trace)
    return Receipt(entitlement.id, outcome.result, tuple(trace), outcome.text)


async def freeze(requests: Requests, account_id: str) -> list[Receipt]:
    """
    Set a random password and clear the recovery address and phone, in one write.

    The password is sent once and kept nowhere.  The user is read first: the write's answer does not say what was there, and a
    read that is about another user prevents the write.
    """
    trace: Trace = []
    reading = AccountReading(requests, account_id)
    had = {row.id for row in await READERS[K.RECOVERY](reading, trace)} | {reading.row(K.PASSWORD, ACCOUNT).id}
    await update(requests, account_id, "freeze", _new_password() | dict.fromkeys(RECOVERY_FIELDS.values(), ""), trace)
    rows = (reading.row(K.PASSWORD, ACCOUNT), *(reading.row(K.RECOVERY, its) for its in RECOVERY_FIELDS))
    gone = RevocationResult.ALREADY_ABSENT
    return [Receipt(row.id, COMMANDED.result if row.id in had else gone, tuple(trace)) for row in rows]


def _new_password() -> dict[str, Any]:
    return {"password": secrets.token_urlsafe(_PASSWORD_BYTES), "changePasswordAtNextLogin": True}


async def update(requests: Requests, account_id: str, doing: str, body: Mapping[str, Any], trace: Trace) -> None:
    """
    Change fields of a user.  Google's PUT keeps the fields that are left out.

    Raises `Unintelligible` if the answer names another user; it may name none, since by Google's notes it holds only the
    changed fields.
    """
    doing, asked = f"{doing} {account_id}", {"userKey": account_id, "body": body, "fields": "id"}
    answer = await requests.write(doing, USER_WRITE, requests.users.update, asked, trace)
    if not isinstance(answer, dict):
        raise OutcomeUnknown(f"{WHO}: cannot {doing}: not a JSON object", evidence=trace)
    if "id" in answer:
        same_id(answer, "id", account_id)


async def _suspend(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    await update(requests, entitlement.account_id, "suspend", {"suspended": True}, trace)
    return COMMANDED


async def _change_password(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    await update(requests, entitlement.account_id, "change the password of", _new_password(), trace)
    return COMMANDED


async def _clear_recovery(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    field = RECOVERY_FIELDS.get(entitlement.vendor_id)
    if field is None:
        raise _unknown(entitlement)
    await update(requests, entitlement.account_id, "clear recovery of", {field: ""}, trace)
    return COMMANDED


def _unknown(entitlement: Entitlement) -> Unintelligible:
    return Unintelligible(f"{WHO}: cannot revoke {entitlement.kind}: no listing gives such an id")


async def _sign_out(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    key = entitlement.account_id
    await requests.write(f"sign out {key}", SECURITY, requests.users.signOut, {"userKey": key}, trace)
    return COMMANDED


async def _delete_grant(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    key, client_id = entitlement.account_id, entitlement.vendor_id
    doing, asked = f"delete grant {client_id} of {key}", {"userKey": key, "clientId": client_id}
    write = functools.partial(requests.write, doing, SECURITY, requests.tokens.delete, asked, trace)
    return await _deleted(write, requests, entitlement, trace)


async def _delete_app_password(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    if not entitlement.vendor_id.isdecimal():
        raise _unknown(entitlement)
    key, code_id = entitlement.account_id, int(entitlement.vendor_id)
    doing, asked = f"delete app password {code_id} of {key}", {"userKey": key, "codeId": code_id}
    write = functools.partial(requests.write, doing, SECURITY, requests.asps.delete, asked, trace)
    return await _deleted(write, requests, entitlement, trace, absent=_NOT_THERE | _NO_SUCH_CODE)


async def _leave_group(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    key, group_id = entitlement.account_id, entitlement.vendor_id
    doing, asked = f"remove {key} from group {group_id}", {"groupKey": group_id, "memberKey": key}
    write = functools.partial(requests.write, doing, MEMBER_WRITE, requests.members.delete, asked, trace)
    return await _deleted(write, requests, entitlement, trace, refused=_STATE_FORBIDS)


async def _deleted(
    write: Callable[..., Awaitable[object]],
    requests: Requests,
    entitlement: Entitlement,
    trace: Trace,
    *,
    absent: _Codes = _NOT_THERE,
    refused: _Codes = frozenset(),
) -> Outcome:
    """
    Return the outcome of *write*, a deletion.  After an answer in *absent*, a fresh read decides whether the entitlement is gone.

    "No such user" does not count: it says nothing about the entitlement.
    """
    try:
        await write(of_account=f"delete {entitlement.kind} of {entitlement.account_id}")
    except RequestRejected as no:
        said = (no.status, no.code or "")
        if said in refused:
            return Outcome(RevocationResult.REFUSED, str(no))
        if said not in absent or no.body.message == NO_SUCH_USER or not await _is_gone(requests, entitlement, trace):
            raise
        return Outcome(RevocationResult.ALREADY_ABSENT)
    return COMMANDED


async def _is_gone(requests: Requests, entitlement: Entitlement, trace: Trace) -> bool:
    reading = AccountReading(requests, entitlement.account_id)
    rows = await READERS[entitlement.kind](reading, trace)
    return entitlement.vendor_id not in {row.vendor_id for row in rows}


async def _invalidate_codes(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    """Invalidate the codes.  Google refuses that for a suspended user, which is a refusal and not our failure."""
    key = entitlement.account_id
    try:
        doing = f"invalidate backup codes of {key}"
        await requests.write(doing, SECURITY, requests.codes.invalidate, {"userKey": key}, trace)
    except RequestRejected as no:
        if no.status != 400 or no.code not in {"invalid", "INVALID_ARGUMENT"}:
            raise
        if await _is_gone(requests, entitlement, trace):
            return Outcome(RevocationResult.ALREADY_ABSENT)
        return Outcome(RevocationResult.REFUSED, "Google invalidates no backup codes of a suspended user")
    return COMMANDED


async def _take_role(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    """Delete an assignment; of a super admin, clear the flag, and if it is clear already, delete the assignment that is left."""
    key = entitlement.account_id
    if entitlement.vendor_id != SUPER_ADMIN:
        return await _delete_assignment(requests, entitlement, trace)
    is_one = (await requests.user(key, trace)).get("isAdmin") is True
    if not is_one and (left := await _super_assignments(requests, key, trace)):
        return await _delete_assignment(requests, replace(entitlement, vendor_id=left[0]), trace)
    await make_admin(requests, key, f"end super admin of {key}", trace, status=False)
    return COMMANDED


async def make_admin(requests: Requests, key: str, doing: str, trace: Trace, *, status: bool) -> None:
    asked = {"userKey": key, "body": {"status": status}}
    await requests.write(doing, USER_WRITE, requests.users.makeAdmin, asked, trace)


async def _super_assignments(requests: Requests, key: str, trace: Trace) -> list[str]:
    held, names = await requests.assignments_of(key, trace), await requests.all_roles(trace)
    return [
        need(WHO, row, "roleAssignmentId", str)
        for row in held
        if row.get("assignedTo") == key and names.get(str(row.get("roleId")), {}).get("isSuperAdminRole") is True
    ]


async def _delete_assignment(requests: Requests, entitlement: Entitlement, trace: Trace) -> Outcome:
    """Delete an assignment after reading its assignee: deleting a group's would take the role from all members."""
    held = await requests.assignments_of(entitlement.account_id, trace)
    assignment = next((row for row in held if row.get("roleAssignmentId") == entitlement.vendor_id), None)
    if assignment is None:
        return Outcome(RevocationResult.ALREADY_ABSENT)
    if assignment.get("assignedTo") != entitlement.account_id:
        return Outcome(RevocationResult.REFUSED, "held through a group: it goes with the membership")
    asked = {"customer": requests.customer, "roleAssignmentId": entitlement.vendor_id}
    doing = f"delete role assignment {entitlement.vendor_id}"
    write = functools.partial(requests.write, doing, ROLE_WRITE, requests.assignments.delete, asked, trace)
    return await _deleted(write, requests, entitlement, trace, refused=_STATE_FORBIDS)


_CUTS: Mapping[K, _Cut] = {
    K.SIGN_IN: _suspend,
    K.PASSWORD: _change_password,
    K.RECOVERY: _clear_recovery,
    K.SESSION: _sign_out,
    K.GRANT: _delete_grant,
    K.APP_PASSWORD: _delete_app_password,
    K.BACKUP_CODE: _invalidate_codes,
    K.ROLE: _take_role,
    K.GROUP: _leave_group,
}
