"""DocuSign's endpoints, and the key for the JWT grant, which needs no person at sign-in."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, PositiveInt, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from connectors.errors import NotConfigured
from connectors.nda.settings import EndpointWithoutSlash
from connectors.settings import ConnectorSettings

SCOPES = ("signature", "impersonation")
"""To send and read envelopes, and to do so in the name of *user_id* without that person."""


class Settings(ConnectorSettings):
    """
    `LASTDAY_DOCUSIGN_…`.

    *endpoint*: the account's REST root (`https://<site>.docusign.net/restapi`); without it, the vendor is asked for it.
    *authority*: the host of tokens; `https://account-d.docusign.com` in the developers' environment.  *user_id*: the user
    whose envelopes are read and who sends: one of HR's, not an administrator.  *key_file*: the integration's RSA key in PEM.
    *limits*: calls a minute by the names of `limits.LIMITS`, where the vendor gave others.
    """

    model_config = SettingsConfigDict(env_prefix="LASTDAY_DOCUSIGN_")

    endpoint: EndpointWithoutSlash | None = None
    authority: EndpointWithoutSlash = "https://account.docusign.com"
    account_id: UUID
    integration_key: SecretStr
    user_id: UUID
    key_file: Path
    limits: dict[str, PositiveInt] = Field(default_factory=dict)

    @field_validator("authority")
    @classmethod
    def _is_https(cls, url: str) -> str:
        if not url.startswith("https://") or url.count("/") != 2:
            raise ValueError("an authority is https:// and a host: the SDK speaks nothing else to it")
        return url

    @property
    def authority_host(self) -> str:
        """The host alone, for the SDK and the token's audience."""
        return self.authority.removeprefix("https://")

    def key(self) -> bytes:
        """Return the RSA key in PEM.  Raises `NotConfigured`."""
        remedy = "Name the integration's RSA key (PEM, without a password) in LASTDAY_DOCUSIGN_KEY_FILE."
        try:
            content = self.key_file.read_bytes()
            key = load_pem_private_key(content, password=None)
        except (OSError, ValueError, TypeError) as exc:
            code = type(exc).__name__
            raise NotConfigured(f"docusign: cannot read its key: {code}", code=code, remedy=remedy) from exc
        if not isinstance(key, RSAPrivateKey):
            raise NotConfigured("docusign: cannot use its key: not RSA", code="not_rsa", remedy=remedy)
        return content
