"""
The fault proxy around each emulated tenant: a real socket, faults on demand, a journal of requests.

It wraps any ASGI application.  Set faults and read the journal in the same process (`FaultProxy.faults`, `FaultProxy.journal`), or over
HTTP under `/_stage/` from another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

INNER = "emulators.inner"
"""The key in a request's scope whose value serves requests that come inside its body (a batch)."""


@dataclass(slots=True)
class Fault:
    """
    A fault for requests whose "METHOD /path?query" matches *match* (a regular expression, searched).

    *status*: answered in place of the tenant, with *body* and *headers*; *after*: the tenant acts first, then its answer is
    replaced.  *drop*: breaks the connection (before the tenant acts; with *after*, after it).  *delay*: seconds.
    *skip*: how many matching requests pass first; *times*: how often the fault happens (None: always).
    """

    match: str
    status: int | None = None
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    after: bool = False
    delay: float = 0.0
    skip: int = 0
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request as it arrived, for counting calls and for proving what was not touched.

    *status*: None if the connection was dropped.  *inner*: it came in the body of another request (a batch), not as its own call.
    """

    method: str
    path: str
    query: str
    body: bytes
    status: int | None
    at: float
    inner: bool = False

    @property
    def line(self) -> str:
        """`METHOD /path?query`, which a fault's *match* is searched in."""
        return f"{self.method} {self.path}" + (f"?{self.query}" if self.query else "")


class FaultProxy:
    """An ASGI application around *app* that adds faults and the journal.  Thread-safe."""

    def __init__(self, app: ASGIApp, *, latency: float = 0.0) -> None:
        self.app = app
        self.latency = latency
        self.faults: list[Fault] = []
        self.journal: list[Request] = []
        self._lock = threading.Lock()

    def _fault_for(self, line: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times == 0 or not re.search(fault.match, line):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].startswith("/_stage/"):
            await self._stage_door(scope, receive, send)
            return
        await self._play({**scope, INNER: self.inner}, await _whole(receive), send)

    async def inner(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Serve a request that came in the body of another one; the tenant finds this method in the scope under `INNER`.

        It has its own faults and its own entry in the journal, but no latency.  If it is dropped, nothing is sent.
        """
        await self._play(scope, await _whole(receive), send, inner=True)

    async def _play(self, scope: Scope, body: bytes, send: Send, *, inner: bool = False) -> None:
        query = scope["query_string"].decode("latin-1")
        line = f"{scope['method']} {scope['path']}" + (f"?{query}" if query else "")
        fault = self._fault_for(line)
        status: int | None = None

        noted = False

        def note() -> None:
            nonlocal noted
            if not noted:
                noted = True
                self.journal.append(Request(scope["method"], scope["path"], query, body, status, time.time(), inner))

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                note()  # before the answer leaves (an empty body has only a head), so that a client with the answer finds the entry
            await send(message)

        async def mute(message: Message) -> None:
            """Let the tenant act, and drop its answer."""

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        if self.latency and not inner:
            await asyncio.sleep(self.latency)
        if fault is not None:
            await self._delay(fault)
        spoils = fault is not None and (fault.drop or fault.status is not None)
        try:
            if not spoils:
                await self.app(scope, replay, watch)
                return
            assert fault is not None
            if fault.after:
                await self.app(scope, replay, mute)
            if fault.drop:
                note()
                if not inner:
                    _hang_up(send)
                return
            await _answer(watch, fault.status or 500, fault.body.encode(), fault.headers)
        finally:
            note()

    async def _delay(self, fault: Fault) -> None:
        """Wait for *fault*'s delay; if it happens always, all waits end when it is removed from the list."""
        ends = time.monotonic() + fault.delay
        while (left := ends - time.monotonic()) > 0 and (  # noqa: ASYNC110  # another thread empties the list
            fault.times is not None or fault in self.faults
        ):
            await asyncio.sleep(min(left, 0.1))

    async def _stage_door(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        `POST /_stage/faults` adds a fault (a Fault as JSON), `DELETE` removes all, `GET /_stage/journal?after=100` lists the requests
        after the first hundred.
        """
        body = await _whole(receive)
        match scope["method"], scope["path"]:
            case "POST", "/_stage/faults":
                self.faults.append(Fault(**json.loads(body)))
                answer: Any = {"faults": [asdict(f) for f in self.faults]}
            case "DELETE", "/_stage/faults":
                self.faults.clear()
                answer = {"faults": []}
            case "GET", "/_stage/journal":
                after = int(scope["query_string"].decode("latin-1").removeprefix("after=") or 0)
                told = ((r.line, r.status, r.at, r.inner, r.body.decode("latin-1")) for r in self.journal[after:])
                answer = [dict(zip(("line", "status", "at", "inner", "body"), row, strict=True)) for row in told]
            case _:
                await _answer(send, 404, b"{}", {"content-type": "application/json"})
                return
        await _answer(send, 200, json.dumps(answer).encode(), {"content-type": "application/json"})


async def _whole(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    named = {"content-type": "application/json; charset=UTF-8"} | {k.lower(): v for k, v in headers.items()}
    named["content-length"] = str(len(body))
    raw = [(k.encode(), v.encode()) for k, v in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _hang_up(send: Send) -> None:
    """Break the connection.  ASGI has no message for that, so this uses uvicorn's transport behind `send`."""
    cycle: Any = send.__self__  # type: ignore[attr-defined]  # uvicorn's RequestResponseCycle
    cycle.transport.abort()
    cycle.disconnected = True  # not "complete": a server that stops now would keep such a connection for reuse


class _Server(uvicorn.Server):
    """Checks ten times as often whether to stop, because a test waits for its tenant's end."""

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            await asyncio.sleep(0.01)


@contextlib.contextmanager
def served(app: ASGIApp, *, port: int = 0, certificate: tuple[str, str] | None = None) -> Iterator[str]:
    """
    Serve *app* on 127.0.0.1 in a new thread and yield the root URL, without a slash at its end.

    *port*: 0 takes a free one.  *certificate*: paths of chain and key in PEM; the scheme is then https.
    """
    listener = socket.create_server(("127.0.0.1", port))
    # accepted sockets inherit this; asyncio sets it only if the socket names its protocol: else each answer waits 40 ms
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        log_level="warning",
        lifespan="off",
        timeout_keep_alive=30,
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the stage did not open within 10 s")
        time.sleep(0.005)
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
