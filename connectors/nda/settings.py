"""The setting of the registers to search."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from connectors.settings import ConnectorSettings


class Settings(ConnectorSettings):
    """`LASTDAY_NDA_REGISTERS`: names, separated by commas; a register that cannot be opened stops the start."""

    model_config = SettingsConfigDict(env_prefix="LASTDAY_NDA_", hide_input_in_errors=True)

    registers: Annotated[tuple[str, ...], NoDecode] = Field(default=("folder",))

    @field_validator("registers", mode="before")
    @classmethod
    def _split(cls, names: object) -> object:
        return tuple(name.strip() for name in names.split(",") if name.strip()) if isinstance(names, str) else names
