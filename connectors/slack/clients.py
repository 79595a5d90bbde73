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
from http.client import HTTPMessage
from typing import Any
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from slack_sdk.audit_logs import AuditLogsClient, AuditLogsResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env
from slack_sdk.scim import SCIMClient, SCIMResponse
from slack_sdk.web import WebClient

from connectors.settings import on_this_machine, trust
from connectors.slack.exchange import Reply, Witness, lower
from connectors.slack.settings import Purpose, Settings

# The SDK logs bodies and reasons, and takes NOTSET for a wish to debug.
_SILENT = logging.getLogger("connectors.slack.sdk")
_SILENT.setLevel(logging.CRITICAL + 1)


class Clients:
    """Raises what `exchange.BROKEN` names when no readable answer came.  *timeout* is in whole seconds."""

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
        witness = Witness()
        client = _Web(
            self._web,
            token,
            base_url=self._settings.web_endpoint,
            timeout=self._timeout,
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
        client = _Scim(
            self._scim,
            self._settings.secret(Purpose.SCIM),
            base_url=f"{self._settings.scim_endpoint}v2/",
            timeout=self._timeout,
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
        client = _Audit(
            self._audit,
            self._settings.secret(Purpose.AUDIT),
            base_url=self._settings.audit_endpoint,
            timeout=self._timeout,
            logger=_SILENT,
            retry_handlers=[],
        )
        answer = client.api_call(path="logs", query_params=dict(query))
        return Reply(answer.status_code, lower(answer.headers), (answer.raw_body or "").encode())


class _Sending:
    """Mixed into the SDK's clients, before them: sends through *opener*.  A status outside 2xx raises `HTTPError`, as theirs does."""

    timeout: int

    def __init__(self, opener: OpenerDirector, token: str, **given: Any) -> None:
        super().__init__(token, **given)  # type: ignore[call-arg]  # of the client that this is mixed into
        self._opener = opener

    def _sent(self, request: Request) -> tuple[int, HTTPMessage, str]:
        with self._opener.open(request, timeout=self.timeout) as answer:
            return answer.status, answer.headers, answer.read().decode(answer.headers.get_content_charset() or "utf-8")


class _Web(_Sending, WebClient):
    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:  # noqa: ARG002  # the SDK's
        status, headers, body = self._sent(req)
        return {"status": status, "headers": headers, "body": body}


class _Scim(_Sending, SCIMClient):
    def _perform_http_request_internal(self, url: str, req: Request) -> SCIMResponse:
        status, headers, body = self._sent(req)
        return SCIMResponse(url=url, status_code=status, raw_body=body, headers=dict(headers))


class _Audit(_Sending, AuditLogsClient):
    def _perform_http_request_internal(self, url: str, req: Request) -> AuditLogsResponse:
        status, headers, body = self._sent(req)
        return AuditLogsResponse(url=url, status_code=status, raw_body=body, headers=dict(headers))


def _opener(endpoint: str, tls: ssl.SSLContext) -> OpenerDirector:
    """Return what sends to *endpoint*: without whatever follows redirects, and for this machine past any proxy."""
    named = load_http_proxy_from_env(_SILENT)  # one for both schemes, as the SDK has it; else what urllib finds
    proxies = {} if on_this_machine(endpoint) else None if named is None else {"http": named, "https": named}
    opener = OpenerDirector()
    for part in (
        ProxyHandler(proxies), HTTPHandler(), HTTPSHandler(context=tls), HTTPErrorProcessor(), HTTPDefaultErrorHandler(),
    ):  # fmt: skip
        opener.add_handler(part)
    return opener
