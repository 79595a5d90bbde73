"""Settings that every connector shares.  Each service's own stand in its package."""

from __future__ import annotations

import contextlib
import re
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from models.vocabulary import ConnectionId

_ADDRESS = re.compile(r"https?://[\w.:\[\]-]+(/[\w.~!$&'()*+,;=:@%/-]*)?", re.ASCII)


def checked_endpoint(url: str, *, name: str = "an address") -> str:
    """
    Return *url* if a secret may be sent there: over https, or in the clear to this machine (an emulated tenant).

    Characters that two readers of addresses may read in two ways are refused.  Raises `ValueError`, which does not show
    *url* (it may hold a password) but its *name*.
    """
    with contextlib.suppress(ValueError):  # of brackets and ports that are none
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


def trust(bundle: Path | None) -> ssl.SSLContext:
    """
    Return the system's certificates, and those of *bundle* (`LASTDAY_CA_BUNDLE`) besides.

    Each HTTP stack has one of its own: some change what they are given.  Raises `OSError`, `ssl.SSLError` included, for a file
    that holds none.
    """
    context = ssl.create_default_context()
    if bundle is not None:
        context.load_verify_locations(cafile=bundle)
    return context


def prefix_of(connection: ConnectionId) -> str:
    """Return what the names of *connection*'s settings begin with: `LASTDAY_SLACK_`, `LASTDAY_SLACK_ACQUIRED_`."""
    return f"LASTDAY_{connection.replace('.', '_').upper()}_"


def misread(error: SettingsError) -> str:
    """Return the name of the field whose value is not JSON: pydantic says it in words alone.  Its cause holds the value."""
    named = re.search(r'field "(\w+)"', str(error))
    return named[1] if named is not None else "…"


class ConnectorSettings(BaseSettings):
    """
    The base: read from the environment and from `.env`; a missing or empty required one stops the start.  No refusal shows
    a value.

    *ca_bundle* (`LASTDAY_CA_BUNDLE`): certificates in PEM to trust besides the system's, for every HTTP stack in use.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    ca_bundle: Path | None = Field(default=None, validation_alias="LASTDAY_CA_BUNDLE")

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
