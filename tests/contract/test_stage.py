"""The boards themselves: what a fault does to the server must not depend on when the server stops."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from emulators.fault_proxy import Fault, FaultProxy, served


async def _never(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("a request that is dropped does not reach the tenant")


def test_stop_in_the_moment_of_a_drop() -> None:
    """A server told to stop in the very turn in which it hung up stops; its thread does not die of the connection."""
    stage = FaultProxy(_never)
    stage.faults.append(Fault("GET", drop=True))
    stopped: list[Exception | None] = []

    async def stop_at_once(scope: Scope, receive: Receive, send: Send) -> None:
        await stage(scope, receive, send)
        cycle: Any = send.__self__  # type: ignore[attr-defined]  # uvicorn's, as the stage itself reaches for it
        try:
            cycle.on_response.__self__.shutdown()
        except Exception as error:  # noqa: BLE001  # whatever it is, it would have ended the server's thread
            stopped.append(error)
        else:
            stopped.append(None)

    with served(stop_at_once) as root, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{root}/anything")
    assert stopped == [None]
    assert [(r.path, r.status) for r in stage.journal] == [("/anything", None)]


def test_answers_are_not_held_back() -> None:
    """No tenant waits with the rest of an answer for the acknowledgement of its head: that would be 40 ms a call, which no vendor takes."""
    told: list[int] = []

    async def tell(scope: Scope, receive: Receive, send: Send) -> None:
        cycle: Any = send.__self__  # type: ignore[attr-defined]  # uvicorn's, as the stage itself reaches for it
        told.append(cycle.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    with served(tell) as root:
        httpx.get(root)
    assert told == [1]
