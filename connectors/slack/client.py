"""
slack-sdk's clients, a new one for each request: they are cheap, and no two threads share one.

The SDK's retries are off: the default re-sends a write whose answer was lost.  urllib's opener would follow a redirect to
any host, also out of https, with the token, and the SDK has no setting against that.  So the one method that sends uses an
opener that follows nothing.  Threads share openers, which hold no state.  The synchronous clients keep addresses and ids
out of URLs, and so out of proxies' logs.
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
from connectors.slack.settings import Settings, TokenPurpose

# The SDK logs bodies and reasons, and debugs at level NOTSET.
_SILENT = logging.getLogger("connectors.slack.sdk")
_SILENT.setLevel(logging.CRITICAL + 1)


class Clients:
    """Sends a request and returns the answer, with any status.  Raises one of `errors.BROKEN`.  *timeout*: whole seconds."""

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
        with contextlib.suppress(SlackApiError):  # the SDK raises it for every answer, since it gets no body
            client.api_call(method, params=dict(arguments))
        return client.answer()

    def scim(self, verb: str, path: str, query: Mapping[str, str | int] | None, body: dict[str, Any] | None) -> Reply:
        token = self._settings.secret(TokenPurpose.SCIM)
        client = _Scim(self._scim, token, f"{self._settings.scim_endpoint}v2/", self._timeout)
        client.api_call(
            http_verb=verb,
            path=path,
            query_params=None if query is None else dict(query),
            body_params=None if body is None else dict(body),
        )
        return client.answer()

    def audit(self, query: Mapping[str, str | int]) -> Reply:
        client = _Audit(
            self._audit, self._settings.secret(TokenPurpose.AUDIT), self._settings.audit_endpoint, self._timeout
        )
        client.api_call(path="logs", query_params=dict(query))
        return client.answer()


class _SendsOnce:
    """
    Mixed into the SDK's clients, before them: sends through *opener*, and keeps the answer's bytes.

    Gives the SDK the status but no body, so that the SDK raises nothing over a body's shape.
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
    """Return an opener that follows no redirect and raises for no status; it uses no proxy for this machine."""
    named = load_http_proxy_from_env(_SILENT)  # the SDK's choice, for both schemes; else what urllib finds
    proxies = {} if on_this_machine(endpoint) else None if named is None else {"http": named, "https": named}
    opener = OpenerDirector()
    for part in (ProxyHandler(proxies), HTTPHandler(), HTTPSHandler(context=tls)):
        opener.add_handler(part)
    return opener
