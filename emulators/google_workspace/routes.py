"""The HTTP side: the token endpoint, single calls, batches of them."""

from __future__ import annotations

import email.parser
import email.policy
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulators.google_workspace.errors import TokenRefusal, VendorRefusal, invalid

if TYPE_CHECKING:
    from emulators.google_workspace.tenant import Tenant

BOUNDARY = "batch_hoshizora"


def application(tenant: Tenant) -> Starlette:
    """Return the ASGI application: `/token`, `/batch`, and every method's own path."""

    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            return JSONResponse(tenant.auth.exchange(form))
        except TokenRefusal as refusal:
            return JSONResponse(refusal.body, refusal.code)

    async def batch(request: Request) -> Response:
        return _batch(tenant, request.headers, await request.body())

    async def single(request: Request) -> Response:
        method, query, body = request.method, request.url.query, await request.body()
        if method == "POST" and request.headers.get("x-http-method-override") == "GET":
            # what the client does with an address that is too long
            method, query, body = "GET", body.decode(), b""
        status, shown = _once(tenant, method, request.scope["path"], query, body, request.headers.get("authorization"))
        if shown is None:
            return Response(status_code=204)
        return Response(orjson.dumps(shown), status, media_type="application/json")

    return Starlette(
        routes=[
            Route("/token", token, methods=["POST"]),
            Route("/batch", batch, methods=["POST"]),
            Route("/{path:path}", single, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
    )


def _once(tenant: Tenant, method: str, path: str, query: str, body: bytes, bearer: str | None) -> tuple[int, Any]:
    try:
        asked = _query(query)
        shown = tenant.answer(method, path, asked, body, bearer)
    except VendorRefusal as refusal:
        return refusal.code, refusal.body
    return (204, None) if shown is None else (200, shown)


def _query(query: str) -> Mapping[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    asked = dict(pairs)
    if len(asked) != len(pairs):
        raise invalid("a parameter stands twice")
    return asked


def _batch(tenant: Tenant, headers: Mapping[str, str], body: bytes) -> Response:
    """Answer a multipart/mixed body of HTTP requests.  A part without its own authorization uses the outer one."""
    head = f"Content-Type: {headers.get('content-type', '')}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    if message.get_content_type() != "multipart/mixed":
        return JSONResponse({"error": {"code": 400, "message": "Failed to parse batch request"}}, 400)
    parts = [_part(tenant, part, headers.get("authorization")) for part in message.iter_parts()]
    text = "".join(f"--{BOUNDARY}\r\n{part}\r\n" for part in parts) + f"--{BOUNDARY}--\r\n"
    return Response(text.encode(), media_type=f"multipart/mixed; boundary={BOUNDARY}")


def _part(tenant: Tenant, part: Any, outer: str | None) -> str:
    request = part.get_payload(decode=True) or b""
    line, _, rest = request.partition(b"\n")
    inner = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(rest)
    method, address, _ = line.decode().strip().split(" ")
    split = urlsplit(address)
    payload: Any = inner.get_payload(decode=True)
    body = (payload or b"").strip()
    status, shown = _once(tenant, method, unquote(split.path), split.query, body, inner.get("authorization", outer))
    answer = "" if shown is None else json.dumps(shown, ensure_ascii=False)
    name = str(part["Content-ID"]).strip().strip("<>")
    return (
        f"Content-Type: application/http\r\nContent-ID: <response-{name}>\r\n\r\n"
        f"HTTP/1.1 {status} \r\nContent-Type: application/json; charset=UTF-8\r\n"
        f"Content-Length: {len(answer.encode())}\r\n\r\n{answer}"
    )
