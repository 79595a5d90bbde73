"""The settings of the registers to search, and of the folder of signed papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from connectors.settings import ConnectorSettings, Endpoint

EndpointWithoutSlash: TypeAlias = Annotated[Endpoint, AfterValidator(lambda url: url.rstrip("/"))]
"""An endpoint without a slash at its end."""


class Settings(ConnectorSettings):
    """
    `LASTDAY_NDA_…`.

    *registers*: names, separated by commas; a register that cannot be opened stops the start.  *folder*: holds `manifest.csv` or
    `manifest.jsonl` and the papers; may be a mounted bucket.
    """

    model_config = SettingsConfigDict(env_prefix="LASTDAY_NDA_")

    registers: Annotated[tuple[str, ...], NoDecode] = Field(default=("folder",))
    folder: Path = Field(default=Path("var/nda"))

    @field_validator("registers", mode="before")
    @classmethod
    def _split(cls, names: object) -> object:
        return tuple(name.strip() for name in names.split(",") if name.strip()) if isinstance(names, str) else names
