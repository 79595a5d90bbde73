"""
Every exchange with Graph goes through here: evidence is kept, failures become the house's errors, pages are read whole.

Requests are built afresh for each attempt, since the SDK leaves the token of the first one on a request that is sent
again.  Answers are read raw: the SDK's models take 5 ms of the event loop per user.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from azure.core.exceptions import AzureError, HttpResponseError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_http.middleware.options import ResponseHandlerOption
from msgraph.graph_service_client import GraphServiceClient

from connectors.errors import ConnectorError, Denied, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from connectors.microsoft365.answers import Answer, Row, http_date, result, retry_after
from connectors.microsoft365.settings import ApplicationCredential, Settings
from connectors.microsoft365.wire import Wire, connect_wire
from connectors.pacing import Pace
from models.vocabulary import Evidence

Build: TypeAlias = "Callable[[GraphServiceClient], Any]"
"""Makes one of the SDK's requests; its generated builders are not typed for us (see pyproject)."""

Seen: TypeAlias = "list[Evidence]"

T = TypeVar("T")
MOST_PAGES = 10_000
_NOTHING_GONE: frozenset[tuple[int, str]] = frozenset()
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_RAW = ResponseHandlerOption(NativeResponseHandler())


class Graph:
    """One application's way to Graph.  *seen* collects the evidence of every attempt, failed ones included."""

    def __init__(self, settings: Settings, application: ApplicationCredential, pace: Pace) -> None:
        self.client_id = application.client_id
        self.endpoint = settings.graph_endpoint
        self._settings = settings
        self._application = application
        self._pace = pace
        self._wires: dict[asyncio.AbstractEventLoop, Wire] = {}

    async def read(
        self,
        build: Build,
        seen: Seen,
        *,
        needs: tuple[str, ...] = (),
        gone: frozenset[tuple[int, str]] = _NOTHING_GONE,
    ) -> Row:
        """Return the answer's JSON object; tries again within the pace.  *needs* are the permissions to name in a refusal."""

        async def attempt() -> Row:
            body = await self._exchange(build, seen, needs=needs, gone=gone, writes=False)
            if body is None:
                raise Unintelligible("microsoft365: cannot read: the answer is empty", evidence=tuple(seen))
            return body

        return await self._pace.read(attempt)

    async def pages(self, build: Build, seen: Seen, *, needs: tuple[str, ...] = ()) -> list[Row]:
        """
        Return the rows of all pages.  An empty page with a next link is not the end.

        Raises `Unintelligible` when a link leads to another host, comes twice, or never ends.
        """
        rows: list[Row] = []
        links: set[str] = set()
        while True:
            body = await self.read(build, seen, needs=needs)
            rows += rows_of(body, seen)
            link = body.get("@odata.nextLink")
            if link is None:
                return rows
            build = _follow(self._checked(link, links, seen))

    async def write(
        self, build: Build, seen: Seen, *, needs: tuple[str, ...], gone: frozenset[tuple[int, str]] = _NOTHING_GONE
    ) -> Row | None:
        """Send a write once; again only when it surely did nothing.  Raises `OutcomeUnknown` when that is not known."""
        return await self._pace.write(lambda: self._exchange(build, seen, needs=needs, gone=gone, writes=True))

    async def submit(self, build: Build, seen: Seen, *, needs: tuple[str, ...]) -> Row | None:
        """Send a write once and never again, not even when throttled: where each attempt may count against a day's quota."""
        return await self._exchange(build, seen, needs=needs, gone=_NOTHING_GONE, writes=True)

    def follow(self, link: object, seen: Seen) -> Build:
        """Return the request for a next link; raises `Unintelligible` when it leads to another host."""
        return _follow(self._here(link, seen))

    def one_search(self) -> asyncio.Lock:
        """Return what lets one search of the audit log be submitted at a time, on the running loop."""
        return self._wire().searches

    def one_administrator(self) -> asyncio.Lock:
        """Return what lets one administrator's account be blocked at a time, on the running loop."""
        return self._wire().administrators

    async def aclose(self) -> None:
        """Close the connections of the running loop; those of a loop that has ended went with it."""
        wire = self._wires.pop(asyncio.get_running_loop(), None)
        if wire is not None:
            await wire.aclose()

    def _wire(self) -> Wire:
        loop = asyncio.get_running_loop()
        if loop not in self._wires:
            self._wires = {other: wire for other, wire in self._wires.items() if not other.is_closed()}
            try:
                self._wires[loop] = connect_wire(self._settings, self._application)
            except (OSError, ValueError) as exc:  # a file that is missing, or holds something else
                raise Denied(f"microsoft365: cannot open certificates: {type(exc).__name__}", remedy=_PAPERS) from exc
        return self._wires[loop]

    def _checked(self, link: object, links: set[str], seen: Seen) -> str:
        address = self._here(link, seen)
        if address in links or len(links) >= MOST_PAGES:
            raise Unintelligible("microsoft365: cannot page: the next link repeats", evidence=tuple(seen))
        links.add(address)
        return address

    def _here(self, link: object, seen: Seen) -> str:
        address = _address(self.endpoint, link)
        if address is None:
            raise Unintelligible("microsoft365: cannot page: the next link leads elsewhere", evidence=tuple(seen))
        return address

    async def _exchange(
        self, build: Build, seen: Seen, *, needs: tuple[str, ...], gone: frozenset[tuple[int, str]], writes: bool
    ) -> Row | None:
        wire = self._wire()
        request: RequestInformation = build(wire.client)
        request.add_request_options([_RAW])
        request_id = str(uuid4())
        request.headers.try_add("client-request-id", request_id)
        wire.adapter.set_base_url_for_request_information(request)
        request.url = request.url  # expanded once: the SDK expands its template anew, for milliseconds, at each look
        sent_at = datetime.now(UTC)
        try:
            await wire.sign_in()
            async with wire.turns:
                sent_at = datetime.now(
                    UTC
                )  # what was waited for before is no part of the exchange: stamps are held to it
                response = await self._send(wire, request)
        except AzureError as exc:
            seen.append(self._token_evidence(exc, sent_at))
            raise _no_token(exc, seen) from exc
        except httpx.HTTPError as exc:
            seen.append(self._evidence(request, request_id, sent_at, None, None))
            raise _no_answer(exc, self._doing(request), seen, writes=writes) from exc
        except ValueError as exc:  # the SDK, decoding the claims of a 401: nothing was done
            seen.append(self._evidence(request, request_id, sent_at, None, None))
            text = f"microsoft365: cannot {self._doing(request)}: a challenge for another token that is not readable"
            raise Denied(text, evidence=tuple(seen)) from exc
        answer = Answer(
            self._doing(request), response.status_code, response.headers, response.content, writes, gone, needs
        )
        seen.append(self._evidence(request, request_id, sent_at, response, answer.code))
        return result(answer, tuple(seen))

    async def _send(self, wire: Wire, request: RequestInformation) -> httpx.Response:
        """With a native response handler the adapter neither raises for a status nor builds models."""
        response: Any = await wire.adapter.send_primitive_async(request, "bytes", None)
        if not isinstance(response, httpx.Response):
            raise TypeError("the SDK returned no native response")
        return response

    def _doing(self, request: RequestInformation) -> str:
        method = request.http_method.value if request.http_method is not None else "?"
        path = urlsplit(request.url).path.removeprefix(urlsplit(self.endpoint).path)
        return f"{method} {path}"

    def _evidence(
        self,
        request: RequestInformation,
        request_id: str,
        sent_at: datetime,
        response: httpx.Response | None,
        code: str | None,
    ) -> Evidence:
        headers: Mapping[str, str] = response.headers if response is not None else {}
        return Evidence(
            what=f"{self._doing(request)} [client-request-id {request_id}]",
            sent_at=sent_at,
            received_at=datetime.now(UTC),
            status=response.status_code if response is not None else None,
            code=code,
            request_sha256=hashlib.sha256(request.content).hexdigest() if request.content else None,
            response_sha256=hashlib.sha256(response.content).hexdigest() if response is not None else None,
            vendor_at=http_date(headers.get("date", "")),
        )

    def _token_evidence(self, error: AzureError, sent_at: datetime) -> Evidence:
        status = error.status_code if isinstance(error, HttpResponseError) else None
        what = f"POST /{self._settings.tenant_id}/oauth2/v2.0/token"
        return Evidence(what, sent_at, datetime.now(UTC), status, code=_aadsts(error))


async def together(*work: Awaitable[T]) -> list[T]:
    """
    Run *work* at once, wait for all of it, and only then raise the first failure.

    Nothing is left running behind the caller's back, on connections that may be closed meanwhile.
    """
    done = await asyncio.gather(*work, return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in done if not isinstance(outcome, BaseException)]


def asking(query: object) -> RequestConfiguration[Any]:
    """Wrap a builder's query parameters."""
    return RequestConfiguration(query_parameters=query)


def rows_of(body: Row, seen: Seen) -> list[Row]:
    """Return a page's rows; raises `Unintelligible` when it has no list of them."""
    value = body.get("value")
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Unintelligible("microsoft365: cannot read a page: it has no list of rows", evidence=tuple(seen))
    return value


def _address(endpoint: str, link: object) -> str | None:
    """Return the absolute address of *link* on Graph's own host, by scheme, host and port; None for any other."""
    if not isinstance(link, str) or not link:
        return None
    ours = httpx.URL(f"{endpoint}/")
    try:
        theirs = httpx.URL(link)
        if theirs.is_relative_url:
            theirs = ours.join(theirs)
            link = str(theirs)
    except httpx.InvalidURL:
        return None
    return link if (theirs.scheme, theirs.host, theirs.port) == (ours.scheme, ours.host, ours.port) else None


def _follow(link: str) -> Build:
    def build(_: GraphServiceClient) -> RequestInformation:
        request = RequestInformation(Method.GET)
        request.url = link
        request.headers.try_add("Accept", "application/json")
        return request

    return build


def _no_answer(error: httpx.HTTPError, doing: str, seen: Seen, *, writes: bool) -> ConnectorError:
    text = f"microsoft365: cannot {doing}: {type(error).__name__}"
    if isinstance(error, _NEVER_SENT) or not writes:
        return Unreachable(text, evidence=tuple(seen), remedy=_certificate_remedy(error))
    return OutcomeUnknown(text, evidence=tuple(seen))


def _no_token(error: AzureError, seen: Seen) -> ConnectorError:
    """Nothing was sent to Graph, so nothing was done, whatever the request was."""
    code = _aadsts(error)
    status = error.status_code if isinstance(error, HttpResponseError) else None
    text = f"microsoft365: cannot sign in to Entra: {code or status or type(error).__name__}"
    if status == 429:
        response: Any = error.response if isinstance(error, HttpResponseError) else None
        asked = retry_after({name.lower(): value for name, value in response.headers.items()})
        return Throttled(text, retry_after=asked, code=code, evidence=tuple(seen))
    if status is not None and 300 <= status < 400:
        return Unintelligible(text, evidence=tuple(seen))
    refused = status is not None and 400 <= status < 500 and code not in _PASSING
    if refused:
        return Denied(text, code=code, evidence=tuple(seen), remedy=_SIGN_IN_REMEDY)
    return Unreachable(text, code=code, evidence=tuple(seen), remedy=_certificate_remedy(error))


_PAPERS = (
    "Check the files that LASTDAY_MICROSOFT365_CERTIFICATE_FILE (certificate and RSA key) and LASTDAY_CA_BUNDLE name."
)

_PASSING = frozenset({"AADSTS90033", "temporarily_unavailable", "server_error"})
"""Entra's words for "try again": no fault of ours, whatever the status."""

_SIGN_IN_REMEDY = "Check LASTDAY_MICROSOFT365_TENANT_ID, _CLIENT_ID and the secret or certificate (expired?) against the app registration."


def _aadsts(error: AzureError) -> str | None:
    """Return `AADSTS…` from the body of Entra's refusal, else OAuth's own word for it.  A redirect is no refusal."""
    response: Any = error.response if isinstance(error, HttpResponseError) else None
    if response is not None and 300 <= response.status_code < 400:
        return None
    try:
        body = json.loads(response.body()) if response is not None else None
    except (ValueError, AttributeError):
        return None
    if not isinstance(body, dict):
        return None
    numbers, word = body.get("error_codes"), body.get("error")
    if isinstance(numbers, list) and numbers:
        return f"AADSTS{numbers[0]}"
    told = re.match(r"AADSTS\d+", str(body.get("error_description")))
    return told[0] if told is not None else word if isinstance(word, str) else None


def _certificate_remedy(error: BaseException) -> str | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "The server's certificate is not trusted: set LASTDAY_CA_BUNDLE to its authority's PEM file."
        cause = cause.__cause__ or cause.__context__
    return None
