"""CloudSign's (クラウドサイン) endpoint and our client id."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, PositiveInt, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from connectors.nda.settings import EndpointWithoutSlash
from connectors.settings import ConnectorSettings


class Settings(ConnectorSettings):
    """
    `LASTDAY_CLOUDSIGN_…`.

    *client_id* is the only credential, so it is a secret.  There are no scopes: it has all rights of its user, who should be
    one of HR's and administer nothing.  *whole_team*: read all members' documents instead of the user's (the user must be an
    administrator, and the team without departments).  *index_file* holds the signers of each document, since the vendor has
    no search by participant; *pages_per_look*: pages that one call reads at most.  *limits*: calls a minute by the names of
    `limits.LIMITS`, where the vendor gave others.
    """

    model_config = SettingsConfigDict(env_prefix="LASTDAY_CLOUDSIGN_", str_strip_whitespace=True)

    endpoint: EndpointWithoutSlash = "https://api.cloudsign.jp"
    client_id: SecretStr
    whole_team: bool = False
    index_file: Path = Field(default=Path("var/cloudsign-index.db"))
    pages_per_look: int = Field(default=200, ge=1)
    limits: dict[str, PositiveInt] = Field(default_factory=dict)

    @field_validator("client_id")
    @classmethod
    def _is_there(cls, secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value():
            raise ValueError("the client id is empty")
        return secret
