"""Restoring sign-in, roles and memberships.  The person must enrol everything else again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from connectors.errors import ConnectorError, Unintelligible
from connectors.google_workspace.access import SUPER_ADMIN
from connectors.google_workspace.answers import same_id
from connectors.google_workspace.errors import WHO, Rejected
from connectors.google_workspace.manifest import MEMBER_WRITE, ROLE_WRITE, USER_WRITE
from connectors.google_workspace.requests import Requests
from connectors.google_workspace.revoking import COMMANDED, Outcome, update
from connectors.google_workspace.transport import Request
from connectors.kit.exchange import Trace
from models.vocabulary import Entitlement, EntitlementKind, Json, Receipt, RevocationResult

_Giving: TypeAlias = "Callable[[Requests, Entitlement, Mapping[str, Json], Trace], Awaitable[Outcome]]"
_NOTHING_TO_DO = Outcome(RevocationResult.ALREADY_ABSENT, "nothing to give back: it is there")


async def restore(requests: Requests, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
    """See `Connector.restore`.  Raises `ConnectorError`, also for a kind that cannot be given back."""
    giving = _GIVINGS.get(entitlement.kind)
    if giving is None:
        raise ConnectorError(
            f"{WHO}: cannot restore {entitlement.kind}: its owner must enrol again",
            remedy="Ask the person to enrol again.",
        )
    trace: Trace = []
    outcome = await giving(requests, entitlement, prestate, trace)
    return Receipt(entitlement.id, outcome.result, tuple(trace), outcome.text)


async def _unsuspend(
    requests: Requests, entitlement: Entitlement, prestate: Mapping[str, Json], trace: Trace
) -> Outcome:
    """Lift the suspension.  Google refuses that for a suspension for abuse."""
    try:
        body = {"suspended": prestate.get("suspended") is True}
        await update(requests, entitlement.account_id, "un-suspend", body, trace)
    except Rejected as no:
        if not no.matches(412, "adminCannotUnsuspend"):
            raise
        return Outcome(RevocationResult.REFUSED, str(no))
    return COMMANDED


async def _rejoin(requests: Requests, entitlement: Entitlement, prestate: Mapping[str, Json], trace: Trace) -> Outcome:
    """Add the member with its former role.  Google's `duplicate` means that it is a member already."""
    key, group_id = entitlement.account_id, entitlement.vendor_id
    body = {"id": key, "role": _kept(prestate, "role", entitlement)}
    request = Request(
        f"add {key} to group {group_id}",
        MEMBER_WRITE,
        lambda: requests.members.insert(groupKey=group_id, body=dict(body), fields="id,role"),
        "write",
    )
    try:
        same_id(await requests.transport.write(request, trace), "id", key)
    except Rejected as no:
        if not no.matches(409, "duplicate"):
            raise
        return _NOTHING_TO_DO
    return COMMANDED


async def _assign(requests: Requests, entitlement: Entitlement, prestate: Mapping[str, Json], trace: Trace) -> Outcome:
    if prestate.get(SUPER_ADMIN) is True:
        key, body = entitlement.account_id, {"status": True}
        request = Request(
            f"make {key} super admin", USER_WRITE, lambda: requests.users.makeAdmin(userKey=key, body=body), "write"
        )
        await requests.transport.write(request, trace)
        return COMMANDED
    return await _assign_again(requests, entitlement, prestate, trace)


async def _assign_again(
    requests: Requests, entitlement: Entitlement, prestate: Mapping[str, Json], trace: Trace
) -> Outcome:
    """Assign the role, under a new id, unless a read shows that the account holds it with the same scope."""
    kept = {key: prestate[key] for key in ("roleId", "scopeType", "orgUnitId", "condition") if prestate.get(key)}
    _kept(prestate, "roleId", entitlement)
    for row in await requests.assignments_of(entitlement.account_id, trace):
        same = {key: row.get(key) for key in kept} == kept
        if same and row.get("assignedTo") == entitlement.account_id:
            return _NOTHING_TO_DO
    body: dict[str, Any] = kept | {"assignedTo": entitlement.account_id}
    request = Request(
        f"assign role to {entitlement.account_id}",
        ROLE_WRITE,
        lambda: requests.assignments.insert(customer=requests.customer, body=dict(body)),
        "write",
    )
    same_id(await requests.transport.write(request, trace), "assignedTo", entitlement.account_id)
    return COMMANDED


def _kept(prestate: Mapping[str, Json], key: str, entitlement: Entitlement) -> str:
    value = prestate.get(key)
    if not isinstance(value, str):
        raise Unintelligible(f"{WHO}: cannot restore {entitlement.kind}: no {key} was kept")
    return value


_GIVINGS: Mapping[EntitlementKind, _Giving] = {
    EntitlementKind.SIGN_IN: _unsuspend,
    EntitlementKind.GROUP: _rejoin,
    EntitlementKind.ROLE: _assign,
}
