"""The serving process answers for its health over HTTP, and writes a line when it changes."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from unittest.mock import Mock, patch

import httpx
import pytest

from casework.health import Alarm, Health
from flows import health, serve
from flows.health import HealthMonitor, answering

AT = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
SILENT = Alarm("process_silent", red=False, facts={"process": "serve@one:1", "since": AT})
LATE = Alarm("cut_overdue", red=True, facts={"count": 1, "cases": ["case-1"], "seconds": 12})


class Staged(HealthMonitor):
    """A watchman that sees what a test says."""

    def __init__(self, *alarms: Alarm) -> None:
        self.alarms = alarms
        self._told = []
        self._look = lambda: Health(AT, self.alarms)


def free() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


class TestAnswering:
    @pytest.mark.parametrize(
        ("alarms", "status", "state"), [((), 200, "ok"), ((SILENT,), 200, "amber"), ((LATE, SILENT), 503, "red")]
    )
    def test_status(self, alarms: tuple[Alarm, ...], status: int, state: str) -> None:
        """A probe that knows nothing but the status is told of cuts that are late or not guaranteed, and of nothing less."""
        address = free()
        with answering(Staged(*alarms), address):
            answer = httpx.get(f"http://{address}/health")
            assert httpx.get(f"http://{address}/").status_code == 404
        assert (answer.status_code, answer.json()["state"]) == (status, state)
        assert [alarm["code"] for alarm in answer.json()["alarms"]] == [alarm.code for alarm in alarms]

    def test_answers_while_the_event_loop_hangs(self) -> None:
        """What stops the process from cutting does not stop it from saying so."""

        async def hang(address: str) -> int:
            with answering(Staged(LATE), address):
                return httpx.get(f"http://{address}/health", timeout=2).status_code  # the loop waits for this very call

        assert asyncio.run(hang(free())) == 503

    def test_a_silent_client_blocks_no_other(self) -> None:
        """Somebody who connects and says nothing holds up no probe."""
        address = free()
        host, _, port = address.rpartition(":")
        with answering(Staged(), address), socket.create_connection((host, int(port))):
            assert httpx.get(f"http://{address}/health", timeout=2).status_code == 200

    def test_a_look_that_fails_is_red(self) -> None:
        """A schema that is gone, a password that was changed: the probe gets an answer."""
        watchman = Staged()

        def fail() -> Health:
            raise RuntimeError("secret")

        watchman._look = fail
        address = free()
        with answering(watchman, address):
            answer = httpx.get(f"http://{address}/health")
        assert answer.status_code == 503
        assert "secret" not in answer.text

    @pytest.mark.parametrize("address", ["127.0.0.1:99999", "nonsense", "127.0.0.1:http"])
    def test_a_wrong_address_stops_nothing(self, address: str, caplog: pytest.LogCaptureFixture) -> None:
        """The cut does not wait for somebody who corrects a setting."""
        with answering(Staged(), address):
            assert "LASTDAY_HEALTH_ADDRESS" in caplog.text

    def test_a_taken_address_stops_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        """A second serving process on one machine serves without an address."""
        address = free()
        with answering(Staged(), address), answering(Staged(LATE), address):
            assert "cannot listen" in caplog.text
            assert httpx.get(f"http://{address}/health").status_code == 200

    def test_no_name_server_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name server that does not answer holds up no serving process at its start."""

        def hang(*_: object) -> str:
            raise AssertionError("asked")

        monkeypatch.setattr(socket, "getfqdn", hang)
        address = free()
        with answering(Staged(), address):
            assert httpx.get(f"http://{address}/health").status_code == 200

    @pytest.mark.parametrize("before", ["", ":"])
    def test_a_port_alone_is_this_machine_s(self, before: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who leaves out the host does not show every network which cases are late."""
        given = list[tuple[str, int]]()
        monkeypatch.setattr(health, "_Server", lambda place, *_: given.append(place))
        with answering(Staged(), f"{before}4280"):
            assert given == [("127.0.0.1", 4280)]

    def test_nowhere(self, caplog: pytest.LogCaptureFixture) -> None:
        """An empty address is a choice, and no error."""
        with answering(Staged(), ""):
            assert caplog.text == ""


class TestServing:
    async def test_who_asks_takes_no_connection_from_the_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many ask for the health at once, what looks for due cases has connections of its own."""
        opened = list[Mock]()

        @asynccontextmanager
        async def opening(**_: object) -> AsyncIterator[Mock]:
            opened.append(Mock())
            yield opened[-1]

        @asynccontextmanager
        async def pulsing(*_: object) -> AsyncIterator[Mock]:
            yield Mock()

        async def no_turns(*_: object, **__: object) -> None: ...

        monkeypatch.setattr(serve, "open_context", opening)
        monkeypatch.setattr(serve, "pulsing", pulsing)
        monkeypatch.setattr(serve, "again", no_turns)
        monkeypatch.setattr(serve, "in_runs", no_turns)
        monkeypatch.setattr(serve, "answering", lambda *_: nullcontext())
        with patch.object(serve, "CarryingLoop") as carrying, patch.object(serve, "HealthMonitor") as watchman:
            await serve.serve()
        assert carrying.call_args != watchman.call_args
        assert watchman.call_args.args[0] in opened


class TestLines:
    async def test_one_a_change(self, caplog: pytest.LogCaptureFixture) -> None:
        """A line of JSON says what is wrong when that changes; what goes on is not repeated, and its end is told."""
        caplog.set_level(logging.INFO, "lastday.health")
        watchman = Staged()
        for alarms in ((), (SILENT,), (SILENT,), (LATE, SILENT), ()):
            watchman.alarms = alarms
            await watchman()
        lines = [(record.levelname, json.loads(record.getMessage())["state"]) for record in caplog.records]
        assert lines == [("WARNING", "amber"), ("CRITICAL", "red"), ("INFO", "ok")]
