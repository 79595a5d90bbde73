"""Is Prefect's API there, and closed to strangers?  What the terminal and `lastday doctor` make of a server."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cli.contexts import reachable
from cli.doctor_checks import _in_the_clear, examine_prefect
from stack.prefect_api import PrefectSettings

KEY = "lastday:right"


class Server(BaseHTTPRequestHandler):
    """As Prefect's server answers, as far as it is told to be open."""

    asks_for_key: ClassVar[bool] = True
    closed: ClassVar[bool] = True
    well: ClassVar[bool] = True

    def do_GET(self) -> None:
        self.send_response(self._status())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _status(self) -> int:
        if self.path == "/api/health":
            return 200 if self.well else 503
        foreign = self.headers["Host"].startswith("elsewhere") or "Origin" in self.headers
        if self.closed and foreign:
            return 421
        right = "Basic " + base64.b64encode(KEY.encode()).decode()
        return 200 if not self.asks_for_key or self.headers.get("Authorization") == right else 401

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(**as_told: bool) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (Server,), as_told)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "LASTDAY_PREFECT_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


class TestDoctor:
    @pytest.mark.parametrize(
        ("as_told", "key", "state", "says"),
        [
            ({}, KEY, "ok", ""),
            ({"asks_for_key": False}, KEY, "failed", "not acceptable"),
            ({"asks_for_key": False, "closed": False}, None, "failed", "not acceptable"),
            ({}, None, "failed", "none is set"),
            ({}, "lastday:wrong", "failed", "refuses our key"),
            ({"closed": False}, KEY, "amber", "any host; it accepts requests from other sites"),
            ({"well": False}, KEY, "failed", "does not answer"),
        ],
    )
    def test_server(
        self, monkeypatch: pytest.MonkeyPatch, as_told: dict[str, bool], key: str | None, state: str, says: str
    ) -> None:
        """A server that asks for no key is not acceptable, and said to be so; one that others may use is amber."""
        with serving(**as_told) as url:
            monkeypatch.setenv("PREFECT_API_URL", url)
            if key is not None:
                monkeypatch.setenv("PREFECT_API_AUTH_STRING", key)
            row = examine_prefect()
        assert (row["state"], says in (row["detail"] or "")) == (state, True)
        assert bool(row["remedy"]) is (state != "ok")

    def test_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An address where nobody answers is red."""
        monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
        assert examine_prefect()["state"] == "failed"

    def test_none(self) -> None:
        """No address at all is allowed: cases can be carried at the terminal."""
        assert examine_prefect()["state"] == "ok"

    @pytest.mark.parametrize(
        ("url", "clear"),
        [
            ("http://127.0.0.1:4200/api", False),
            ("http://localhost:4200/api", False),
            ("http://[::1]:4200/api", False),
            ("https://prefect.example.com/api", False),
            ("http://prefect.example.com/api", True),
            ("http://10.0.0.7:4200/api", True),
            ("http://localhost.example.com/api", True),
        ],
    )
    def test_in_the_clear(self, url: str, clear: bool) -> None:
        """The key crosses no network without TLS unremarked."""
        assert _in_the_clear(url) is clear


class TestKey:
    def test_of_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A terminal finds address and key in `.env` and in the file that `lastday up` made, and hands both to Prefect."""
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", "")  # so that what is set here goes away again
        file = tmp_path / "key"
        file.touch(mode=0o600)
        file.write_text(f"{KEY}\n")
        with serving() as url:
            monkeypatch.setenv("PREFECT_API_URL", url)
            (tmp_path / ".env").write_text(f"LASTDAY_PREFECT_KEY_FILE={file}\n")
            assert reachable()
            assert examine_prefect()["state"] == "ok"

    def test_open_to_others(self, tmp_path: Path) -> None:
        """A key file that others may read is not used."""
        file = tmp_path / "var" / "prefect" / "api.key"
        file.parent.mkdir(parents=True)
        file.write_text(KEY)
        file.chmod(0o600)
        assert PrefectSettings().key() is not None
        file.chmod(0o644)
        assert PrefectSettings().key() is None

    def test_environment_first(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """What Prefect itself would read outranks the file, and no text form of the settings shows it."""
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", KEY)
        settings = PrefectSettings()
        found = settings.key()
        assert found is not None
        assert found.get_secret_value() == KEY
        assert "right" not in repr(settings)
