"""The settings of the folder of signed papers."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from connectors.settings import ConnectorSettings


class Settings(ConnectorSettings):
    """`LASTDAY_NDA_FOLDER`: holds `manifest.csv` or `manifest.jsonl` and the papers; may be a mounted bucket."""

    model_config = SettingsConfigDict(env_prefix="LASTDAY_NDA_", hide_input_in_errors=True)

    folder: Path = Field(default=Path("var/nda"))
