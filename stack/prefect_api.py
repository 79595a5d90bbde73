"""The address and the key of Prefect's API.  Does not import Prefect, which takes more than a second."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import httpx
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from audit.secret_files import UnsafeFile, read_own, write_once

_LONGEST_KEY = 4096


class PrefectSettings(BaseSettings):
    """
    The address and the key of Prefect's API, from the environment and `.env`.

    *api_auth_string* (NAME:SECRET) takes precedence over *key_file*, which `lastday up` makes.
    """

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    api_url: str | None = Field(default=None, validation_alias="PREFECT_API_URL")
    api_auth_string: SecretStr | None = Field(default=None, validation_alias="PREFECT_API_AUTH_STRING")
    key_file: Path = Field(default=Path("var/prefect/api.key"), validation_alias="LASTDAY_PREFECT_KEY_FILE")

    def key(self) -> SecretStr | None:
        """Return NAME:SECRET; None if there is none, or others can read its file (`lastday doctor` says which)."""
        if self.api_auth_string is not None:
            return self.api_auth_string
        try:
            return SecretStr(_read_key(self.key_file))
        except UnsafeFile:
            return None


def open_api(url: str, key: str | None = None, *, patience: float = 10) -> httpx.Client:
    """Return a client for the API at *url*, with *key* (NAME:SECRET) or without one.  *patience*: seconds for each request."""
    name, _, secret = (key or "").partition(":")
    auth = (name, secret) if key is not None else None
    return httpx.Client(base_url=url.rstrip("/"), auth=auth, timeout=patience, trust_env=False)


def api_key(path: Path) -> str:
    """Return the key in *path*, a file that only its owner can read, made on first use.  Raises `UnsafeFile` if others can read it."""
    with contextlib.suppress(FileExistsError):  # another process may be faster
        if not os.path.lexists(path):
            write_once(path, f"lastday:{secrets.token_urlsafe(32)}\n".encode())
    return _read_key(path)


def _read_key(path: Path) -> str:
    return read_own(path, _LONGEST_KEY).decode().strip()
