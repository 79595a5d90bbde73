"""
slack-sdk's clients, one for each request: they are quick to make, and so no two threads ever share one.

Their own retries are off, since the default re-sends a write whose answer was lost.  The TLS context is shared: it is
made for that.  The synchronous form keeps addresses and ids out of URLs, and so out of proxies' logs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.audit_logs import AuditLogsClient
from slack_sdk.errors import SlackApiError
from slack_sdk.scim import SCIMClient
from slack_sdk.web import WebClient

from connectors.slack.exchange import Reply, Witness, lower
from connectors.slack.settings import Purpose, Settings

_LOOPBACK = ("127.0.0.1", "localhost", "::1")

# The SDK logs bodies and reasons, and takes NOTSET for a wish to debug.
_SILENT = logging.getLogger("connectors.slack.sdk")
_SILENT.setLevel(logging.CRITICAL + 1)


class Clients:
    """Raises what `exchange.BROKEN` names when no readable answer came.  *timeout* is in whole seconds."""

    def __init__(self, settings: Settings, *, timeout: int) -> None:
        self._settings = settings
        self._timeout = timeout
        self._tls = ssl.create_default_context()
        if settings.ca_bundle is not None:
            self._tls.load_verify_locations(cafile=str(settings.ca_bundle))
        for endpoint in (settings.web_endpoint, settings.scim_endpoint, settings.audit_endpoint):
            _spare_loopback(endpoint)

    def web(self, method: str, arguments: Mapping[str, str], token: str) -> Reply:
        """Post a form.  A refusal (`ok: false`) is an answer like any other."""
        witness = Witness()
        client = WebClient(
            token,
            base_url=self._settings.web_endpoint,
            timeout=self._timeout,
            ssl=self._tls,
            logger=_SILENT,
            retry_handlers=[witness],
        )
        # the answer was witnessed, and is judged where all answers are; the second is the SDK's over JSON that is no object
        with contextlib.suppress(SlackApiError, AttributeError):
            client.api_call(method, params=dict(arguments))
        if witness.reply is None:
            raise ValueError("the client gave back no answer")
        return witness.reply

    def scim(self, verb: str, path: str, query: Mapping[str, str | int] | None, body: dict[str, Any] | None) -> Reply:
        """Send JSON to SCIM v2.  This client raises for no status."""
        client = SCIMClient(
            self._settings.secret(Purpose.SCIM),
            base_url=f"{self._settings.scim_endpoint}v2/",
            timeout=self._timeout,
            ssl=self._tls,
            logger=_SILENT,
            retry_handlers=[],
        )
        answer = client.api_call(
            http_verb=verb,
            path=path,
            query_params=None if query is None else dict(query),
            body_params=None if body is None else dict(body),
        )
        return Reply(answer.status_code, lower(answer.headers), (answer.raw_body or "").encode())

    def audit(self, query: Mapping[str, str | int]) -> Reply:
        """Read a page of the audit logs.  This client raises for no status."""
        client = AuditLogsClient(
            self._settings.secret(Purpose.AUDIT),
            base_url=self._settings.audit_endpoint,
            timeout=self._timeout,
            ssl=self._tls,
            logger=_SILENT,
            retry_handlers=[],
        )
        answer = client.api_call(path="logs", query_params=dict(query))
        return Reply(answer.status_code, lower(answer.headers), (answer.raw_body or "").encode())


def _spare_loopback(endpoint: str) -> None:
    """
    Keep requests to this machine off any proxy.

    urllib, under the SDK, reads proxies and their exceptions from the environment and can be told in no other way;
    the exception is added for the whole process, which is true for anything that runs here.
    """
    if urlsplit(endpoint).hostname not in _LOOPBACK:
        return
    for name in ("no_proxy", "NO_PROXY"):
        listed = [host for host in os.environ.get(name, "").split(",") if host]
        if "*" not in listed:
            os.environ[name] = ",".join(dict.fromkeys([*listed, *_LOOPBACK]))
