"""A host that we have no business with, and tenants that send us there."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

REDIRECTS = (301, 302, 303, 307, 308)
_SUCCESS = json.dumps(
    {"ok": True, "access_token": "foreign", "expires_in": 3600, "token_type": "Bearer", "value": [], "users": []}
)
_LINKS = ("@odata.nextLink", "nextPageToken", "nextUri", "next_uri", "next")


@dataclass(slots=True)
class Stranger:
    """
    What a foreign host on this machine was told.

    *received* has an entry for every connection, whatever came over it, a TLS greeting too.  What is asked in the clear is
    answered with a success.
    """

    port: int
    received: list[bytes] = field(default_factory=list)

    def addresses(self) -> tuple[str, ...]:
        """Return where a redirect may lead: out of https, to another host, without a scheme, and to the vendor's own host."""
        host = f"127.0.0.1:{self.port}"
        return (f"http://{host}/foreign", f"https://{host}/foreign", f"//{host}/foreign", "/foreign")


@contextlib.contextmanager
def stranger() -> Iterator[Stranger]:
    """Serve a stranger on 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", 0))
    met = Stranger(listener.getsockname()[1])

    def listen() -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):  # whoever came went away: that it came is written down
                    met.received.append(b"")
                    connection.settimeout(1.0)
                    met.received[-1] = connection.recv(65536)
                    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(_SUCCESS)}\r\n"
                    connection.sendall(f"{head}Connection: close\r\n\r\n{_SUCCESS}".encode())

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield met
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def as_redirect(app: ASGIApp, status: int, location: str, match: str = "") -> ASGIApp:
    """Let *app* act and answer as it does, under the status of a redirect, where the pattern *match* is in "METHOD /path"."""

    def turn(head: Message) -> Message:
        return {**head, "status": status, "headers": [*head["headers"], (b"location", location.encode())]}

    return _altered(app, match, turn=turn)


def with_links(app: ASGIApp, location: str) -> ASGIApp:
    """Let *app* answer as it does, but say in every way there is that the next page is at *location*."""

    def rewrite(body: bytes) -> bytes:
        told = json.loads(body) if body else None
        if not isinstance(told, dict):
            return body
        return json.dumps(
            told | dict.fromkeys(_LINKS, location) | {"response_metadata": {"next_cursor": location}}
        ).encode()

    return _altered(app, "", rewrite=rewrite)


def _altered(
    app: ASGIApp,
    match: str,
    *,
    turn: Callable[[Message], Message] = lambda head: head,
    rewrite: Callable[[bytes], bytes] = lambda body: body,
) -> ASGIApp:
    async def altered(scope: Scope, receive: Receive, send: Send) -> None:
        if re.search(match, f"{scope['method']} {scope['path']}") is None:
            await app(scope, receive, send)
            return
        told: dict[str, Any] = {"body": b""}

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["head"] = message
            else:
                told["body"] += message.get("body", b"")

        await app(scope, receive, keep)
        head, body = turn(told["head"]), rewrite(told["body"])
        others = [(name, value) for name, value in head["headers"] if name.lower() != b"content-length"]
        await send({**head, "headers": [*others, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    return altered
