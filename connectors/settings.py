"""Settings that every connector shares.  Each service's own are in its package."""

from __future__ import annotations

import contextlib
import re
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from connectors.errors import NotConfigured
from models.vocabulary import ConnectionId

_ADDRESS = re.compile(r"https?://[\w.:\[\]-]+(/[\w.~!$&'()*+,;=:@%/-]*)?", re.ASCII)


def checked_endpoint(url: str, *, name: str = "an address") -> str:
    """
    Return *url* if a secret may be sent there: over https, or over http to this machine (an emulated tenant).

    Raises `ValueError`, also for characters that two parsers may read differently.  The error shows *name*, not *url*,
    which may hold a password.
    """
    with contextlib.suppress(ValueError):  # from urlsplit: malformed brackets or port
        parts = urlsplit(url)
        sound = _ADDRESS.fullmatch(url) is not None and parts.hostname is not None and parts.port != 0
        if sound and (parts.scheme == "https" or on_this_machine(url)):
            return url
    raise ValueError(f"{name} is https:// and a host (http:// on this machine only), without user, query or fragment")


def on_this_machine(url: str) -> bool:
    """Whether the host of *url* is this machine, by its name (`localhost`) or its number; no name is looked up."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


Endpoint: TypeAlias = Annotated[str, AfterValidator(checked_endpoint)]
"""Where requests go that carry a secret."""
EndpointWithSlash: TypeAlias = Annotated[Endpoint, AfterValidator(lambda url: url.rstrip("/") + "/")]
"""An endpoint with a slash at its end, since the SDKs join paths to it."""


def trust(bundle: Path | None) -> ssl.SSLContext:
    """
    Return a context that trusts the system's certificates and those of *bundle* (`LASTDAY_CA_BUNDLE`).

    Each HTTP stack has its own, since some stacks change theirs.  Raises `OSError` (`ssl.SSLError` is one) for a file without
    certificates.
    """
    context = ssl.create_default_context()
    if bundle is not None:
        context.load_verify_locations(cafile=bundle)
    return context


def prefix_of(connection: ConnectionId) -> str:
    """Return what the names of *connection*'s settings begin with: `LASTDAY_SLACK_`, `LASTDAY_SLACK_ACQUIRED_`."""
    return f"LASTDAY_{connection.replace('.', '_').upper()}_"


def not_configured(name: str, prefix: str, refused: ValidationError | SettingsError) -> NotConfigured:
    """Return the error for settings that pydantic *refused*, without values, which may be secrets; raise it `from None`."""
    if isinstance(refused, SettingsError):  # a value that is not JSON: pydantic names the field in its text alone
        field = re.search(r'field "(\w+)"', str(refused))
        variable = _variable(prefix, (field[1] if field is not None else "…",))
        return NotConfigured(f"{name}: cannot be opened: {variable}: it is not JSON")
    faults = refused.errors(include_input=False, include_url=False, include_context=False)
    named = "; ".join(f"{_variable(prefix, e['loc'])}: {e['msg']}" for e in faults)
    return NotConfigured(f"{name}: cannot be opened: {named}")


def _variable(prefix: str, loc: tuple[int | str, ...]) -> str:
    name = "_".join(map(str, loc)).upper()
    return name if name.startswith("LASTDAY_") else f"{prefix}{name}"


class ConnectorSettings(BaseSettings):
    """
    The base class: reads the environment and `.env`.  A required setting that is missing or empty stops the start.  No error
    shows a value.

    *ca_bundle* (`LASTDAY_CA_BUNDLE`): certificates in PEM to trust besides the system's, for every HTTP stack in use.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    ca_bundle: Path | None = Field(default=None, validation_alias="LASTDAY_CA_BUNDLE")
