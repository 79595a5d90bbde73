"""The Audit Logs API: newest first, Enterprise only, needs an Owner's token; a successful answer has no `ok`."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emulators.slack.calls import VendorRefusal

if TYPE_CHECKING:
    from emulators.slack.tenant import Tenant

_STATUS = {"missing_authentication": 401, "invalid_authentication": 401, "bad_endpoint": 404}
_KNOWN = frozenset({"latest", "oldest", "limit", "action", "actor", "entity", "cursor"})


def endpoint(tenant: Tenant) -> Callable[[Request], Awaitable[Response]]:
    """Return the API's only endpoint."""

    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(_answer(tenant, request))
        except VendorRefusal as refused:
            return JSONResponse({"ok": False, "error": refused.code}, _STATUS.get(refused.code, 403))

    return answer


def _answer(tenant: Tenant, request: Request) -> dict[str, Any]:
    match request.path_params["rest"]:
        case "actions":
            return {"actions": {"user": sorted({e["action"] for e in tenant.audit})}}
        case "logs":
            _check_token(tenant, request)
            return _logs(tenant, dict(request.query_params))
    raise VendorRefusal("bad_endpoint")


def _check_token(tenant: Tenant, request: Request) -> None:
    value = request.headers.get("authorization", "").removeprefix("Bearer ")
    token = tenant.tokens.get(value)
    if not value:
        raise VendorRefusal("missing_authentication")
    if token is None or not tenant.alive(token):
        raise VendorRefusal("invalid_authentication")
    if not tenant.enterprise:
        raise VendorRefusal("feature_not_enabled")
    if not token.org:
        raise VendorRefusal("team_not_authorized")
    owner = tenant.members.get(token.owner_id)
    if owner is None or owner.rank < 2:
        raise VendorRefusal("user_not_authorized")
    if "auditlogs:read" not in token.scopes:
        raise VendorRefusal("missing_scope")


def _logs(tenant: Tenant, asked: dict[str, str]) -> dict[str, Any]:
    if set(asked) - _KNOWN:
        raise VendorRefusal("invalid_range")
    actions = set(filter(None, asked.get("action", "").split(",")))
    if len(actions) > 30:
        raise VendorRefusal("invalid_action")
    seen_until = int(tenant.options.clock() - tenant.options.audit_lag)
    oldest, latest = int(asked.get("oldest", 0)), min(int(asked.get("latest", 1 << 40)), seen_until)
    recorded = [
        entry
        for entry in reversed(tenant.audit)
        if (not actions or entry["action"] in actions)
        and oldest <= entry["date_create"] <= latest
        and asked.get("actor") in {None, entry["actor"]["user"]["id"]}
        and asked.get("entity") in {None, entry["entity"][entry["entity"]["type"]]["id"]}
    ]
    remembered = _remembered(tenant, asked, oldest, latest) if not actions else ()
    start = _start(tenant, asked.get("cursor"))
    limit = min(int(asked.get("limit", 9999)), 9999, tenant.options.page_size or 9999)
    end = start + limit
    total = len(recorded) + len(remembered)
    cursor = _cursor(tenant, end) if end < total else ""
    return {"entries": _merged(recorded, remembered, start, end), "response_metadata": {"next_cursor": cursor}}


def _remembered(tenant: Tenant, asked: dict[str, str], oldest: int, latest: int) -> Sequence[dict[str, Any]]:
    """Return the entries of the actor's habit; none without an actor."""
    actor = asked.get("actor")
    if actor is None or "entity" in asked or actor not in tenant.memories:
        return ()
    return tenant.memories[actor].entries(oldest, latest)


def _merged(
    recorded: list[dict[str, Any]], remembered: Sequence[dict[str, Any]], start: int, end: int
) -> list[dict[str, Any]]:
    """Return entries *start* to *end* of both, newest first; at equal times, entries recorded in the run come first."""
    before = [_newer(remembered, entry["date_create"]) + n for n, entry in enumerate(recorded)]
    found: list[dict[str, Any]] = []
    for place in range(start, min(end, len(recorded) + len(remembered))):
        passed = bisect_right(before, place)
        own = passed > 0 and before[passed - 1] == place
        found.append(recorded[passed - 1] if own else remembered[place - passed])
    return found


def _newer(remembered: Sequence[dict[str, Any]], at: int) -> int:
    """Return how many of *remembered*, newest first, are newer than *at*."""
    return bisect_left(range(len(remembered)), -at, key=lambda n: -remembered[n]["date_create"])


def _cursor(tenant: Tenant, place: int) -> str:
    return f"{place}.{int(tenant.options.clock())}"


def _start(tenant: Tenant, cursor: str | None) -> int:
    """Return the position of a cursor; an old cursor is invalid if the tenant lets cursors expire."""
    if not cursor:
        return 0
    place, _, issued = cursor.partition(".")
    life = tenant.options.cursor_seconds
    if not (place.isdigit() and issued.isdigit()) or (life is not None and tenant.options.clock() - int(issued) > life):
        raise VendorRefusal("invalid_cursor")
    return int(place)
