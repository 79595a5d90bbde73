"""Settings that every connector shares.  Each service's own stand in its package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConnectorSettings(BaseSettings):
    """
    The base: read from the environment and from `.env`; a missing or empty required one stops the start.

    *ca_bundle* (`LASTDAY_CA_BUNDLE`): certificates in PEM to trust besides the system's, for every HTTP stack in use.
    """

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    ca_bundle: Path | None = Field(default=None, validation_alias="LASTDAY_CA_BUNDLE")

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
