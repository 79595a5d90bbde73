"""
Prefect's server, which answers only to its own address: `python -m flows.api_server`.

Prefect 3.8 can require a key and CSRF tokens, and list the origins that may read.  But it accepts any Host, a foreign Origin on a
request without preflight, and a body without a type as JSON.  This module refuses such requests before Prefect sees them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

import uvicorn
from prefect.server.api.server import create_app
from prefect.settings import Settings, get_current_settings
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PROBES = frozenset({"/api/health", "/api/ready"})  # called by IP address, without a key; their answers show no data
_OWN_PORT = {"http": ":80", "https": ":443"}
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SHORTEST = 20
_POLICY = "frame-ancestors 'none'; connect-src 'self'; form-action 'self'; base-uri 'self'"


class LocalRequestMiddleware:
    """
    Refuse a request for another host (421), from another site (403), or with a body that is not declared as JSON (415).

    *addresses*: the URLs under which the server is used.  Host and port are compared literally, so `localhost` is not `127.0.0.1`.
    Health probes pass under any host name.
    """

    def __init__(self, app: ASGIApp, addresses: Iterable[str]) -> None:
        self._app = app
        parts = [urlsplit(address.lower()) for address in addresses]
        self._hosts = frozenset(_host(part) for part in parts)
        self._origins = frozenset(f"{part.scheme}://{_host(part)}" for part in parts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, detail = refusal
            # close the connection: the rest of the request is not read
            refused = JSONResponse({"detail": detail}, status, headers={"connection": "close"})
            await refused(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in _PROBES:
            return None
        if [host.lower() for host in headers.getlist("host")] not in [[host] for host in self._hosts]:
            return 421, f"This server answers to {', '.join(sorted(self._hosts))}."
        if not {origin.lower() for origin in headers.getlist("origin")} <= self._origins:
            return 403, "Another site has nothing to ask here."
        if scope["type"] == "http" and scope["method"] in _WRITES and _has_body(headers) and not _is_json(headers):
            return 415, "Send application/json."
        return None


def _host(url: SplitResult) -> str:
    """Return host and port as a browser sends them: without the scheme's own port."""
    return url.netloc.removesuffix(_OWN_PORT.get(url.scheme, ""))


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _is_json(headers: Headers) -> bool:
    types = [value.partition(";")[0].strip().lower() for value in headers.getlist("content-type")]
    return types == ["application/json"]


def _unframed(send: Send) -> Send:
    """Add a policy: no other site may frame the page, and the page may call no other site."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["content-security-policy"] = _POLICY
        await send(message)

    return sending


def addresses(settings: Settings) -> list[str]:
    """Return the URLs under which this server is used, from Prefect's own settings."""
    host = settings.server.api.host
    here = f"http://{f'[{host}]' if ':' in host else host}:{settings.server.api.port}"
    return [url for url in (here, settings.api.url, settings.ui_url, settings.server.ui.api_url) if url]


def main() -> None:
    """Serve until terminated.  Without a key, or with one of fewer than 20 characters, exit with code 2."""
    settings = get_current_settings()
    key = settings.server.api.auth_string
    name, _, secret = key.get_secret_value().partition(":") if key is not None else ("", "", "")
    if not name or len(secret) < _SHORTEST:
        sys.stderr.write(
            "flows.api_server: no key, or a short one: everyone who reaches this server could direct the worker.\n"
            f"  Set PREFECT_SERVER_API_AUTH_STRING to NAME:SECRET, the secret of {_SHORTEST} characters or more, and\n"
            "  PREFECT_API_AUTH_STRING to the same where the server is asked.\n"
        )
        sys.exit(2)
    web_only = bool(os.environ.get("PREFECT__SERVER_WEBSERVER_ONLY"))
    uvicorn.run(
        LocalRequestMiddleware(create_app(final=True, webserver_only=web_only), addresses(settings)),
        host=settings.server.api.host,
        port=settings.server.api.port,
        timeout_keep_alive=settings.server.api.keepalive_timeout,
        log_level=settings.server.logging_level.lower(),
        server_header=False,
    )


if __name__ == "__main__":
    main()
