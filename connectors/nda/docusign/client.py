"""
DocuSign's SDK, docusign-esign 6.1, set up against its traps.

It waits for ever unless each call has a timeout (its token call cannot have one), repeats PUT and GET by itself, trusts only
its own list of certificates, and puts the whole answer into an exception's text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import urllib3
from docusign_esign import ApiClient, EnvelopesApi
from docusign_esign.client.api_exception import ApiException

from connectors.errors import Denied, Unintelligible
from connectors.kit.answers import understood
from connectors.kit.exchange import Exchange, Reply, Trace, lower
from connectors.nda.docusign.errors import WHO, code_of, failure_of
from connectors.nda.docusign.settings import SCOPES, Settings
from connectors.settings import checked_endpoint, on_this_machine, trust

THREADS = 4
_EARLY = timedelta(seconds=60)
_HOUR = 3600
_POOLS = "pool_manager"  # the SDK's attribute with its connections: only there does a timeout reach every call
_SITES = (".docusign.net", ".docusign.com")
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


class _Pools(urllib3.PoolManager):
    """The SDK's connections: with timeouts, without retries.  *seen*: each thread's last exchange and reply."""

    def __init__(self, settings: Settings, patience: float) -> None:
        super().__init__(num_pools=4, maxsize=THREADS, ssl_context=trust(settings.ca_bundle))
        self.seen = threading.local()
        self._limit = urllib3.Timeout(connect=patience, read=patience)

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override]  # noqa: ARG002, FBT001, FBT002  # as urllib3 has it; none is followed
        exchange, body = self.seen.exchange, kw.get("body")
        query = None if exchange.write else urlsplit(url).query or None
        self.seen.exchange = replace(exchange, query=query, body=body.encode() if isinstance(body, str) else body)
        kw |= {"timeout": kw.get("timeout") or self._limit, "retries": False}
        answer = super().urlopen(method, url, redirect=False, **kw)
        self.seen.reply = Reply(answer.status, lower(answer.headers), answer.data)
        return answer


class Client:
    """The SDK for one account, for several threads.  A token is renewed a minute before it ends (an hour)."""

    def __init__(self, settings: Settings, *, patience: float) -> None:
        self._settings = settings
        self._key = settings.key()
        self._pools = _Pools(settings, patience)
        self._sdk = ApiClient(host=settings.endpoint or settings.authority, oauth_host_name=settings.authority_host)
        setattr(self._sdk.rest_client, _POOLS, self._pools)
        self.envelopes = EnvelopesApi(self._sdk)
        self.account = str(settings.account_id)
        self._located = settings.endpoint is not None
        self._until: datetime | None = None
        self._signing_in = threading.Lock()

    def close(self) -> None:
        """Close all connections; `clear` alone leaves those open that the SDK's last answer still holds."""
        for key in list(self._pools.pools.keys()):
            if (pool := self._pools.pools.get(key)) is not None:
                pool.close()
        self._pools.clear()

    def sign_in(self, trace: Trace, *, anew: bool = False) -> None:
        """Get a token, unless there is a live one and not *anew*; find the account's site."""
        with self._signing_in, understood(WHO, trace):
            if not anew and self._until is not None and self._until > datetime.now(UTC):
                return
            exchange = Exchange(WHO, "get a token", "POST /oauth/token")
            token = self.send(exchange, self._request_token, trace)
            if not self._located:
                self._locate(token.access_token, trace)
            self._until = exchange.sent_at + timedelta(seconds=int(token.expires_in or _HOUR)) - _EARLY

    def send(
        self, exchange: Exchange, call: Callable[[], Any], trace: Trace, absent: frozenset[str] = frozenset()
    ) -> Any:
        """
        Make one exchange in this thread, and record it; return the SDK's result, None for a code of *absent*.  Chains no SDK
        error: its text has the whole answer, with names.
        """
        seen = self._pools.seen
        seen.exchange, seen.reply = exchange, None
        try:
            found = call()
        except (ApiException, urllib3.exceptions.HTTPError) as exc:
            if seen.reply is None:
                trace.append(seen.exchange.evidence(None, type(exc).__name__))
                raise exchange.lost(exc, trace, never_sent=isinstance(exc, _NEVER_SENT)) from None
            code = code_of(seen.reply)
            trace.append(seen.exchange.evidence(seen.reply, code))
            if code in absent:
                return None
            raise failure_of(exchange, seen.reply, trace) from None
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            trace.append(seen.exchange.evidence(seen.reply))
            raise exchange.odd_success(f"{type(exc).__name__} over its shape", trace) from exc
        trace.append(seen.exchange.evidence(seen.reply))
        if exchange.write and (seen.reply is None or seen.reply.body is None):  # the SDK reads it as an empty object
            raise exchange.odd_success("not an object", trace)
        return found

    def _request_token(self) -> Any:
        return self._sdk.request_jwt_user_token(
            client_id=self._settings.integration_key.get_secret_value(),
            user_id=str(self._settings.user_id),
            oauth_host_name=self._settings.authority_host,
            private_key_bytes=self._key,
            expires_in=_HOUR,
            scopes=SCOPES,
        )

    def _locate(self, token: str, trace: Trace) -> None:
        """Ask for the account's own site; raises if that is not DocuSign's, which the token must not leave."""
        exchange = Exchange(WHO, "use this account", "GET /oauth/userinfo")
        accounts = self.send(exchange, lambda: self._sdk.get_user_info(token).accounts, trace)
        known = {account.account_id: account.base_uri for account in accounts}
        if self.account not in known:
            remedy = "Correct LASTDAY_DOCUSIGN_ACCOUNT_ID or LASTDAY_DOCUSIGN_USER_ID."
            message = f"{WHO}: cannot use this account: it is not the user's"
            raise Denied(message, code="no_account", evidence=tuple(trace), remedy=remedy)
        site = known[self.account]
        if not is_own_site(site, self._settings.authority):
            remedy = "If it really is elsewhere, name its REST root in LASTDAY_DOCUSIGN_ENDPOINT."
            message = f"{WHO}: cannot use this account: its site is not one of DocuSign's"
            raise Unintelligible(message, code="foreign_site", evidence=tuple(trace), remedy=remedy)
        self._sdk.host = f"{site}/restapi"
        self._located = True


def is_own_site(site: str | None, authority: str) -> bool:
    """Whether *site* is https and DocuSign's; if *authority* is on this machine (an emulated account), whether it is, too."""
    try:
        parts = urlsplit(checked_endpoint(site or ""))
    except ValueError:
        return False
    emulated, named = on_this_machine(authority), (parts.hostname or "").endswith(_SITES)
    return parts.scheme == "https" and (on_this_machine(parts.geturl()) if emulated else named)
