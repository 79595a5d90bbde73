"""Probing what our credentials may do: a token for each scope, and a small read for each listing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.contract import Ability, Capabilities, KindManifest, Manifest
from connectors.errors import ConnectorError
from connectors.google_workspace import manifest as scopes
from connectors.google_workspace.answers import texts
from connectors.google_workspace.directory import quoted
from connectors.google_workspace.errors import WHO
from connectors.google_workspace.limits import DIRECTORY, REPORTS
from connectors.google_workspace.requests import Requests
from connectors.google_workspace.tokens import Tier
from connectors.google_workspace.transport import Request
from connectors.kit.answers import need
from connectors.kit.exchange import Row
from connectors.matching import fold_email
from models.vocabulary import Service

_NOT_SUPER = (
    "The administrator on whose behalf we act is not a super admin: accounts of administrators cannot be cut, nor roles taken.",
    "Give LASTDAY_GOOGLE_WORKSPACE_ADMIN_SUBJECT the super admin role, or accept that such accounts become findings.",
)


async def own_account(requests: Requests, subject: str) -> Row:
    """Return the administrator on whose behalf we act, found by address or alias; raises `ConnectorError`."""
    for row in await requests.search(f"email={quoted(subject)}", [], urgent=True):
        if fold_email(subject) in {
            fold_email(e) for e in (need(WHO, row, "primaryEmail", str), *texts(row, "aliases"))
        }:
            return row
    raise ConnectorError(
        f"{WHO}: cannot find our own account: no user has the subject's address",
        remedy="Set LASTDAY_GOOGLE_WORKSPACE_ADMIN_SUBJECT to an administrator's address.",
    )


async def probe(requests: Requests, manifest: Manifest, subject: str) -> Capabilities:
    """See `Connector.probe`: get a token for each scope of the manifest, and make one small read with each."""
    own, problems = await _own(requests, subject)
    key = need(WHO, own, "id", str) if own is not None else None
    wanted = {("read", s) for line in manifest.kinds.values() for s in line.read_scopes}
    wanted |= {("write", s) for line in manifest.kinds.values() for s in line.write_scopes}
    trials = sorted(wanted)
    failed = await asyncio.gather(*(_try(requests, tier, scope, key) for tier, scope in trials))
    missing = {trial: error for trial, error in zip(trials, failed, strict=True) if error is not None}
    return Capabilities(
        service=Service.GOOGLE_WORKSPACE,
        plan="not shown by this API",
        tenant=str(own.get("customerId", "")) if own is not None else "",
        own_account_ids=frozenset({key} if key is not None else ()),
        abilities=tuple(_ability(line, missing) for line in manifest.kinds.values()),
        problems=tuple(problems),
    )


async def _own(requests: Requests, subject: str) -> tuple[Row | None, list[tuple[str, str]]]:
    try:
        row = await own_account(requests, subject)
    except ConnectorError as error:
        return None, [(str(error), error.advice)]
    return row, [] if row.get("isAdmin") is True else [_NOT_SUPER]


async def _try(requests: Requests, tier: Any, scope: str, own_id: str | None) -> ConnectorError | None:
    """Get a token, and with the read tier read a little, since the administrator may lack the right; return the error."""
    try:
        await requests.transport.exchange(tier, scope)
        request = _small_read(requests, scope, own_id) if tier == "read" else None
        if request is not None:
            await requests.transport.read(request, [])
    except ConnectorError as error:
        return error
    return None


def _small_read(requests: Requests, scope: str, own_id: str | None) -> Request | None:
    customer = requests.customer
    builds: Mapping[str, Any] = {
        scopes.USER_READ: lambda: requests.users.list(customer=customer, maxResults=1, fields="users(id)"),
        scopes.GROUP_READ: lambda: requests.groups.list(customer=customer, maxResults=1, fields="groups(id)"),
        scopes.ROLE_READ: lambda: requests.roles.list(customer=customer, maxResults=1, fields="items(roleId)"),
        scopes.AUDIT_READ: lambda: requests.activities.list(
            userKey="all", applicationName="admin", maxResults=1, fields="items(id(time))"
        ),
        scopes.SECURITY: lambda: requests.tokens.list(userKey=own_id, fields="items(clientId)"),
    }
    if scope == scopes.SECURITY and own_id is None:
        return None
    limit = REPORTS if scope == scopes.AUDIT_READ else DIRECTORY
    return Request(f"use {scope}", scope, builds[scope], limits=(limit,))


def _ability(line: KindManifest, missing: Mapping[tuple[Tier, str] | tuple[str, str], ConnectorError]) -> Ability:
    listing = _first(missing, (("read", scope) for scope in line.read_scopes))
    revoking = _first(missing, (("write", scope) for scope in line.write_scopes))
    error = listing or revoking
    return Ability(
        line.kind,
        can_list=listing is None,
        can_revoke=revoking is None,
        problem=str(error) if error is not None else None,
        remedy=error.advice if error is not None else None,
    )


def _first(
    missing: Mapping[tuple[Tier, str] | tuple[str, str], ConnectorError], trials: Iterable[tuple[str, str]]
) -> ConnectorError | None:
    return next((missing[trial] for trial in trials if trial in missing), None)
