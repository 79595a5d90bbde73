"""
Microsoft's SDK, set up against its traps; each has a test.

The SDK sends its token to any host unless `allowed_hosts` limits it; its retry handler sends writes again; it follows
redirects; its sign-in takes a token out of a redirect; it leaves sockets open; its client dies with its event loop.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import CertificateCredential, ClientSecretCredential
from kiota_abstractions.authentication import BaseBearerTokenAuthenticationProvider
from kiota_authentication_azure.azure_identity_access_token_provider import AzureIdentityAccessTokenProvider
from kiota_http.middleware.options import RedirectHandlerOption, RetryHandlerOption
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_request_adapter import options as graph_options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]  # ships no type information
from msgraph_core.middleware import AsyncGraphTransport  # type: ignore[import-untyped]  # ships no type information

from connectors.microsoft365.limits import CONNECTIONS
from connectors.microsoft365.settings import MICROSOFT_AUTHORITIES, ApplicationCredential, Settings
from connectors.settings import trust

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs URLs, and our filters have addresses

_CONNECT, _READ = 5.0, 30.0  # seconds; our choice


class _Http(httpx.AsyncClient):
    """A client that also closes the transports that the SDK wraps: without it, their sockets stay open."""

    async def aclose(self) -> None:
        await super().aclose()
        for transport in (self._transport, *self._mounts.values()):
            if isinstance(transport, AsyncGraphTransport):
                await transport.transport.aclose()


@dataclass(frozen=True, slots=True)
class Client:
    """
    One application's SDK client with its HTTP client and credential.  Belongs to the event loop that it was made on.

    Locks: *administrators* for blocking their accounts, *searches* for submitting those of the audit log.
    """

    sdk: GraphServiceClient
    adapter: GraphRequestAdapter
    http: httpx.AsyncClient
    credential: ClientSecretCredential | CertificateCredential
    scope: str
    signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)
    administrators: asyncio.Lock = field(default_factory=asyncio.Lock)
    searches: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def sign_in(self) -> None:
        """Fill the credential's cache with a token: ten first requests at once would fetch ten tokens."""
        async with self.signing_in:
            await self.credential.get_token(self.scope, enable_cae=True)

    async def aclose(self) -> None:
        await self.http.aclose()
        await self.credential.close()


def client_for(settings: Settings, application: ApplicationCredential) -> Client:
    """Build a `Client` for the running loop.  Nothing is sent."""
    certificates = trust(settings.ca_bundle)
    credential = _credential(settings, application, certificates)
    http = GraphClientFactory.create_with_default_middleware(
        client=_Http(
            verify=certificates,
            timeout=httpx.Timeout(_READ, connect=_CONNECT),
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            http2=False,
            trust_env=settings.graph_endpoint.startswith("https:"),  # plain http is for this machine: no proxy
        ),
        options=graph_options
        | {
            RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
            RedirectHandlerOption.get_key(): RedirectHandlerOption(max_redirect=0, should_redirect=False),
        },
    )
    # the token is for the configured Graph host only
    host = urlsplit(settings.graph_endpoint).hostname or "graph.microsoft.com"
    tokens = AzureIdentityAccessTokenProvider(credential, None, scopes=[settings.scope], allowed_hosts=[host])
    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(tokens), client=http)
    adapter.base_url = settings.graph_endpoint
    return Client(GraphServiceClient(request_adapter=adapter), adapter, http, credential, settings.scope)


def _refuse_redirect(answer: Any) -> None:
    """
    Raise `HttpResponseError` for a redirect in answer to a token request.

    The credential's pipeline does not follow it, but would accept a token in its body.
    """
    if 300 <= answer.http_response.status_code < 400:
        raise HttpResponseError("a redirect", response=answer.http_response)


def _credential(
    settings: Settings, application: ApplicationCredential, trust: ssl.SSLContext
) -> ClientSecretCredential | CertificateCredential:
    # our own session: the transport takes a file of certificates only instead of the system's
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=True,
        auto_decompress=False,
    )
    # timeouts are the transport's: the credential ignores them as options, and its default is 300 s
    transport = AioHttpTransport(session=session, session_owner=True, connection_timeout=_CONNECT, read_timeout=_READ)
    common = {
        "authority": settings.authority,
        "disable_instance_discovery": urlsplit(settings.authority).hostname not in MICROSOFT_AUTHORITIES,
        "retry_total": 0,
        "transport": transport,
        "raw_response_hook": _refuse_redirect,
    }
    tenant, client = settings.tenant_id, application.client_id
    if application.secret is not None:
        return ClientSecretCredential(tenant, client, application.secret.get_secret_value(), **common)
    try:
        return CertificateCredential(tenant, client, certificate_path=str(application.certificate_file), **common)
    except (OSError, ValueError):
        session.detach()  # nobody else would close it
        raise
