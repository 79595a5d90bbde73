"""
The way to DocuSign: docusign-esign 6.1 as it is, with the traps fenced off.

It waits for ever unless each call names a limit (its token call cannot), repeats PUT and GET on its own, believes only the
certificates of its own list, and puts the whole answer into an exception's text.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import urllib3
from docusign_esign import ApiClient, EnvelopesApi
from docusign_esign.client.api_exception import ApiException

from connectors.errors import ConnectorError, Denied, NotConfigured, Throttled, Unintelligible
from connectors.kit.pacing import Pace
from connectors.nda.docusign.settings import SCOPES, Settings
from connectors.nda.exchange import Call, Reply, Trace
from connectors.settings import checked_endpoint, on_this_machine, trust

WHO = "docusign"
_THREADS = 4
_EARLY = timedelta(seconds=60)
_HOUR = 3600
_LIMITS = frozenset(
    {
        "HOURLY_APIINVOCATION_LIMIT_EXCEEDED",
        "BURST_APIINVOCATION_LIMIT_EXCEEDED",
        "HOURLY_ENVELOPE_POLLING_LIMIT_EXCEEDED",
        "BURST_ENVELOPE_POLLING_LIMIT_EXCEEDED",
    }
)
_POOLS = "pool_manager"  # where the SDK has its connections: the only place at which a limit reaches every call
_SITES = (".docusign.net", ".docusign.com")
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


@dataclass(frozen=True, slots=True)
class Request:
    """
    One call of the SDK, the same however often it is tried.  *what*: method and path with ids, for the evidence.

    *absent*: the vendor's codes that say "none such", answers to the caller and not failures.
    """

    act: str
    what: str
    call: Callable[[EnvelopesApi, str], Any]
    absent: frozenset[str] = frozenset()

    @property
    def write(self) -> bool:
        return not self.what.startswith("GET ")


class _Pools(urllib3.PoolManager):
    """The SDK's connections, each exchange bounded in time, none repeated, the last one of each thread kept."""

    def __init__(self, settings: Settings, patience: float) -> None:
        super().__init__(num_pools=4, maxsize=_THREADS, ssl_context=trust(settings.ca_bundle))
        self.seen = threading.local()
        self._limit = urllib3.Timeout(connect=patience, read=patience)

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override]  # noqa: ARG002, FBT001, FBT002  # as urllib3 has it; none is followed
        self.seen.reply, self.seen.body, self.seen.query = None, kw.get("body"), urlsplit(url).query
        kw |= {"timeout": kw.get("timeout") or self._limit, "retries": False}
        answer = super().urlopen(method, url, redirect=False, **kw)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        self.seen.reply = Reply(answer.status, headers, answer.data)
        return answer

    def shut(self) -> None:
        """Close the connections now: `clear` leaves those open that the SDK's last answer still holds."""
        for key in list(self.pools.keys()):
            if (pool := self.pools.get(key)) is not None:
                pool.close()
        self.clear()


class Wire:
    """Calls in one account's name.  Its token lives for an hour; a newer one is fetched a minute before, or at a 401."""

    def __init__(self, settings: Settings, pace: Pace, *, patience: float = 60.0) -> None:
        self._settings = settings
        self._key = settings.key()
        self._pace = pace
        self._pools = _Pools(settings, patience)
        self._client = ApiClient(host=settings.endpoint or settings.authority, oauth_host_name=settings.authority_host)
        setattr(self._client.rest_client, _POOLS, self._pools)
        self._envelopes = EnvelopesApi(self._client)
        self._account = str(settings.account_id)
        self._located = settings.endpoint is not None
        self._until: datetime | None = None
        self._turn = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=WHO)

    @property
    def client(self) -> ApiClient:
        """The SDK's client, for what it reads."""
        return self._client

    async def aclose(self) -> None:
        """Wait for what is under way: a call in a thread cannot be taken back."""
        await asyncio.to_thread(self._threads.shutdown)
        self._pools.shut()

    async def read(self, request: Request, trace: Trace) -> Any:
        """Return what the SDK read; None for one of *absent*."""
        return await self._pace.read(lambda: self._aside(request, trace))

    async def write(self, request: Request, trace: Trace) -> Any:
        """Send a write.  Only what surely did nothing is sent again; an unknown outcome raises `OutcomeUnknown`."""
        return await self._pace.write(lambda: self._aside(request, trace))

    async def _aside(self, request: Request, trace: Trace) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._attempt, request, trace)

    def _attempt(self, request: Request, trace: Trace) -> Any:
        self._ensure_token(trace)
        try:
            return self._once(request, trace)
        except Denied as exc:
            if exc.evidence[-1].status != 401:
                raise
        self._ensure_token(trace, anew=True)  # the last one ended early, or was revoked: nothing was done
        return self._once(request, trace)

    def _once(self, request: Request, trace: Trace) -> Any:
        call = Call(WHO, request.act, request.what, None, None, request.write, datetime.now(UTC))
        self._pools.seen.reply = self._pools.seen.body = self._pools.seen.query = None
        try:
            found = request.call(self._envelopes, self._account)
        except ApiException as exc:
            call, reply = self._sent(call), self._reply_of(exc)
            if (code := _code(reply)) in request.absent:
                trace.append(call.evidence(reply, code))
                return None
            raise _failure(call, reply, trace) from None  # the SDK's text holds the whole answer, people included
        except urllib3.exceptions.HTTPError as exc:  # whose text has the address
            raise self._sent(call).lost(exc, trace, never_sent=isinstance(exc, _NEVER_SENT)) from None
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            trace.append(self._sent(call).evidence(self._pools.seen.reply, "odd_answer"))
            raise call.odd(trace) from exc
        trace.append(self._sent(call).evidence(self._pools.seen.reply))
        return found

    def _sent(self, call: Call) -> Call:
        body, query = self._pools.seen.body, None if call.write else self._pools.seen.query
        return replace(call, body=body.encode() if isinstance(body, str) else body, query=query)

    def _ensure_token(self, trace: Trace, *, anew: bool = False) -> None:
        with self._turn:
            if not anew and self._until is not None and self._until > datetime.now(UTC):
                return
            call = Call(WHO, "get a token", "POST /oauth/token", None, None, False, datetime.now(UTC))
            try:
                token = self._request_token()
                if not self._located:
                    self._locate(token.access_token, trace)
            except ApiException as exc:
                raise _no_token(call, self._reply_of(exc), trace) from None
            except urllib3.exceptions.HTTPError as exc:
                raise call.lost(exc, trace, never_sent=True) from None
            except jwt.PyJWTError as exc:
                raise NotConfigured(f"{WHO}: cannot sign with its key: {type(exc).__name__}") from None
            except (KeyError, TypeError, ValueError, AttributeError) as exc:
                raise call.odd(trace) from exc
            self._until = call.sent_at + timedelta(seconds=int(token.expires_in or _HOUR)) - _EARLY

    def _request_token(self) -> Any:
        return self._client.request_jwt_user_token(
            client_id=self._settings.integration_key.get_secret_value(),
            user_id=str(self._settings.user_id),
            oauth_host_name=self._settings.authority_host,
            private_key_bytes=self._key,
            expires_in=_HOUR,
            scopes=SCOPES,
        )

    def _locate(self, token: str, trace: Trace) -> None:
        """Ask where the account lives: each has a site of its own.  The token goes to none but the vendor's."""
        call = Call(WHO, "use this account", "GET /oauth/userinfo", None, None, False, datetime.now(UTC))
        known = {account.account_id: account.base_uri for account in self._client.get_user_info(token).accounts}
        if self._account not in known:
            remedy = "Correct LASTDAY_DOCUSIGN_ACCOUNT_ID or LASTDAY_DOCUSIGN_USER_ID."
            raise Denied(f"{WHO}: cannot use this account: the user has none such", code="no_account", remedy=remedy)
        site = known[self._account]
        if not is_own_site(site, self._settings.authority):
            trace.append(call.evidence(self._pools.seen.reply, "foreign_site"))
            remedy = "Where it truly lives elsewhere, name its REST root in LASTDAY_DOCUSIGN_ENDPOINT."
            message = f"{WHO}: cannot {call.act}: its site is none of DocuSign's"
            raise Unintelligible(message, code="foreign_site", evidence=tuple(trace), remedy=remedy)
        self._client.host = f"{site}/restapi"
        self._located = True

    def _reply_of(self, exc: ApiException) -> Reply:
        """Return the answer behind an exception; without one (TLS refused) a status that means "nobody answered"."""
        reply: Reply | None = self._pools.seen.reply
        return reply if reply is not None and exc.status else Reply(503, {}, b"")


def is_own_site(site: str | None, authority: str) -> bool:
    """Whether *site* is https and DocuSign's; where *authority* is on this machine (an emulated account), whether it is too."""
    try:
        parts = urlsplit(checked_endpoint(site or ""))
    except ValueError:
        return False
    emulated, named = on_this_machine(authority), (parts.hostname or "").endswith(_SITES)
    return parts.scheme == "https" and (on_this_machine(parts.geturl()) if emulated else named)


def _code(reply: Reply) -> str:
    """The vendor's own word: `errorCode` of the API, `error` of the authority, else the status.  A redirect has no word."""
    body = (reply.json() if reply.status >= 400 else None) or {}
    word = body.get("errorCode") or body.get("error")
    return word if isinstance(word, str) and word.isidentifier() else str(reply.status)


def _failure(call: Call, reply: Reply, trace: Trace) -> ConnectorError:
    code = _code(reply)
    trace.append(call.evidence(reply, code))
    if code in _LIMITS or reply.status == 429:
        message = f"{WHO}: cannot {call.act}: {code}"
        return Throttled(message, retry_after=_reset(reply), code=code, evidence=tuple(trace))
    return call.refused(reply, code, trace)


def _reset(reply: Reply) -> timedelta | None:
    """Return how long the vendor asks to wait: Retry-After, else until X-RateLimit-Reset (seconds since 1970)."""
    text = reply.headers.get("x-ratelimit-reset", "")
    if (asked := reply.retry_after()) is not None or not text.isdecimal():
        return asked
    return max(timedelta(0), datetime.fromtimestamp(int(text), UTC) - datetime.now(UTC))


def _no_token(call: Call, reply: Reply, trace: Trace) -> ConnectorError:
    code = _code(reply)
    if reply.status < 400 or reply.status >= 500 or reply.status == 429:
        return _failure(call, reply, trace)
    trace.append(call.evidence(reply, code))
    remedy = None
    if code == "consent_required":
        remedy = "Let an administrator of DocuSign grant the integration signature and impersonation once."
    return Denied(f"{WHO}: cannot get a token: {code}", code=code, evidence=tuple(trace), remedy=remedy)
