"""
Access tokens: one for each credential and scope, so that a scope that is not delegated fails only what needs it.

Google fails a whole exchange for one scope that is missing on the allow-list.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import google.auth.exceptions
import google_auth_httplib2
import httplib2
from google.oauth2 import service_account

from connectors.errors import ConnectorError, Denied, Throttled, Unintelligible, Unreachable
from connectors.google_workspace.failures import WHO, is_throttle, retry_after
from connectors.google_workspace.saying import Said
from connectors.google_workspace.wire import Answer, Wire, date_of
from models.vocabulary import Evidence

Tier: TypeAlias = Literal["read", "write"]


@dataclass(slots=True)
class _Held:
    """One credential; refreshing it is not thread-safe, hence the lock."""

    credentials: Any
    lock: threading.Lock = field(default_factory=threading.Lock)


def _credentials(path: Path, subject: str) -> Any:
    load: Any = service_account.Credentials.from_service_account_file
    return load(str(path), subject=subject)


class Tokens:
    """Exchanges and keeps access tokens.  Thread-safe."""

    def __init__(self, files: Mapping[Tier, Path], subject: str) -> None:
        """Raises `OSError` or `ValueError` if a file is not a service account's key."""
        loaded = {path: _credentials(path, subject) for path in set(files.values())}
        self._sources: dict[Tier, Any] = {tier: loaded[path] for tier, path in files.items()}
        self._held: dict[tuple[Tier, str], _Held] = {}
        self._lock = threading.Lock()

    def bearer(self, wire: Wire, tier: Tier, scope: str, *, stale: str | None = None) -> str:
        """Return a live token; *stale* is one that the vendor no longer takes.  Raises `ConnectorError`."""
        with self._lock:
            if (tier, scope) not in self._held:
                self._held[tier, scope] = _Held(self._sources[tier].with_scopes([scope]))
            held = self._held[tier, scope]
        with held.lock:
            if not held.credentials.valid or held.credentials.token == stale:
                self._refresh(held.credentials, wire, scope)
            return str(held.credentials.token)

    def _refresh(self, credentials: Any, wire: Wire, scope: str) -> None:
        request = _TokenRequest(wire)
        try:
            credentials.refresh(request)
        except google.auth.exceptions.RefreshError as exc:
            raise self._refused(exc, scope, request.evidence) from exc
        except (TypeError, ValueError, AttributeError) as exc:
            # what google-auth makes of an answer that is not a JSON object, as a network's own sign-in page
            raise Unintelligible(
                f"{WHO}: cannot exchange a token: no token in the answer", evidence=request.evidence
            ) from exc
        except (OSError, http.client.HTTPException, google.auth.exceptions.TransportError) as exc:
            text = f"{WHO}: cannot exchange a token: {type(exc).__name__}"
            raise Unreachable(text, evidence=request.evidence) from exc

    def _refused(self, exc: Exception, scope: str, evidence: tuple[Evidence, ...]) -> ConnectorError:
        body = exc.args[1] if len(exc.args) > 1 else None
        code = body.get("error") if isinstance(body, dict) else None
        if code == "unauthorized_client":
            return Denied(
                f"{WHO}: cannot exchange a token for {scope}: {code}",
                code=code,
                evidence=evidence,
                remedy=f"Allow the scope {scope} to the service account's client, under domain-wide delegation in the Admin console.",
            )
        if code is None:
            return Unintelligible(f"{WHO}: cannot exchange a token: no JSON in the answer", evidence=evidence)
        return Denied(
            f"{WHO}: cannot exchange a token: {code}",
            code=str(code),
            evidence=evidence,
            remedy="Check the key file, this machine's clock, and that the administrator's address exists.",
        )


class _TokenRequest:
    """
    google-auth's transport for one exchange.

    Answers that google-auth would try again for, with sleeps of its own, end it here: waiting has one owner.
    """

    def __init__(self, wire: Wire) -> None:
        self._request = google_auth_httplib2.Request(wire)
        self.evidence: tuple[Evidence, ...] = ()

    def __call__(self, url: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any) -> Any:
        """Send, note the exchange (no digest: what is exchanged is a secret), raise for what may pass."""
        what, sent_at = f"{method} {urlsplit(url).path}", datetime.now(UTC)
        try:
            response = self._request(url=url, method=method, body=body, headers=headers)
        except (OSError, http.client.HTTPException, httplib2.HttpLib2Error, google.auth.exceptions.TransportError):
            self.evidence = (Evidence(what, sent_at, datetime.now(UTC), None),)
            raise
        answer = Answer(int(response.status), response.headers, response.data)
        said = Said.of(answer.content) if answer.status >= 400 else Said()
        at = date_of(answer.headers)
        self.evidence = (Evidence(what, sent_at, datetime.now(UTC), answer.status, code=said.code, vendor_at=at),)
        text = f"{WHO}: cannot exchange a token: {said.code or f'HTTP {answer.status}'}"
        if is_throttle(answer, said):
            wait = retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
            raise Throttled(text, retry_after=wait, code=said.code, evidence=self.evidence)
        if answer.status == 408 or answer.status >= 500:
            raise Unreachable(text, code=said.code, evidence=self.evidence)
        if answer.status != 200 and answer.status < 400:
            raise Unintelligible(text, evidence=self.evidence)
        return response
