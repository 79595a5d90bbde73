"""The connector's settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import field_validator
from pydantic_settings import SettingsConfigDict

from connectors.google_workspace.numbers import NumberField
from connectors.settings import ConnectorSettings


class Settings(ConnectorSettings):
    """
    Read from `LASTDAY_GOOGLE_WORKSPACE_…`.

    *endpoint*: root of the admin APIs, batches included; the token URL stands in the key file.  *credentials_file*: a service
    account's key (JSON) with domain-wide delegation, for reading; *write_credentials_file* for revoking, by default the same.
    *admin_subject*: the address of the administrator on whose behalf they act.  *number_field*: where employee numbers stand, see
    `connectors.google_workspace.numbers.NumberField`.
    """

    model_config = SettingsConfigDict(env_prefix="LASTDAY_GOOGLE_WORKSPACE_")

    endpoint: str = "https://admin.googleapis.com/"
    credentials_file: Path
    write_credentials_file: Path | None = None
    admin_subject: str
    customer: str = "my_customer"
    number_field: str = "externalIds.organization"

    @field_validator("number_field")
    @classmethod
    def _is_a_place(cls, value: str) -> str:
        return NumberField(value).place

    @field_validator("endpoint")
    @classmethod
    def _is_a_root(cls, value: str) -> str:
        """The client joins paths to a root that ends with a slash."""
        return value.rstrip("/") + "/"
