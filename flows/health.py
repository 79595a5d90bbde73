"""The serving process's health, over HTTP and as lines of its log."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

from casework.context import Context
from casework.health import Alarm, Health, health, health_soon
from casework.settings import read_settings
from flows.redaction import redact

PERIOD = 10.0
"""Seconds between two checks for the log.  A choice."""
_log = logging.getLogger("lastday.health")


class HealthMonitor:
    """Checks the health.  Each turn logs a line of JSON if the alarms have changed; `look` answers the HTTP probe."""

    def __init__(self, context: Context) -> None:
        self._look: Callable[[], Health] = partial(health, context, read_settings())
        self._told: list[str] = []

    def look(self) -> Health:
        """Return the health within a second, even if the database hangs.  Raises nothing: an error of the check is an alarm."""
        try:
            return health_soon(self._look)
        except Exception as exc:  # noqa: BLE001  # a probe always gets an answer
            _log.warning("health: %s", redact(exc))
            return Health(datetime.now(UTC), (Alarm("database_silent", red=True),))

    async def __call__(self) -> float:
        found = await asyncio.to_thread(self.look)
        told = [alarm.code for alarm in found.alarms]
        if told != self._told:
            self._told = told
            level = {"ok": logging.INFO, "amber": logging.WARNING, "red": logging.CRITICAL}[found.state]
            _log.log(level, "%s", json.dumps(found.payload, default=datetime.isoformat, separators=(",", ":")))
        return PERIOD


@contextmanager
def answering(watchman: HealthMonitor, address: str) -> Iterator[None]:
    """
    Answer `GET /health` at *address* (HOST:PORT; a port alone means 127.0.0.1; empty: no server), 503 while a cut is late or not
    guaranteed, in threads that do not need the event loop.  A bad address or a taken port is only logged: no cut waits for it.
    """
    host, _, port = address.rpartition(":")
    server = None
    try:
        server = _Server((host or "127.0.0.1", int(port)), partial(_Answer, watchman)) if address else None
    except (OSError, ValueError, OverflowError) as exc:
        _log.error("health: LASTDAY_HEALTH_ADDRESS: cannot listen: %s", type(exc).__name__)
    with ExitStack() as stack:
        if server is not None:
            threading.Thread(target=stack.enter_context(server).serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        yield


class _Server(ThreadingTCPServer):
    """Used in place of the library's HTTPServer, which asks a name server for the machine's name at its start."""

    allow_reuse_address = daemon_threads = True


class _Answer(BaseHTTPRequestHandler):
    timeout = 5.0
    server_version, sys_version = "lastday", ""

    def __init__(self, watchman: HealthMonitor, *given: object) -> None:
        self._watchman = watchman
        super().__init__(*given)  # type: ignore[arg-type]  # given by the server: request, address, server

    def do_GET(self) -> None:  # the library's name
        if self.path != "/health":
            self.send_error(404)
            return
        found = self._watchman.look()
        body = json.dumps(found.payload, default=datetime.isoformat).encode()
        self.send_response(503 if found.state == "red" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's signature
        """Log no requests: a probe comes every few seconds."""
