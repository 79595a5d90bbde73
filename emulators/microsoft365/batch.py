"""
`$batch`: up to twenty requests in one body, each answered separately (learn.microsoft.com/graph/json-batching).

Stricter than Graph: `dependsOn` is refused, and answers never come in the order of the requests, which Graph does not promise.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Scope

from emulators.fault_proxy import INNER
from emulators.microsoft365.calls import Call
from emulators.microsoft365.errors import malformed

Row: TypeAlias = "dict[str, Any]"

MOST = 20
_METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE"}
_KNOWN = {"id", "method", "url", "headers", "body"}
_KEPT = ("type", "asgi", "http_version", "server", "client", "scheme", "root_path")


def asked_for(call: Call) -> list[Row]:
    """Return the requests in a batch.  Raises `VendorRefusal` for a body that is not a batch, too many requests, or a repeated id."""
    if not call.headers.get("content-type", "").startswith("application/json"):
        raise malformed("Unable to read JSON request payload. Please ensure Content-Type header is set.")
    requests = call.body(frozenset({"requests"})).get("requests")
    if not isinstance(requests, list) or not requests or not all(map(_is_request, requests)):
        raise malformed("Invalid batch payload format.")
    if len(requests) > MOST:
        raise malformed(f"Number of batch requests exceeds the maximum of {MOST}.")
    if len({request["id"].casefold() for request in requests}) < len(requests):
        raise malformed("The ids of a batch's requests are not unique.")
    return requests


def _is_request(request: object) -> bool:
    if not isinstance(request, dict) or not request.keys() <= _KNOWN:
        return False
    number, url, headers = request.get("id"), request.get("url"), request.get("headers", {})
    if not isinstance(number, str) or not number or request.get("method") not in _METHODS:
        return False
    if not isinstance(url, str) or "://" in url or "$batch" in url:
        return False
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        return False
    return "body" not in request or "content-type" in {name.casefold() for name in headers}


async def answered(request: Request, inner: Sequence[Row]) -> Row:
    """Return the answers to *inner*, last first.  A request whose connection broke has no answer."""
    onwards: ASGIApp = request.scope.get(INNER, request.app)
    answers = await asyncio.gather(*(_answer(request.scope, onwards, one) for one in inner))
    return {"responses": [answer for answer in reversed(answers) if answer is not None]}


async def _answer(outer: Scope, onwards: ASGIApp, asked: Row) -> Row | None:
    told: Row = {"id": asked["id"]}
    content = bytearray()

    async def receive() -> Message:
        body = json.dumps(asked["body"]).encode() if "body" in asked else b""
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = {name.decode(): value.decode() for name, value in message["headers"]}
            headers.pop("content-length", None)
            told.update(status=message["status"], headers=headers)
        else:
            content.extend(message.get("body", b""))

    await onwards(_scope(outer, asked), receive, send)
    if "status" not in told:
        return None
    return told | ({"body": _body(bytes(content))} if content else {})


def _scope(outer: Scope, asked: Row) -> Scope:
    """Return the scope of an inner request; it takes only the caller and its address from the batch."""
    path, _, query = asked["url"].partition("?")
    path = f"/v1.0/{path.removeprefix('/')}"
    handed = [(name, value) for name, value in outer["headers"] if name in {b"authorization", b"host"}]
    own = [(name.lower().encode(), value.encode()) for name, value in asked.get("headers", {}).items()]
    return {name: outer[name] for name in _KEPT if name in outer} | {
        "method": asked["method"],
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": handed + [(name, value) for name, value in own if name not in {b"authorization", b"host"}],
    }


def _body(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return base64.b64encode(content).decode()
