"""Slack's endpoints and our tokens."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Literal

from pydantic import Field, PositiveInt, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from connectors.settings import ConnectorSettings, EndpointWithSlash

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # what a header can carry: RFC 6750


class TokenPurpose(StrEnum):
    """What a token is used for.  Each may have its own token with the least scopes; one token may serve all."""

    ADMIN = "token"
    BOT = "bot_token"
    SCIM = "scim_token"
    AUDIT = "audit_token"


class Settings(ConnectorSettings):
    """
    `LASTDAY_SLACK_…`: endpoints end in a slash (one is added), tokens are trimmed.

    *token* is the administrator's user token (on Enterprise, of an app installed on the organisation); the other three
    default to it.  A token that no header can carry is refused here: later the SDK would put it into an exception.
    *number_field*: SCIM's employee number, or `none` if SCIM has none, or not HR's.  *limits*: calls a minute by the names of
    `limits.LIMITS` ("*": all), where Slack gave this tenant other limits.
    """

    model_config = SettingsConfigDict(env_prefix="LASTDAY_SLACK_")

    web_endpoint: EndpointWithSlash = "https://slack.com/api/"
    scim_endpoint: EndpointWithSlash = "https://api.slack.com/scim/"
    audit_endpoint: EndpointWithSlash = "https://api.slack.com/audit/v1/"
    token: SecretStr
    bot_token: SecretStr | None = None
    scim_token: SecretStr | None = None
    audit_token: SecretStr | None = None
    number_field: Literal["employeeNumber", "none"] = "employeeNumber"
    limits: dict[str, PositiveInt] = Field(default_factory=dict)

    @field_validator("token", "bot_token", "scim_token", "audit_token")
    @classmethod
    def _is_a_token(cls, secret: SecretStr | None, field: ValidationInfo) -> SecretStr | None:
        text = "" if secret is None else secret.get_secret_value().strip()
        if not text and field.field_name == "token":
            raise ValueError("the administrator's token is empty")
        if text and _TOKEN.fullmatch(text) is None:
            raise ValueError("a token has letters, digits and - . _ ~ + / = only, and nothing in between")
        return SecretStr(text) if text else None

    def secret(self, purpose: TokenPurpose) -> str:
        """Return the token for *purpose*: its own, else the administrator's."""
        own: SecretStr | None = getattr(self, purpose)
        return (own or self.token).get_secret_value()
