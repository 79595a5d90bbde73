"""Restoring sign-in, roles and memberships.  The person must enrol everything else again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from connectors.errors import ConnectorError, Unintelligible
from connectors.google_workspace.access import ROLE_FIELDS, SUPER_ADMIN
from connectors.google_workspace.answers import same_id
from connectors.google_workspace.errors import WHO, RequestRejected
from connectors.google_workspace.manifest import MEMBER_WRITE, ROLE_WRITE
from connectors.google_workspace.requests import Requests
from connectors.google_workspace.revoking import COMMANDED, Outcome, make_admin, update
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
    except RequestRejected as no:
        if not no.matches(412, "adminCannotUnsuspend"):
            raise
        return Outcome(RevocationResult.REFUSED, str(no))
    return COMMANDED


async def _rejoin(requests: Requests, entitlement: Entitlement, prestate: Mapping[str, Json], trace: Trace) -> Outcome:
    """Add the member with its former role.  Google's `duplicate` means that it is a member already."""
    key, group_id = entitlement.account_id, entitlement.vendor_id
    body = {"id": key, "role": _kept(prestate, "role", entitlement)}
    doing, asked = f"add {key} to group {group_id}", {"groupKey": group_id, "body": body, "fields": "id,role"}
    try:
        same_id(await requests.write(doing, MEMBER_WRITE, requests.members.insert, asked, trace), "id", key)
    except RequestRejected as no:
        if not no.matches(409, "duplicate"):
            raise
        return _NOTHING_TO_DO
    return COMMANDED


async def _assign(requests: Requests, entitlement: Entitlement, prestate: Mapping[str, Json], trace: Trace) -> Outcome:
    """Assign the role, under a new id, unless a read shows that the account holds it with the same scope."""
    key = entitlement.account_id
    if prestate.get(SUPER_ADMIN) is True:
        await make_admin(requests, key, f"make {key} super admin", trace, status=True)
        return COMMANDED
    kept = {name: prestate[name] for name in ROLE_FIELDS if prestate.get(name)}
    _kept(prestate, "roleId", entitlement)
    for row in await requests.assignments_of(key, trace):
        if {name: row.get(name) for name in kept} == kept and row.get("assignedTo") == key:
            return _NOTHING_TO_DO
    doing, asked = f"assign role to {key}", {"customer": requests.customer, "body": kept | {"assignedTo": key}}
    same_id(await requests.write(doing, ROLE_WRITE, requests.assignments.insert, asked, trace), "assignedTo", key)
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
