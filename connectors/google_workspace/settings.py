"""The connector's settings."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from pydantic import Field, PositiveInt, field_validator
from pydantic_settings import SettingsConfigDict

from connectors.google_workspace.numbers import NumberField
from connectors.settings import ConnectorSettings, EndpointWithSlash, checked_endpoint


class Settings(ConnectorSettings):
    """
    Read from `LASTDAY_GOOGLE_WORKSPACE_…`.

    *endpoint*: root of the admin APIs, batches included; the token URL is in the key file.  *credentials_file*: a service
    account's key (JSON) with domain-wide delegation, for reading; *write_credentials_file*: for revoking, by default the same.
    *admin_subject*: the address of the administrator on whose behalf they act.  *number_field*: where employee numbers are,
    see `NumberField`.  *limits*: calls a minute by the names of `limits.LIMITS` ("*": all), where Google gave this project
    other limits.
    """

    model_config = SettingsConfigDict(env_prefix="LASTDAY_GOOGLE_WORKSPACE_")

    endpoint: EndpointWithSlash = "https://admin.googleapis.com/"
    credentials_file: Path
    write_credentials_file: Path | None = None
    admin_subject: str
    customer: str = "my_customer"
    number_field: str = "externalIds.organization"
    limits: dict[str, PositiveInt] = Field(default_factory=dict)

    @field_validator("number_field")
    @classmethod
    def _is_a_place(cls, value: str) -> str:
        return NumberField(value).place

    @field_validator("credentials_file", "write_credentials_file")
    @classmethod
    def _exchanges_in_secret(cls, path: Path | None) -> Path | None:
        """Check the key file's token URL.  A file that cannot be read is refused later, when it is opened."""
        key: object = None
        with contextlib.suppress(OSError, ValueError):
            key = json.loads(path.read_bytes()) if path is not None else None
        if isinstance(key, dict) and "token_uri" in key:
            checked_endpoint(str(key["token_uri"]), name="its token_uri")
        return path
