"""
SCIM v1 and v2.  Errors come in each version's own shape, but a bad token in v1's on both.

Status codes of refusals by rank are not published: 403 is this emulator's; the code in the body is the vendor's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emulators.slack.calls import VendorRefusal
from emulators.slack.state import Member, Token

if TYPE_CHECKING:
    from emulators.slack.tenant import Tenant

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_STATUS = {"invalid_authentication": 401, "missing_authentication": 401, "no_such_user": 404, "bad_endpoint": 404, "resource_locked": 429}  # fmt: skip
_ALWAYS_V1 = frozenset({"invalid_authentication", "missing_authentication"})
_FILTER = re.compile(
    r'^(username|email|restricted|ultra_restricted)\s+(eq|co|sw)\s+("(?:[^"\\]|\\.)*"|\'1\')$', re.IGNORECASE
)


def endpoint(tenant: Tenant) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of both versions."""

    async def answer(request: Request) -> Response:
        try:
            return await _answer(tenant, request)
        except VendorRefusal as refused:
            return _refusal(request.path_params["version"], refused.code)

    return answer


async def _answer(tenant: Tenant, request: Request) -> Response:
    version, rest = request.path_params["version"], request.path_params["rest"]
    if version not in {"v1", "v2"}:
        raise VendorRefusal("bad_endpoint")
    token = _token(tenant, request)
    match request.method, rest.split("/"):
        case "GET", ["ServiceProviderConfigs" | "ServiceProviderConfig"]:
            return JSONResponse({"patch": {"supported": True}, "filter": {"supported": True}})
        case "GET", ["Users"]:
            return JSONResponse(_list(tenant, version, request))
        case "GET", ["Users", user_id]:
            member = _member(tenant, user_id)
            return JSONResponse(face(tenant, version, member, active=tenant.read_active(member, "scim")))
        case (("PATCH" | "DELETE"), ["Users", user_id]):
            async with _locked(tenant, user_id):
                return await _write(tenant, version, request, token, _member(tenant, user_id))
    raise VendorRefusal("bad_endpoint")


def _refusal(version: str, code: str) -> Response:
    status = _STATUS.get(code, 403 if code in _BY_RANK else 400)
    headers = {"retry-after": "1"} if status == 429 else None
    if version == "v2" and code not in _ALWAYS_V1:
        body: dict[str, Any] = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "detail": code,
            "status": status,
        }
    else:
        body = {"Errors": {"description": code, "code": status}}
    return JSONResponse(body, status, headers)


_BY_RANK = frozenset(
    {
        "permission_denied", "plus_teams_only", "non_org_teams_only", "cannot_disable_primary_owner",
        "cannot_modify_owner", "cannot_disable_bot_user_with_scim",
    }
)  # fmt: skip


def _token(tenant: Tenant, request: Request) -> Token:
    value = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not value:
        raise VendorRefusal("missing_authentication")
    token = tenant.tokens.get(value)
    if token is None or not tenant.alive(token):
        raise VendorRefusal("invalid_authentication")
    if token.kind != "xoxp" or "admin" not in token.scopes:
        raise VendorRefusal("permission_denied")
    if tenant.options.plan == "pro":
        raise VendorRefusal("plus_teams_only")
    if tenant.enterprise and not token.org:
        raise VendorRefusal("non_org_teams_only")
    return token


def _member(tenant: Tenant, user_id: str) -> Member:
    member = tenant.members.get(user_id)
    if member is None or member.is_stranger or user_id == "USLACKBOT":
        raise VendorRefusal("no_such_user")
    return member


@contextlib.asynccontextmanager
async def _locked(tenant: Tenant, user_id: str) -> AsyncIterator[None]:
    lock = tenant.locks.setdefault(user_id, asyncio.Lock())
    if lock.locked():
        raise VendorRefusal("resource_locked")
    async with lock:
        await asyncio.sleep(tenant.options.write_seconds)
        yield


async def _write(tenant: Tenant, version: str, request: Request, token: Token, member: Member) -> Response:
    active = False if request.method == "DELETE" else _wanted(version, await request.body())
    _check_rank(tenant, token, member)
    (tenant.activate if active else tenant.deactivate)(member, token.owner_id)
    if request.method == "DELETE":
        return Response(status_code=204 if version == "v2" else 200)
    return JSONResponse(face(tenant, version, member, active=active))


def _wanted(version: str, body: bytes) -> bool:
    sent = json.loads(body)
    match version, sent:
        case "v1", {"schemas": ["urn:scim:schemas:core:1.0"], "active": bool(active)} if len(sent) == 2:
            return active
        case "v2", {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": bool(active)}],
        } if len(sent) == 2:
            return active
    raise VendorRefusal("missing_schema_element")


def _check_rank(tenant: Tenant, token: Token, member: Member) -> None:
    if member.is_bot:
        raise VendorRefusal("cannot_disable_bot_user_with_scim")
    if member.is_primary_owner:
        raise VendorRefusal("cannot_disable_primary_owner")
    if member.rank > tenant.members[token.owner_id].rank:
        raise VendorRefusal("cannot_modify_owner")


def _list(tenant: Tenant, version: str, request: Request) -> dict[str, Any]:
    asked = request.query_params
    if set(asked) - {"count", "startIndex", "filter"}:
        raise VendorRefusal("invalid_query")
    count, start = int(asked.get("count", 10)), max(int(asked.get("startIndex", 1)), 1)
    found = [m for m in tenant.people() if _passes(m, asked.get("filter"))]
    size = min(count, 1000, tenant.options.page_size or count)
    page = found[start - 1 : start - 1 + size]
    rows = [face(tenant, version, m, active=not tenant.gone(m)) for m in page]
    return {"totalResults": len(found), "itemsPerPage": len(rows), "startIndex": start, "Resources": rows}


def _passes(member: Member, query: str | None) -> bool:
    if query is None:
        return True
    match = _FILTER.match(query)
    if match is None:
        raise VendorRefusal("invalid_query")
    attribute, operator, literal = match.group(1).casefold(), match.group(2).casefold(), match.group(3)
    if literal == "'1'":
        return attribute == "restricted" and member.is_restricted
    wanted = str(json.loads(literal)).casefold()
    held = (member.email or "") if attribute == "email" else member.mailbox
    return {"eq": held.casefold() == wanted, "co": wanted in held.casefold(), "sw": held.casefold().startswith(wanted)}[
        operator
    ]


def face(tenant: Tenant, version: str, member: Member, *, active: bool) -> dict[str, Any]:
    """Return *member* as SCIM shows it."""
    v2 = version == "v2"
    shown: dict[str, Any] = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User" if v2 else "urn:scim:schemas:core:1.0"],
        "id": member.id,
        "userName": re.sub(r"[^a-z0-9._-]", "_", member.mailbox)[:21],
        "displayName": member.display_name,
        "name": {"givenName": member.display_name, "familyName": ""},
        "active": active,
        "emails": [{"value": member.email, "type": None, "primary": True}] if member.email else [],
        "groups": [],
    }
    if member.employee_no is not None and tenant.options.employee_numbers:
        urn = (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
            if v2
            else "urn:scim:schemas:extension:enterprise:1.0"
        )
        shown[urn] = {"employeeNumber": member.employee_no}
    return shown
