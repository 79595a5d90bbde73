"""
The Web API: `POST /api/<method>` with a form (or a query, or JSON); always HTTP 200, `ok` says whether it succeeded.

Refusals come in the vendor's order: method, token, plan, kind of token, scope, arguments, and then the call's own.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emulators.slack.calls import Call, VendorRefusal
from emulators.slack.methods import METHODS, Method

if TYPE_CHECKING:
    from emulators.slack.state import Token
    from emulators.slack.tenant import Tenant


def endpoint(tenant: Tenant) -> Callable[[Request], Awaitable[Response]]:
    """Return the Web API's only endpoint."""

    async def answer(request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            method = _method(request)
            args = await _arguments(request)
            token = _token(tenant, request, args)
            headers["x-oauth-scopes"] = ",".join(sorted(token.scopes))
            headers["x-accepted-oauth-scopes"] = ",".join(method.scopes)
            _check_permission(tenant, method, token)
            _check_arguments(tenant, method, args)
            return JSONResponse({"ok": True, **method.run(Call(tenant, token, args))}, headers=headers)
        except VendorRefusal as refused:
            return JSONResponse({"ok": False, "error": refused.code, **refused.more}, headers=headers)

    return answer


def _method(request: Request) -> Method:
    method = METHODS.get(request.path_params["method"])
    if method is None:
        raise VendorRefusal("unknown_method")
    return method


def _check_permission(tenant: Tenant, method: Method, token: Token) -> None:
    if method.enterprise and not tenant.enterprise:
        raise VendorRefusal("feature_not_enabled")
    if token.kind not in method.kinds or (method.enterprise and not token.org):
        raise VendorRefusal("not_allowed_token_type")
    if missing := [s for s in method.scopes if s not in token.scopes]:
        raise VendorRefusal("missing_scope", needed=missing[0], provided=",".join(sorted(token.scopes)))


async def _arguments(request: Request) -> dict[str, str]:
    args = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json") and body.startswith(b"{"):
        return args | {k: str(v) for k, v in json.loads(body).items()}
    return args | dict(parse_qsl(body.decode(), keep_blank_values=True))


def _token(tenant: Tenant, request: Request, args: dict[str, str]) -> Token:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    value = args.pop("token", None) or bearer
    if not value:
        raise VendorRefusal("not_authed")
    token = tenant.tokens.get(value)
    if token is None:
        raise VendorRefusal("invalid_auth")
    if not tenant.alive(token):
        raise VendorRefusal("token_revoked" if token.kind == "xoxp" else "account_inactive")
    return token


def _check_arguments(tenant: Tenant, method: Method, args: dict[str, Any]) -> None:
    unknown = sorted(set(args) - method.arguments - set(method.required))
    if tenant.options.strict and unknown:
        told = [f"[ERROR] no such argument: {name}" for name in unknown]
        raise VendorRefusal("invalid_arguments", response_metadata={"messages": told})
    for name in method.required:
        if not args.get(name):
            raise VendorRefusal({"user_id": "missing_user", "team_id": "missing_team"}.get(name, "invalid_arguments"))
