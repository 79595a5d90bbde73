"""Where CloudSign (クラウドサイン) is, and the client id that opens it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from connectors.settings import ConnectorSettings, Endpoint


class Settings(ConnectorSettings):
    """
    `LASTDAY_CLOUDSIGN_…`.

    *client_id* is all that the vendor asks for, so it is a secret; it may what its user may, for there are no scopes: take that of a
    user of HR who administers nothing.  *whole_team*: read what every member sent (the user must be
    an administrator, and the team without departments) instead of the user's own documents.  *index_file* holds who is
    named in which document, since the vendor has no search by participant; *pages_per_look* bounds what one look reads.
    *limits*: calls a minute by name (`connectors/nda/cloudsign/limits.py`), where the vendor gave others.
    """

    model_config = SettingsConfigDict(env_prefix="LASTDAY_CLOUDSIGN_")

    endpoint: Endpoint = "https://api.cloudsign.jp"
    client_id: SecretStr
    whole_team: bool = False
    index_file: Path = Field(default=Path("var/cloudsign-index.db"))
    pages_per_look: int = Field(default=200, ge=1)
    limits: dict[str, int] = Field(default_factory=dict)

    @field_validator("endpoint")
    @classmethod
    def _is_a_root(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("client_id")
    @classmethod
    def _is_there(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value().strip()
        if not text:
            raise ValueError("the client id is empty")
        return SecretStr(text)
