"""
Probing what plan and permissions allow, by reading the directory.

The permissions are the `appRoleAssignments` of our service principals.  The token is not read: it is for Graph only.  A new
permission takes effect with the next token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.contract import Ability, Capabilities, KindManifest
from connectors.errors import ConnectorError, Denied, NotOnPlan, Unreachable
from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace
from connectors.microsoft365 import privilege
from connectors.microsoft365.activity.sources import SOURCES
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.errors import grant_remedy
from connectors.microsoft365.manifest import MANIFEST, READ_APPLICATIONS, READ_LICENCES, READ_USERS, SUPERSEDED
from connectors.microsoft365.transport import GraphTransport, get
from models.vocabulary import EntitlementKind, Service

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
_EDITIONS = (("AAD_PREMIUM_P2", "Entra ID P2"), ("AAD_PREMIUM", "Entra ID P1"))
PAID = frozenset(name for _, name in _EDITIONS)
_UNKNOWN_PLAN = "unknown"


async def probe(reader: GraphTransport, writer: GraphTransport) -> Capabilities:
    """See `Connector.probe`.  Raises only if the tenant itself cannot be read."""
    trace: Trace = []
    asked = get(lambda client: client.organization, select=["id", "displayName"])
    rows = await reader.pages(asked, trace, needs=READ_USERS)
    tenant = f"{rows[0].get('displayName') or ''} ({need(WHO, rows[0], 'id', str)})" if rows else ""
    plan, plan_problem = await edition(reader, trace)
    try:
        own, held = await _applications(reader, {reader.client_id, writer.client_id}, trace)
    except ConnectorError as error:
        problem = (f"what our own application may do could not be read: {error}", error.advice)
        unknown = tuple(Ability(kind, False, False, *problem) for kind in MANIFEST.kinds)
        return Capabilities(Service.MICROSOFT365, plan, tenant, frozenset(), unknown, (*plan_problem, problem))
    reads, writes = held[reader.client_id], held[writer.client_id]
    abilities = tuple(_ability(kind, reads, writes, plan) for kind in MANIFEST.kinds.values())
    blind = tuple(_unread(reads))
    reach = await _reach(reader, writer, trace)
    return Capabilities(Service.MICROSOFT365, plan, tenant, own, abilities, (*plan_problem, *blind, *reach))


async def edition(graph: GraphTransport, trace: Trace) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the edition of Entra ID, or "unknown" with the problem."""
    try:
        skus = await graph.pages(get(lambda client: client.subscribed_skus), trace, needs=READ_LICENCES)
    except ConnectorError as error:
        return _UNKNOWN_PLAN, ((f"the plan could not be read: {error}", error.advice),)
    plans = [
        plan.get("servicePlanName")
        for sku in skus
        if sku.get("capabilityStatus") in ("Enabled", "Warning") and isinstance(sku.get("servicePlans"), list)
        for plan in sku["servicePlans"]
        if isinstance(plan, dict) and plan.get("provisioningStatus") == "Success"
    ]
    return next((edition for name, edition in _EDITIONS if name in plans), "Entra ID Free"), ()


async def plan_checked(graph: GraphTransport, error: NotOnPlan, what: str, trace: Trace) -> ConnectorError:
    """
    Return *error* if the plan confirms it.

    Graph was seen to refuse tenants that have the plan: then return `Unreachable`, so that *what* is read again.  If the plan
    cannot be read, return `Denied`.
    """
    plan, _ = await edition(graph, trace)
    if plan == _UNKNOWN_PLAN:
        text = f"microsoft365: cannot read {what}: {error.code}, and the plan could not be read"
        return Denied(text, code=error.code, evidence=trace)
    if plan not in PAID:
        return error
    text = f"microsoft365: cannot read {what}: {error.code}, though the plan is {plan}"
    return Unreachable(text, code=error.code, evidence=trace)


async def _applications(
    graph: GraphTransport, clients: Iterable[str], trace: Trace
) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """Return our service principals' object ids, and each client's app permissions."""
    graph_itself = await privilege.service_principal(graph, GRAPH_APP_ID, trace, "appRoles")
    names = {
        need(WHO, role, "id", str): need(WHO, role, "value", str) for role in need(WHO, graph_itself, "appRoles", list)
    }
    ids, held = set(), {}
    for client in clients:
        own = need(WHO, await privilege.service_principal(graph, client, trace), "id", str)
        rows = await _assigned(graph, own, trace)
        ids.add(own)
        held[client] = frozenset(names[row["appRoleId"]] for row in rows if row.get("appRoleId") in names)
    return frozenset(ids), held


async def _assigned(graph: GraphTransport, principal: str, trace: Trace) -> list[Row]:
    asked = get(lambda client: client.service_principals.by_service_principal_id(principal).app_role_assignments)
    return await graph.pages(asked, trace, needs=READ_APPLICATIONS)


def _ability(kind: KindManifest, reads: frozenset[str], writes: frozenset[str], plan: str) -> Ability:
    blind, bound = _lacking(kind.read_scopes, reads), _lacking(kind.write_scopes, writes)
    lacking = (*blind, *bound)
    if lacking:
        problem = f"missing app permissions: {', '.join(lacking)}"
        return Ability(kind.kind, not blind, not bound, problem, grant_remedy(lacking))
    if kind.kind is EntitlementKind.ROLE and plan not in {"Entra ID P2", _UNKNOWN_PLAN}:
        problem = "eligible roles (Privileged Identity Management) need Entra ID P2 or ID Governance"
        return Ability(kind.kind, True, True, problem, "Settle it for the tenant with a standing waiver.")
    return Ability(kind.kind, True, True)


def _unread(held: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the permissions missing for reading the logs, as problems."""
    for scopes in dict.fromkeys(source.scopes for source in SOURCES):
        lacking = _lacking(scopes, held)
        names = ", ".join(source.name for source in SOURCES if source.scopes == scopes)
        if lacking:
            yield f"what was done cannot be read ({names}): missing app permissions", grant_remedy(lacking) or ""


def _lacking(needed: Iterable[str], held: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in needed if not held & (SUPERSEDED.get(name, frozenset()) | {name}))


async def _reach(reader: GraphTransport, writer: GraphTransport, trace: Trace) -> tuple[tuple[str, str], ...]:
    try:
        if await privilege.may_touch_admins(reader, writer.client_id, trace):
            return ()
    except ConnectorError as error:
        return ((f"our service principal's own roles could not be read: {error}", error.advice),)
    return (("administrators' accounts are out of our service principal's reach", privilege.REMEDY),)
