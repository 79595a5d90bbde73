"""The Audit Logs API: newest first, Enterprise only, for a token of an Owner; a good answer has no `ok`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emulators.slack.calls import Refused

if TYPE_CHECKING:
    from emulators.slack.tenant import Tenant

_STATUS = {"missing_authentication": 401, "invalid_authentication": 401, "bad_endpoint": 404}
_KNOWN = frozenset({"latest", "oldest", "limit", "action", "actor", "entity", "cursor"})


def endpoint(tenant: Tenant) -> Callable[[Request], Awaitable[Response]]:
    """Return the API's only endpoint."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(_answer(tenant, request))
        except Refused as refused:
            return JSONResponse({"ok": False, "error": refused.code}, _STATUS.get(refused.code, 403))

    return answer


def _answer(tenant: Tenant, request: Request) -> dict[str, Any]:
    match request.path_params["rest"]:
        case "actions":
            return {"actions": {"user": sorted({e["action"] for e in tenant.audit})}}
        case "logs":
            _check_token(tenant, request)
            return _logs(tenant, dict(request.query_params))
    raise Refused("bad_endpoint")


def _check_token(tenant: Tenant, request: Request) -> None:
    value = request.headers.get("authorization", "").removeprefix("Bearer ")
    token = tenant.tokens.get(value)
    if not value:
        raise Refused("missing_authentication")
    if token is None or not tenant.alive(token):
        raise Refused("invalid_authentication")
    if not tenant.enterprise:
        raise Refused("feature_not_enabled")
    if not token.org:
        raise Refused("team_not_authorized")
    owner = tenant.members.get(token.owner_id)
    if owner is None or owner.rank < 2:
        raise Refused("user_not_authorized")
    if "auditlogs:read" not in token.scopes:
        raise Refused("missing_scope")


def _logs(tenant: Tenant, asked: dict[str, str]) -> dict[str, Any]:
    if set(asked) - _KNOWN:
        raise Refused("invalid_range")
    actions = set(filter(None, asked.get("action", "").split(",")))
    if len(actions) > 30:
        raise Refused("invalid_action")
    oldest, latest = int(asked.get("oldest", 0)), int(asked.get("latest", 1 << 40))
    found = [
        entry
        for entry in reversed(tenant.audit)
        if (not actions or entry["action"] in actions)
        and oldest <= entry["date_create"] <= latest
        and asked.get("actor") in {None, entry["actor"]["user"]["id"]}
        and asked.get("entity") in {None, entry["entity"][entry["entity"]["type"]]["id"]}
    ]
    start = int(asked.get("cursor") or 0)
    limit = min(int(asked.get("limit", 9999)), 9999, tenant.options.page_size or 9999)
    cursor = str(start + limit) if start + limit < len(found) else ""
    return {"entries": found[start : start + limit], "response_metadata": {"next_cursor": cursor}}
