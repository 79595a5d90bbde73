"""
Microsoft's SDK, wired so that it does what we say and nothing else.

Written down in the reference, and each with a test: the SDK sends its token to any host unless told which; its retry
handler sends writes again; it follows redirects; its sign-in takes a token out of one; it leaves its sockets open; its
client dies with its event loop.
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
from azure.core.credentials_async import AsyncTokenCredential
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

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes down addresses: they stand in our filters

_CONNECT, _READ = 5.0, 30.0
_TIMEOUT = httpx.Timeout(_READ, connect=_CONNECT)


class _Http(httpx.AsyncClient):
    """A client that closes what the SDK wraps: its transport has no `aclose`, so the sockets would stay open."""

    async def aclose(self) -> None:
        await super().aclose()
        for transport in (self._transport, *self._mounts.values()):
            if isinstance(transport, AsyncGraphTransport):
                await transport.transport.aclose()


@dataclass(frozen=True, slots=True)
class Client:
    """One application's SDK client and what it stands on.  Belongs to the event loop that it was made on."""

    sdk: GraphServiceClient
    adapter: GraphRequestAdapter
    http: httpx.AsyncClient
    credential: ClientSecretCredential | CertificateCredential
    scope: str
    signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)
    administrators: asyncio.Lock = field(default_factory=asyncio.Lock)
    searches: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def sign_in(self) -> None:
        """Have a token in the credential's cache: ten first requests at once would otherwise fetch ten."""
        async with self.signing_in:
            await self.credential.get_token(self.scope, enable_cae=True)

    async def aclose(self) -> None:
        """Close both HTTP stacks."""
        await self.http.aclose()
        await self.credential.close()


def client_for(settings: Settings, application: ApplicationCredential) -> Client:
    """Build a `Client` for the running loop.  Nothing is sent."""
    certificates = trust(settings.ca_bundle)
    credential = _credential(settings, application, certificates)
    http = GraphClientFactory.create_with_default_middleware(
        client=_Http(
            verify=certificates,
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            http2=False,
            trust_env=settings.graph_endpoint.startswith("https:"),  # plain http must not leave this machine by a proxy
        ),
        options=graph_options
        | {
            RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
            RedirectHandlerOption.get_key(): RedirectHandlerOption(max_redirect=0, should_redirect=False),
        },
    )
    adapter = GraphRequestAdapter(_bearer(settings, credential), client=http)
    adapter.base_url = settings.graph_endpoint
    return Client(GraphServiceClient(request_adapter=adapter), adapter, http, credential, settings.scope)


def _bearer(settings: Settings, credential: AsyncTokenCredential) -> BaseBearerTokenAuthenticationProvider:
    """The token goes to the configured Graph host and to no other."""
    host = urlsplit(settings.graph_endpoint).hostname or "graph.microsoft.com"
    tokens = AzureIdentityAccessTokenProvider(credential, None, scopes=[settings.scope], allowed_hosts=[host])
    return BaseBearerTokenAuthenticationProvider(tokens)


def _refuse_redirect(answer: Any) -> None:
    """
    Raise `HttpResponseError` for a redirect in the place of a token.

    None is followed: the credential's pipeline has no policy for that.  But a token that stands in one would be believed.
    """
    if 300 <= answer.http_response.status_code < 400:
        raise HttpResponseError("a redirect", response=answer.http_response)


def _credential(
    settings: Settings, application: ApplicationCredential, trust: ssl.SSLContext
) -> ClientSecretCredential | CertificateCredential:
    # A session of our own, because the transport takes a file of certificates only *instead of* the system's.
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=True,
        auto_decompress=False,
    )
    # The times belong to the transport: as options of the credential they would be ignored, and the default is 300 s.
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
