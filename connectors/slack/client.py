"""
slack-sdk's clients, one for each request: they are quick to make, and so no two threads ever share one.

Their own retries are off, since the default re-sends a write whose answer was lost.  They would follow a redirect too,
with the token, to any host and out of https, and believe what that one answers: urllib's opener does, and they offer no
setting against it.  So each is given an opener that follows nothing, in the one method in which it sends.  Openers are
shared among threads: they hold no state.  The synchronous form keeps addresses and ids out of URLs, and so out of proxies'
logs.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from slack_sdk.audit_logs import AuditLogsClient, AuditLogsResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env
from slack_sdk.scim import SCIMClient, SCIMResponse
from slack_sdk.web import WebClient

from connectors.kit.exchange import Reply, lower
from connectors.settings import on_this_machine, trust
from connectors.slack.settings import Purpose, Settings

# The SDK logs bodies and reasons, and takes NOTSET for a wish to debug.
_SILENT = logging.getLogger("connectors.slack.sdk")
_SILENT.setLevel(logging.CRITICAL + 1)


class Clients:
    """Sends a request and returns the answer, whatever its status.  Raises what `errors.BROKEN` names.  *timeout* is in whole seconds."""

    def __init__(self, settings: Settings, *, timeout: int) -> None:
        self._settings = settings
        self._timeout = timeout
        tls = trust(settings.ca_bundle)
        self._web, self._scim, self._audit = (
            _opener(endpoint, tls)
            for endpoint in (settings.web_endpoint, settings.scim_endpoint, settings.audit_endpoint)
        )

    def web(self, method: str, arguments: Mapping[str, str], token: str) -> Reply:
        """Post a form.  A refusal (`ok: false`) is an answer like any other."""
        client = _Web(self._web, token, self._settings.web_endpoint, self._timeout)
        with contextlib.suppress(SlackApiError):  # its word for every answer, since it is given none to read
            client.api_call(method, params=dict(arguments))
        return client.answer()

    def scim(self, verb: str, path: str, query: Mapping[str, str | int] | None, body: dict[str, Any] | None) -> Reply:
        """Send JSON to SCIM v2."""
        token = self._settings.secret(Purpose.SCIM)
        client = _Scim(self._scim, token, f"{self._settings.scim_endpoint}v2/", self._timeout)
        client.api_call(
            http_verb=verb,
            path=path,
            query_params=None if query is None else dict(query),
            body_params=None if body is None else dict(body),
        )
        return client.answer()

    def audit(self, query: Mapping[str, str | int]) -> Reply:
        """Read a page of the audit logs."""
        client = _Audit(self._audit, self._settings.secret(Purpose.AUDIT), self._settings.audit_endpoint, self._timeout)
        client.api_call(path="logs", query_params=dict(query))
        return client.answer()


class _SendsOnce:
    """
    Mixed into the SDK's clients, before them: sends through *opener*, and keeps the answer's bytes.

    The SDK is told the status and no body: what it would raise over a body's shape is not its to judge.
    """

    timeout: int

    def __init__(self, opener: OpenerDirector, token: str, base_url: str, timeout: int) -> None:
        super().__init__(token, base_url=base_url, timeout=timeout, logger=_SILENT, retry_handlers=[])  # type: ignore[call-arg]  # of the client that this is mixed into
        self._opener = opener
        self._reply: Reply | None = None

    def answer(self) -> Reply:
        if self._reply is None:
            raise ValueError("the client gave back no answer")
        return self._reply

    def _send(self, request: Request) -> Reply:
        with self._opener.open(request, timeout=self.timeout) as answer:
            self._reply = Reply(answer.status, lower(dict(answer.headers)), answer.read())
        return self._reply


class _Web(_SendsOnce, WebClient):
    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG002  # the SDK's
        return {"status": self._send(req).status, "headers": {}, "body": None}


class _Scim(_SendsOnce, SCIMClient):
    def _perform_http_request_internal(self, url: str, req: Request) -> SCIMResponse:
        return SCIMResponse(url=url, status_code=self._send(req).status, raw_body=None, headers={})


class _Audit(_SendsOnce, AuditLogsClient):
    def _perform_http_request_internal(self, url: str, req: Request) -> AuditLogsResponse:
        return AuditLogsResponse(url=url, status_code=self._send(req).status, raw_body=None, headers={})


def _opener(endpoint: str, tls: ssl.SSLContext) -> OpenerDirector:
    """Return what sends to *endpoint*: without whatever follows redirects or raises over a status, and for this machine past any proxy."""
    named = load_http_proxy_from_env(_SILENT)  # one for both schemes, as the SDK has it; else what urllib finds
    proxies = {} if on_this_machine(endpoint) else None if named is None else {"http": named, "https": named}
    opener = OpenerDirector()
    for part in (ProxyHandler(proxies), HTTPHandler(), HTTPSHandler(context=tls)):
        opener.add_handler(part)
    return opener
