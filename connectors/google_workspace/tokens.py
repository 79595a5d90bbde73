"""Access tokens, one for each credential and scope: Google refuses an exchange as a whole if one scope is not delegated."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import google.auth.exceptions
import google_auth_httplib2
from google.oauth2 import service_account

from connectors.errors import ConnectorError, Unintelligible
from connectors.google_workspace.client import LOSSES, SingleSendHttp
from connectors.google_workspace.errors import CODES, WHO, code_of, lacking
from connectors.kit.exchange import Exchange, Reply, Trace, lower
from models.vocabulary import Evidence

Tier: TypeAlias = Literal["read", "write"]

REFUSED_FOR = 60.0
"""Seconds for which no new token is tried for a request that Google refused with a new one: the refusal is not about the token."""
_CODES = replace(CODES, denied=frozenset({
    "access_denied", "admin_policy_enforced", "deleted_client", "disabled_client", "invalid_client", "invalid_grant",
    "invalid_request", "invalid_scope", "org_internal", "unauthorized_client", "unsupported_grant_type",
}))  # fmt: skip
"""RFC 6749, section 5.2, and developers.google.com/identity/protocols/oauth2/service-account."""
_OURS = "Check the key file, this machine's clock, and that the administrator's address exists."
_Run: TypeAlias = "Callable[[Callable[[SingleSendHttp], None]], Awaitable[None]]"
"""Runs a function in a thread, with that thread's connections."""


@dataclass(slots=True, eq=False)
class Token:
    """The token of one credential and scope.  Concurrent callers share an exchange, which goes on if one of them gives up."""

    scope: str
    credentials: Any
    run: _Run
    clock: Callable[[], float] = time.monotonic
    _under_way: asyncio.Future[None] | None = None
    _refused_until: dict[str, float] = field(default_factory=dict)

    async def bearer(self, trace: Trace, *, refused: str | None = None) -> str:
        """
        Return a live token, other than *refused*, which Google has refused.

        Raises `ConnectorError`; a failed exchange is added to *trace*.
        """
        if not self.credentials.valid or self.credentials.token == refused:
            if self._under_way is None or self._under_way.done():
                work = self.run(functools.partial(_exchange, self.credentials, self.scope))
                self._under_way = asyncio.ensure_future(work)
                # if every caller gave up, asyncio must not log the failure: it holds the vendor's words
                self._under_way.add_done_callback(lambda done: done.cancelled() or done.exception())
            try:
                await asyncio.shield(self._under_way)
            except ConnectorError as error:
                trace += error.evidence
                raise error.copied() from error
        return str(self.credentials.token)

    def may_cure(self, request: str) -> bool:
        """Whether *request* may pass with another token.  Not if one of its name was refused with a new token within the last minute."""
        return self.clock() >= self._refused_until.get(request, 0.0)

    def cannot_cure(self, request: str) -> None:
        """Note that *request* was refused with a token in the place of a refused one."""
        now = self.clock()
        self._refused_until = {one: until for one, until in self._refused_until.items() if until > now}
        self._refused_until[request] = now + REFUSED_FOR


class Tokens:
    """The tokens of one administrator: *files* are the keys of the service accounts that act on *subject*'s behalf."""

    def __init__(self, files: Mapping[Tier, Path], subject: str, run: _Run) -> None:
        """Raises `OSError` or `ValueError` if a file is not a service account's key."""
        load: Any = service_account.Credentials.from_service_account_file
        loaded = {path: load(str(path), subject=subject) for path in set(files.values())}
        self._sources: dict[Tier, Any] = {tier: loaded[path] for tier, path in files.items()}
        self._tokens: dict[tuple[Tier, str], Token] = {}
        self._run = run

    def of(self, tier: Tier, scope: str) -> Token:
        if (tier, scope) not in self._tokens:
            self._tokens[tier, scope] = Token(scope, self._sources[tier].with_scopes([scope]), self._run)
        return self._tokens[tier, scope]


def _exchange(credentials: Any, scope: str, http: SingleSendHttp) -> None:
    """
    Refresh *credentials*: one exchange, recorded without digests of the secrets.

    Raises for any status other than 200: google-auth would sleep and try again after some, and `Pace` owns all waits.
    """
    send, trace = google_auth_httplib2.Request(http), list[Evidence]()

    def request(url: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any) -> Any:
        exchange = Exchange(WHO, f"exchange a token for {scope}", f"{method} {urlsplit(url).path}")
        try:
            response = send(url=url, method=method, body=body, headers=headers)
        except (*LOSSES, google.auth.exceptions.TransportError) as exc:
            trace.append(exchange.evidence(None))
            raise exchange.lost(exc, trace) from exc
        reply = Reply(int(response.status), lower(response.headers), response.data)
        code = code_of(reply)
        trace.append(replace(exchange.evidence(reply, code), response_sha256=None))
        if reply.status == 200:
            return response
        remedy = lacking(scope) if code == "unauthorized_client" else _OURS
        raise exchange.failure(reply, code, _CODES, trace, remedy=remedy)

    try:
        credentials.refresh(request)
    except (google.auth.exceptions.RefreshError, TypeError, ValueError, AttributeError) as exc:
        # google-auth's errors for an answer without a token, or not a JSON object, as a network's own sign-in page
        text = f"{WHO}: cannot exchange a token for {scope}: no token in the answer"
        raise Unintelligible(text, evidence=trace) from exc
