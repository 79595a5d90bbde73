"""
httplib2 that sends each request once.

Left alone it sends a request again, a POST too, when the server hangs up before answering, and no retry setting stops it.
It also follows redirects and, given a stale connection, cannot tell that from a lost answer.
"""

from __future__ import annotations

import hashlib
import http.client
import select
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httplib2

from connectors.google_workspace.saying import Said
from models.vocabulary import Evidence

TIMEOUT = 30.0
"""Seconds for each of connecting and answering."""


class NotSent(OSError):
    """No connection: nothing can have reached the vendor."""


class _Once:
    """Mixed into httplib2's connections, before them."""

    sock: Any

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]  # of the connection that this is mixed into
        except OSError as exc:
            raise NotSent(exc.errno, "no connection") from exc

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send on a live connection: one that the server has closed meanwhile is readable, and is opened anew."""
        if self.sock is not None and _has_news(self.sock):
            self.close()
        super().request(*args, **kwargs)  # type: ignore[misc]  # see above

    def getresponse(self) -> Any:
        """Turn the two errors after which httplib2 would send again into one after which it does not."""
        try:
            return super().getresponse()  # type: ignore[misc]  # see above
        except (http.client.BadStatusLine, http.client.ResponseNotReady) as exc:
            raise ConnectionResetError("no answer") from exc

    def close(self) -> None:
        super().close()  # type: ignore[misc]  # see above


def _has_news(sock: Any) -> bool:
    """Whether something came while nothing was asked: the end of the connection."""
    poll = select.poll()  # unlike select.select, not limited to the first 1,024 files
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class _Http(_Once, httplib2.HTTPConnectionWithTimeout):  # type: ignore[misc]  # httplib2 ships no types
    pass


class _Https(_Once, httplib2.HTTPSConnectionWithTimeout):  # type: ignore[misc]  # httplib2 ships no types
    ca_bundle: Path | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.ca_bundle is not None:
            self._context.load_verify_locations(str(self.ca_bundle))


def _proxy(scheme: str) -> Any:
    """Return the environment's proxy for https.  Plain http is spoken with this machine only, and must not leave it."""
    return httplib2.proxy_info_from_environment(scheme) if scheme == "https" else None


class Wire(httplib2.Http):  # type: ignore[misc]  # httplib2 ships no types
    """One thread's connections: httplib2 is not thread-safe, sharing one gives another user's answers."""

    def __init__(self, *, ca_bundle: Path | None = None, timeout: float = TIMEOUT) -> None:
        super().__init__(timeout=timeout, proxy_info=_proxy)
        self.follow_redirects = False
        self._https: type[_Https] = type("_Https", (_Https,), {"ca_bundle": ca_bundle})

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> tuple[Any, bytes]:
        """Send once; raises `NotSent` if nothing left, another `OSError` or `HTTPException` if that is not sure."""
        kind = _Http if uri.startswith("http:") else self._https
        try:
            response, content = super().request(uri, method, body=body, headers=headers, connection_type=kind)
        except Exception:
            self.close()
            raise
        return response, content


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Recorder:
    """Stands where the SDK expects an httplib2 object, for one request: adds the token, keeps the exchange."""

    def __init__(self, wire: Wire, bearer: str) -> None:
        self._wire = wire
        self._bearer = bearer
        self.answer: Answer | None = None
        self.evidence: Evidence | None = None

    def request(
        self, uri: str, method: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, bytes]:
        """Send, and note what was said: digests, never contents; what a read asked for."""
        what, query = _asked_for(uri, method, body, headers or {})
        sent_at = datetime.now(UTC)
        asked = hashlib.sha256(body.encode()).hexdigest() if body is not None else None
        signed = dict(headers or {}) | {"authorization": f"Bearer {self._bearer}"}
        try:
            response, content = self._wire.request(uri, method, body=body, headers=signed)
        except (OSError, http.client.HTTPException, httplib2.HttpLib2Error):
            self.evidence = Evidence(what, sent_at, datetime.now(UTC), None, request_sha256=asked, query=query)
            raise
        self.answer = Answer(int(response.status), dict(response), content)
        self.evidence = Evidence(
            what,
            sent_at,
            datetime.now(UTC),
            self.answer.status,
            code=Said.of(content).code if self.answer.status >= 400 else None,
            request_sha256=asked,
            response_sha256=hashlib.sha256(content).hexdigest(),
            vendor_at=date_of(self.answer.headers),
            query=query,
        )
        return response, content


def _asked_for(uri: str, method: str, body: str | None, headers: Mapping[str, str]) -> tuple[str, str | None]:
    """Return method and path, and a read's query: the SDK sends one that is too long for an address as a form, and says so in a header."""
    told, address = headers.get("x-http-method-override", method), urlsplit(uri)
    query = address.query if told == method else body or ""
    return f"{told} {address.path}", query if told == "GET" else None


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Return the vendor's clock as its Date header has it, None without a usable one."""
    try:
        at = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError, OverflowError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
