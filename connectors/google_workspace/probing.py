"""Probing what our credentials may do: a token for each scope, and a small read for each listing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from connectors.contract import Ability, Capabilities, KindManifest, Manifest
from connectors.errors import ConnectorError
from connectors.google_workspace import manifest as scopes
from connectors.google_workspace.answers import texts
from connectors.google_workspace.directory import quoted
from connectors.google_workspace.errors import WHO
from connectors.google_workspace.limits import DIRECTORY, REPORTS
from connectors.google_workspace.requests import Requests
from connectors.google_workspace.transport import Request
from connectors.kit.answers import need
from connectors.kit.exchange import Row
from connectors.matching import fold_all, fold_email
from models.vocabulary import Service

_NOT_SUPER = (
    "The administrator on whose behalf we act is not a super admin: accounts of administrators cannot be cut, nor roles taken.",
    "Give LASTDAY_GOOGLE_WORKSPACE_ADMIN_SUBJECT the super admin role, or accept that such accounts become findings.",
)


async def own_account(requests: Requests, subject: str) -> Row:
    """Return the administrator on whose behalf we act, found by address or alias; raises `ConnectorError`."""
    for row in await requests.search(f"email={quoted(subject)}", [], urgent=True):
        if fold_email(subject) in fold_all((need(WHO, row, "primaryEmail", str), *texts(row, "aliases"))):
            return row
    raise ConnectorError(
        f"{WHO}: cannot find our own account: no user has the subject's address",
        remedy="Set LASTDAY_GOOGLE_WORKSPACE_ADMIN_SUBJECT to an administrator's address.",
    )


async def probe(requests: Requests, manifest: Manifest, subject: str) -> Capabilities:
    """See `Connector.probe`: get a token for each scope of the manifest, and make one small read with each."""
    own, problems = await _own(requests, subject)
    key = need(WHO, own, "id", str) if own is not None else None
    kinds = manifest.kinds.values()
    wanted = {("read", scope) for line in kinds for scope in line.read_scopes}
    trials = sorted(wanted | {("write", scope) for line in kinds for scope in line.write_scopes})
    failed = await asyncio.gather(*(_try(requests, tier, scope, key) for tier, scope in trials))
    missing = {trial: error for trial, error in zip(trials, failed, strict=True) if error is not None}
    return Capabilities(
        service=Service.GOOGLE_WORKSPACE,
        plan="not shown by this API",
        tenant=str(own.get("customerId", "")) if own is not None else "",
        own_account_ids=frozenset({key} if key is not None else ()),
        abilities=tuple(_ability(line, missing) for line in kinds),
        problems=problems,
    )


async def _own(requests: Requests, subject: str) -> tuple[Row | None, tuple[tuple[str, str], ...]]:
    try:
        row = await own_account(requests, subject)
    except ConnectorError as error:
        return None, ((str(error), error.advice),)
    return row, () if row.get("isAdmin") is True else (_NOT_SUPER,)


async def _try(requests: Requests, tier: Any, scope: str, own_id: str | None) -> ConnectorError | None:
    """Get a token, and with the read tier read a little, since the administrator may lack the right; return the error."""
    try:
        await requests.transport.exchange(tier, scope)
        if tier == "read" and not (scope == scopes.SECURITY and own_id is None):
            limit = REPORTS if scope == scopes.AUDIT_READ else DIRECTORY
            request = Request(f"use {scope}", scope, _small_reads(requests, own_id)[scope], limits=(limit,))
            await requests.transport.read(request, [])
    except ConnectorError as error:
        return error
    return None


def _small_reads(requests: Requests, own_id: str | None) -> Mapping[str, Callable[[], Any]]:
    """Return the builder of a read that shows one row at most, by scope."""
    one = {"customer": requests.customer, "maxResults": 1}
    log = {"userKey": "all", "applicationName": "admin", "maxResults": 1, "fields": "items(id(time))"}
    return {
        scopes.USER_READ: lambda: requests.users.list(**one, fields="users(id)"),
        scopes.GROUP_READ: lambda: requests.groups.list(**one, fields="groups(id)"),
        scopes.ROLE_READ: lambda: requests.roles.list(**one, fields="items(roleId)"),
        scopes.AUDIT_READ: lambda: requests.activities.list(**log),
        scopes.SECURITY: lambda: requests.tokens.list(userKey=own_id, fields="items(clientId)"),
    }


def _ability(line: KindManifest, missing: Mapping[tuple[str, str], ConnectorError]) -> Ability:
    blind = next((missing["read", scope] for scope in line.read_scopes if ("read", scope) in missing), None)
    bound = next((missing["write", scope] for scope in line.write_scopes if ("write", scope) in missing), None)
    error = blind or bound
    why = () if error is None else (str(error), error.advice)
    return Ability(line.kind, blind is None, bound is None, *why)
