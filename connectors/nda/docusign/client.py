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

import jwt
import urllib3
from docusign_esign import ApiClient, EnvelopesApi
from docusign_esign.client.api_exception import ApiException

from connectors.errors import ConnectorError, Denied, NotConfigured, Unintelligible
from connectors.kit.answers import understood
from connectors.kit.exchange import Exchange, Reply, Trace, lower
from connectors.nda.docusign.errors import WHO, code_of, failure_of, refusal_of
from connectors.nda.docusign.settings import SCOPES, Settings
from connectors.settings import checked_endpoint, on_this_machine, trust

THREADS = 4
_EARLY = timedelta(seconds=60)
_HOUR = 3600
_POOLS = "pool_manager"  # the SDK's attribute with its connections: only there does a timeout reach every call
_SITES = (".docusign.net", ".docusign.com")
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


class _Pools(urllib3.PoolManager):
    """The SDK's connections: with timeouts, without retries; keeps each thread's last exchange."""

    def __init__(self, settings: Settings, patience: float) -> None:
        super().__init__(num_pools=4, maxsize=THREADS, ssl_context=trust(settings.ca_bundle))
        self.seen = threading.local()
        self._limit = urllib3.Timeout(connect=patience, read=patience)

    def forget(self) -> None:
        """Forget this thread's last exchange."""
        self.seen.reply = self.seen.body = self.seen.query = None

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override]  # noqa: ARG002, FBT001, FBT002  # as urllib3 has it; none is followed
        self.seen.reply, self.seen.body, self.seen.query = None, kw.get("body"), urlsplit(url).query or None
        kw |= {"timeout": kw.get("timeout") or self._limit, "retries": False}
        answer = super().urlopen(method, url, redirect=False, **kw)
        self.seen.reply = Reply(answer.status, lower(answer.headers), answer.data)
        return answer

    def shut(self) -> None:
        """Close all connections; `clear` alone leaves those open that the SDK's last answer still holds."""
        for key in list(self.pools.keys()):
            if (pool := self.pools.get(key)) is not None:
                pool.close()
        self.clear()


class Client:
    """
    The SDK for one account, called from several threads.

    A new token is fetched a minute before the old one ends (an hour), or with *anew*.
    """

    def __init__(self, settings: Settings, *, patience: float) -> None:
        self._settings = settings
        self._key = settings.key()
        self._pools = _Pools(settings, patience)
        self._sdk = ApiClient(host=settings.endpoint or settings.authority, oauth_host_name=settings.authority_host)
        setattr(self._sdk.rest_client, _POOLS, self._pools)
        self._envelopes = EnvelopesApi(self._sdk)
        self._account = str(settings.account_id)
        self._located = settings.endpoint is not None
        self._until: datetime | None = None
        self._signing_in = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._pools.shut()

    def call(
        self, exchange: Exchange, call: Callable[[EnvelopesApi, str], Any], trace: Trace, absent: frozenset[str]
    ) -> Any:
        """Return the SDK's result; None for a code of *absent*."""
        return self._exchange(exchange, lambda: call(self._envelopes, self._account), trace, absent)

    def sign_in(self, trace: Trace, *, anew: bool = False) -> None:
        """Get a token, unless there is a live one and not *anew*; find the account's site."""
        with self._signing_in, understood(WHO, trace):
            if not anew and self._until is not None and self._until > datetime.now(UTC):
                return
            exchange = Exchange(WHO, "get a token", "POST /oauth/token")
            token = self._exchange(exchange, self._request_token, trace, failure=refusal_of)
            if not self._located:
                self._locate(token.access_token, trace)
            self._until = exchange.sent_at + timedelta(seconds=int(token.expires_in or _HOUR)) - _EARLY

    def _exchange(
        self,
        exchange: Exchange,
        call: Callable[[], Any],
        trace: Trace,
        absent: frozenset[str] = frozenset(),
        *,
        failure: Callable[[Exchange, Reply, Trace], ConnectorError] = failure_of,
    ) -> Any:
        """Make one exchange in this thread, and record it.  Chains no SDK error: its text has the whole answer, with names."""
        self._pools.forget()
        reply: Reply | None
        try:
            found = call()
        except ApiException as exc:
            reply = self._pools.seen.reply
            if reply is None or not exc.status:  # the handshake failed
                raise self._lost(exchange, exc, trace) from None
            code = code_of(reply)
            trace.append(self._as_sent(exchange).evidence(reply, code))
            if code in absent:
                return None
            raise failure(exchange, reply, trace) from None
        except urllib3.exceptions.HTTPError as exc:  # whose text has the address
            raise self._lost(exchange, exc, trace) from None
        except jwt.PyJWTError as exc:
            raise NotConfigured(f"{WHO}: cannot sign with its key: {type(exc).__name__}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            trace.append(self._as_sent(exchange).evidence(self._pools.seen.reply))
            raise exchange.odd_success(f"{type(exc).__name__} over its shape", trace) from exc
        reply = self._pools.seen.reply
        trace.append(self._as_sent(exchange).evidence(reply))
        if exchange.write and (
            reply is None or reply.body is None
        ):  # which the SDK reads as an object without anything
            raise exchange.odd_success("not an object", trace)
        return found

    def _lost(self, exchange: Exchange, exc: Exception, trace: Trace) -> ConnectorError:
        trace.append(self._as_sent(exchange).evidence(None, type(exc).__name__))
        return exchange.lost(exc, trace, never_sent=isinstance(exc, _NEVER_SENT))

    def _as_sent(self, exchange: Exchange) -> Exchange:
        body, query = self._pools.seen.body, None if exchange.write else self._pools.seen.query
        return replace(exchange, body=body.encode() if isinstance(body, str) else body, query=query)

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
        accounts = self._exchange(exchange, lambda: self._sdk.get_user_info(token).accounts, trace, failure=refusal_of)
        known = {account.account_id: account.base_uri for account in accounts}
        if self._account not in known:
            remedy = "Correct LASTDAY_DOCUSIGN_ACCOUNT_ID or LASTDAY_DOCUSIGN_USER_ID."
            raise Denied(
                f"{WHO}: cannot use this account: it is not the user's", code="no_account", evidence=tuple(trace), remedy=remedy
            )  # fmt: skip
        site = known[self._account]
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
