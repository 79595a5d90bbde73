"""
The SDK, set up to send each request once and to follow no redirect.

By default httplib2 sends a request again, a POST too, when the server closes the connection before answering, and no setting
stops it.  It also follows redirects, and takes a stale connection for a lost answer.
"""

from __future__ import annotations

import copy
import functools
import http.client
import json
import select
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httplib2
from googleapiclient import discovery, discovery_cache
from googleapiclient.errors import HttpError

TIMEOUT = 30.0
"""Seconds for connecting, and again for the answer.  Our choice."""


class NotSent(OSError):
    """No connection was made: nothing reached the vendor."""


LOSSES = (OSError, http.client.HTTPException, httplib2.HttpLib2Error)
"""No answer came.  The request may have arrived, except after `NotSent`."""
UNREAD = (HttpError, TypeError, ValueError)
"""
What the SDK raises over an answer: `TypeError` for a refusal in the shape of a list, `ValueError` for a page that is not JSON.
"""


class _Once:
    """Mixed into httplib2's connections, before them."""

    sock: Any
    close: Callable[[], None]

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]  # of the connection that this is mixed into
        except OSError as exc:
            raise NotSent(exc.errno, "no connection") from exc

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send; open the connection anew if the server has closed it, which makes it readable."""
        if self.sock is not None and _is_readable(self.sock):
            self.close()
        super().request(*args, **kwargs)  # type: ignore[misc]  # see above

    def getresponse(self) -> Any:
        """Replace the two errors after which httplib2 sends again by one after which it does not."""
        try:
            return super().getresponse()  # type: ignore[misc]  # see above
        except (http.client.BadStatusLine, http.client.ResponseNotReady) as exc:
            raise ConnectionResetError("no answer") from exc


def _is_readable(sock: Any) -> bool:
    """Whether data came without a request: the server closed the connection."""
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
    """Return the environment's proxy for https, none for http, which is for this machine only."""
    return httplib2.proxy_info_from_environment(scheme) if scheme == "https" else None


class SingleSendHttp(httplib2.Http):  # type: ignore[misc]  # httplib2 ships no types
    """One thread's connections: httplib2 is not thread-safe, and shared connections mix up answers."""

    def __init__(self, *, ca_bundle: Path | None = None, timeout: float = TIMEOUT) -> None:
        super().__init__(timeout=timeout, proxy_info=_proxy)
        self.follow_redirects = False
        self._https: type[_Https] = type("_Https", (_Https,), {"ca_bundle": ca_bundle})

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> tuple[Any, bytes]:
        """Send once; raises `NotSent` if nothing was sent, another of `LOSSES` if something may have been."""
        kind = _Http if uri.startswith("http:") else self._https
        try:
            response, content = super().request(uri, method, body=body, headers=headers, connection_type=kind)
        except Exception:
            self.close()
            raise
        return response, content


def build(version: str, root: str) -> Any:
    """
    Return the SDK's service for *root*, batches included (`client_options.api_endpoint` would send those to Google).

    The API's description comes from the wheel; nothing is fetched.
    """
    document = copy.copy(_description(version))
    document["rootUrl"] = root
    for other in ("mtlsRootUrl", "baseUrl"):
        document.pop(other, None)
    return discovery.build_from_document(document, http=_Nowhere())


@functools.cache
def _description(version: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(discovery_cache.get_static_doc("admin", version))
    return document


class _Nowhere:
    """The HTTP object of the shared service objects: refuses to send."""

    def request(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("requests are sent over a thread's own connections")

    def close(self) -> None:
        """Nothing is open."""


def scrubbed(exc: Exception | None) -> Exception | None:
    """Remove the address and the vendor's text, which name people, from the SDK's error."""
    if isinstance(exc, HttpError):
        exc.uri, exc.content, exc.reason, exc.error_details = None, b"", "", ""
    return exc
