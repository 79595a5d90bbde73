"""
Every exchange with Graph goes through here: evidence is kept, failures become the house's errors, pages are read whole.

Requests are built afresh for each attempt, since the SDK leaves the token of the first one on a request that is sent
again.  Answers are read raw: the SDK's models take 5 ms of the event loop per user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias, TypeVar
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

from connectors.errors import Denied, Unintelligible
from connectors.kit.pacing import Pace
from connectors.microsoft365.answers import NOTHING_GONE, Row
from connectors.microsoft365.exchange import Asked, Came, Seen, judge, row_of
from connectors.microsoft365.settings import ApplicationCredential, Settings
from connectors.microsoft365.wire import Wire, connect_wire

Build: TypeAlias = "Callable[[GraphServiceClient], Any]"
"""Makes one of the SDK's requests; its generated builders are not typed for us (see pyproject)."""

T = TypeVar("T")
MOST_PAGES = 10_000
_RAW = ResponseHandlerOption(NativeResponseHandler())


class Reads(Protocol):
    """What reads from Graph: `Graph` one request after the other, `Batching` those of one listing together."""

    async def read(
        self,
        build: Build,
        seen: Seen,
        *,
        needs: tuple[str, ...] = (),
        gone: frozenset[tuple[int, str]] = NOTHING_GONE,
    ) -> Row:
        """See `Graph.read`."""
        ...

    async def pages(self, build: Build, seen: Seen, *, needs: tuple[str, ...] = ()) -> list[Row]:
        """See `Graph.pages`."""
        ...


class Graph:
    """One application's way to Graph.  *seen* collects the evidence of every attempt, failed ones included."""

    def __init__(self, settings: Settings, application: ApplicationCredential, pace: Pace) -> None:
        self.client_id = application.client_id
        self.endpoint = settings.graph_endpoint
        self._settings = settings
        self._application = application
        self.pace = pace
        self._wires: dict[asyncio.AbstractEventLoop, Wire] = {}

    async def read(
        self,
        build: Build,
        seen: Seen,
        *,
        needs: tuple[str, ...] = (),
        gone: frozenset[tuple[int, str]] = NOTHING_GONE,
    ) -> Row:
        """Return the answer's JSON object; tries again within the pace.  *needs* are the permissions to name in a refusal."""
        return await self.pace.read(lambda: self.ask(build, seen, needs=needs, gone=gone))

    async def ask(self, build: Build, seen: Seen, *, needs: tuple[str, ...], gone: frozenset[tuple[int, str]]) -> Row:
        """Send a read once: one try of `read`."""
        return row_of(await self._exchange(build, seen, needs=needs, gone=gone, writes=False), seen)

    async def pages(self, build: Build, seen: Seen, *, needs: tuple[str, ...] = ()) -> list[Row]:
        """
        Return the rows of all pages.  An empty page with a next link is not the end.

        Raises `Unintelligible` when a link leads to another host, comes twice, or never ends.
        """
        return await self.rest(await self.read(build, seen, needs=needs), seen, needs=needs)

    async def rest(self, page: Row, seen: Seen, *, needs: tuple[str, ...]) -> list[Row]:
        """Return the rows of a first *page* and of those that follow it, each asked for by itself; see `pages`."""
        rows = [*rows_of(page, seen)]
        links: set[str] = set()
        while (link := page.get("@odata.nextLink")) is not None:
            page = await self.read(_follow(self._checked(link, links, seen)), seen, needs=needs)
            rows += rows_of(page, seen)
        return rows

    async def write(
        self, build: Build, seen: Seen, *, needs: tuple[str, ...], gone: frozenset[tuple[int, str]] = NOTHING_GONE
    ) -> Row | None:
        """Send a write once; again only when it surely did nothing.  Raises `OutcomeUnknown` when that is not known."""
        return await self.pace.write(lambda: self._exchange(build, seen, needs=needs, gone=gone, writes=True))

    async def submit(self, build: Build, seen: Seen, *, needs: tuple[str, ...]) -> Row | None:
        """Send a write once and never again, not even when throttled: where each attempt may count against a day's quota."""
        return await self._exchange(build, seen, needs=needs, gone=NOTHING_GONE, writes=True)

    def follow(self, link: object, seen: Seen) -> Build:
        """Return the request for a next link; raises `Unintelligible` when it leads to another host."""
        return _follow(self._here(link, seen))

    def prepared(self, build: Build) -> RequestInformation:
        """Return the request that *build* makes, with its address expanded: the SDK expands anew, for long, at each look."""
        wire = self._wire()
        request: RequestInformation = build(wire.client)
        wire.adapter.set_base_url_for_request_information(request)
        request.url = request.url
        return request

    def described(self, request: RequestInformation, needs: tuple[str, ...], gone: frozenset[tuple[int, str]]) -> Asked:
        """Return what stands for *request* in evidence and errors, with a new id."""
        method = request.http_method.value if request.http_method is not None else "?"
        address = urlsplit(request.url)
        path = address.path.removeprefix(urlsplit(self.endpoint).path)
        return Asked(f"{method} {path}", str(uuid4()), address.query, request.content, needs=needs, gone=gone)

    async def carry(self, request: RequestInformation, number: str) -> Came:
        """Send *request* once, under *number*, and return what came back, a failure of the way there included."""
        wire = self._wire()
        request.add_request_options([_RAW])
        request.headers.try_add("client-request-id", number)
        sent_at = datetime.now(UTC)
        try:
            await wire.sign_in()
            async with wire.turns:
                # what was waited for before is no part of the exchange: stamps are held to it
                sent_at = datetime.now(UTC)
                response = await self._send(wire, request)
        except AzureError as exc:
            status = exc.status_code if isinstance(exc, HttpResponseError) else None
            instead = f"POST /{self._settings.tenant_id}/oauth2/v2.0/token"
            return Came(sent_at, datetime.now(UTC), status, failure=exc, instead=instead)
        except (httpx.HTTPError, ValueError) as exc:
            return Came(sent_at, datetime.now(UTC), failure=exc)
        return Came(sent_at, datetime.now(UTC), response.status_code, response.headers, response.content)

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
        request = self.prepared(build)
        asked = replace(self.described(request, needs, gone), writes=writes)
        return judge(asked, await self.carry(request, asked.id), seen)

    async def _send(self, wire: Wire, request: RequestInformation) -> httpx.Response:
        """With a native response handler the adapter neither raises for a status nor builds models."""
        response: Any = await wire.adapter.send_primitive_async(request, "bytes", None)
        if not isinstance(response, httpx.Response):
            raise TypeError("the SDK returned no native response")
        return response


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


_PAPERS = (
    "Check the files that LASTDAY_MICROSOFT365_CERTIFICATE_FILE (certificate and RSA key) and LASTDAY_CA_BUNDLE name."
)
