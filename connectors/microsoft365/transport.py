"""
Requests to Graph: within the limits, recorded, judged, retried by `Pace`, and paged to the end.

A request is built anew for each try, since the SDK keeps the first try's token on it.  Answers are read raw: the SDK's models
take 5 ms of the event loop for each user.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from azure.core.exceptions import AzureError, HttpResponseError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_http.middleware.options import ResponseHandlerOption
from msgraph.generated.models.unified_role_eligibility_schedule_request import UnifiedRoleEligibilityScheduleRequest
from msgraph.generated.models.user import User
from msgraph.graph_service_client import GraphServiceClient

from connectors.errors import Denied, Unintelligible
from connectors.kit.exchange import Exchange, Reply, Row, Trace, lower
from connectors.kit.limits import Limits
from connectors.kit.pacing import Pace
from connectors.kit.paging import FollowedCursors
from connectors.microsoft365.answers import WHO, address_at, page_rows, row_of
from connectors.microsoft365.client import Client, client_for
from connectors.microsoft365.errors import NOTHING_GONE, Gone, Needs, Outcome, judge
from connectors.microsoft365.limits import limit_of
from connectors.microsoft365.settings import ApplicationCredential, Settings

Build: TypeAlias = "Callable[[GraphServiceClient], Any]"
"""Makes one of the SDK's requests; mypy does not read its generated builders (see pyproject)."""

_RAW = ResponseHandlerOption(NativeResponseHandler())
_FILES_REMEDY = (
    "Check the files that LASTDAY_MICROSOFT365_CERTIFICATE_FILE (certificate and RSA key) and LASTDAY_CA_BUNDLE name."
)


class Reads(Protocol):
    """Reads from Graph: `GraphTransport` sends each request alone, `BatchedReads` those of one listing together."""

    async def read(self, build: Build, trace: Trace, *, needs: Needs = (), gone: Gone = NOTHING_GONE) -> Row: ...

    async def pages(self, build: Build, trace: Trace, *, needs: Needs = ()) -> list[Row]: ...


class GraphTransport:
    """One application's requests to Graph.  *trace* collects the evidence of every try, failed ones included."""

    def __init__(self, settings: Settings, application: ApplicationCredential, pace: Pace, limits: Limits) -> None:
        self.client_id = application.client_id
        self.endpoint = settings.graph_endpoint
        self.pace = pace
        self.limits = limits
        self._settings = settings
        self._application = application
        self._clients: dict[asyncio.AbstractEventLoop, Client] = {}

    async def read(
        self, build: Build, trace: Trace, *, needs: Needs = (), gone: Gone = NOTHING_GONE, urgent: bool = False
    ) -> Row:
        """Return the answer's JSON object; retried by `Pace`.  *urgent*: a cut waits for it."""
        body = await self.pace.run(lambda: self.once(build, trace, needs=needs, gone=gone, urgent=urgent))
        return row_of(body, trace)

    async def pages(self, build: Build, trace: Trace, *, needs: Needs = ()) -> list[Row]:
        """
        Return the rows of all pages.  An empty page with a next link is not the end.

        Raises `Unintelligible` for a link to another host or one that comes twice, and for pages without end.
        """
        return await self.rest(await self.read(build, trace, needs=needs), trace, needs=needs)

    async def rest(self, page: Row, trace: Trace, *, needs: Needs, urgent: bool = False) -> list[Row]:
        """Return the rows of a first *page* and of all that follow, each read alone; see `pages`."""
        rows, marks = [*page_rows(page, trace)], FollowedCursors(WHO, "page")
        while (link := page.get("@odata.nextLink")) is not None:
            build = self.follow(link, trace)
            marks.follow(link, trace)
            page = await self.read(build, trace, needs=needs, urgent=urgent)
            rows += page_rows(page, trace)
        return rows

    async def write(self, build: Build, trace: Trace, *, needs: Needs, gone: Gone = NOTHING_GONE) -> Row | None:
        """Send a write, again only if it surely did nothing.  Raises `OutcomeUnknown` if it may have been carried out."""
        return await self.pace.run(lambda: self.once(build, trace, needs=needs, gone=gone, urgent=True))

    async def once(
        self, build: Build, trace: Trace, *, needs: Needs, gone: Gone = NOTHING_GONE, urgent: bool = False
    ) -> Row | None:
        """Send a request once, and not again when throttled: each try may count against a day's quota."""
        outcome = await self.send(self.prepared(build), str(uuid4()), urgent=urgent)
        return judge(outcome, trace, needs=needs, gone=gone)

    def follow(self, link: object, trace: Trace) -> Build:
        """Return the request for a next link; raises `Unintelligible` if it leads to another host."""
        address = address_at(self.endpoint, link)
        if address is None:
            raise Unintelligible(f"{WHO}: cannot page: the next link leads elsewhere", evidence=trace)

        def build(_: GraphServiceClient) -> RequestInformation:
            request = RequestInformation(Method.GET)
            request.url = address
            request.headers.try_add("Accept", "application/json")
            return request

        return build

    def prepared(self, build: Build) -> RequestInformation:
        """Return *build*'s request with its URL expanded once: the SDK would expand it, slowly, at each access."""
        client = self.client()
        request: RequestInformation = build(client.sdk)
        client.adapter.set_base_url_for_request_information(request)
        request.url = request.url
        return request

    def exchange(self, request: RequestInformation, number: str) -> Exchange:
        """Return *request* as an exchange; Microsoft's support finds it by *number*, its client-request-id."""
        method = request.http_method.value if request.http_method is not None else "?"
        address = urlsplit(request.url)
        line, write = f"{method} {address.path.removeprefix(urlsplit(self.endpoint).path)}", method != "GET"
        query = None if write else address.query
        return Exchange(WHO, line, f"{line} [client-request-id {number}]", query, request.content, write)

    async def send(self, request: RequestInformation, number: str, *, urgent: bool) -> Outcome:
        """Send *request* once, with client-request-id *number*, when the limits allow it.  Failures are outcomes, too."""
        client, exchange = self.client(), self.exchange(request, number)
        limit = limit_of(*exchange.doing.split(" ", 1))
        request.add_request_options([_RAW])  # so the adapter neither raises for a status nor builds models
        request.headers.try_add("client-request-id", number)
        try:
            await client.sign_in()
            async with self.limits.turn(limit, urgent=urgent):
                # the exchange begins after the wait: the vendor's times are compared with it
                exchange = replace(exchange, sent_at=datetime.now(UTC))
                response: Any = await client.adapter.send_primitive_async(request, "bytes", None)
        except AzureError as exc:
            return self._no_token(exc, exchange.sent_at)
        except (httpx.HTTPError, ValueError) as exc:
            return Outcome(exchange, datetime.now(UTC), failure=exc)
        reply = Reply(response.status_code, lower(response.headers), response.content)
        if reply.status == 429:
            self.limits.close(limit, reply.retry_after)
        return Outcome(exchange, datetime.now(UTC), reply)

    async def aclose(self) -> None:
        """Close the connections of the running loop; those of an ended loop are closed with it."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def client(self) -> Client:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients = {other: client for other, client in self._clients.items() if not other.is_closed()}
            try:
                self._clients[loop] = client_for(self._settings, self._application)
            except (OSError, ValueError) as exc:  # the file is missing, or is not a certificate
                raise Denied(f"{WHO}: cannot open certificates: {type(exc).__name__}", remedy=_FILES_REMEDY) from exc
        return self._clients[loop]

    def _no_token(self, error: AzureError, sent_at: datetime) -> Outcome:
        line = f"POST /{self._settings.tenant_id}/oauth2/v2.0/token"
        exchange = Exchange(WHO, "sign in to Entra", line, sent_at=sent_at)
        response: Any = error.response if isinstance(error, HttpResponseError) else None
        content = b""
        with contextlib.suppress(ValueError, AttributeError):  # without a body
            content = response.body()
        reply = None if response is None else Reply(response.status_code, lower(response.headers), content)
        return Outcome(exchange, datetime.now(UTC), reply, error)


def get(of: Callable[[GraphServiceClient], Any], **query: Any) -> Build:
    """Return the GET request of the SDK's builder that *of* returns, with *query* as the builder's parameters."""

    def build(client: GraphServiceClient) -> Any:
        builder = of(client)
        if not query:
            return builder.to_get_request_information()
        asked = getattr(type(builder), f"{type(builder).__name__}GetQueryParameters")(**query)
        return builder.to_get_request_information(RequestConfiguration(query_parameters=asked))

    return build


def enabling(user: str, *, enabled: bool) -> Build:
    """Return the request that lets *user* sign in, or not, by a new model: one that was read would send all its properties."""
    return lambda client: client.users.by_user_id(user).to_patch_request_information(User(account_enabled=enabled))


def requesting(body: UnifiedRoleEligibilityScheduleRequest) -> Build:
    """Return the request that gives or takes an eligible role."""

    def build(client: Any) -> Any:
        return client.role_management.directory.role_eligibility_schedule_requests.to_post_request_information(body)

    return build
