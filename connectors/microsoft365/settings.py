"""The connector's settings.  Names and meanings are in `docs/connectors/microsoft365.md`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, PositiveInt, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from connectors.settings import ConnectorSettings, Endpoint

MICROSOFT_AUTHORITIES = frozenset({
    "login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn", "login.partner.microsoftonline.cn",
})  # fmt: skip
MICROSOFT_GRAPHS = frozenset({
    "graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn",
})  # fmt: skip
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
"""The hosts to which the SDK gives its token over plain http."""


@dataclass(frozen=True, slots=True)
class ApplicationCredential:
    """One app registration: a secret, or a file with certificate and RSA key in PEM."""

    client_id: str
    secret: SecretStr | None
    certificate_file: Path | None = None


class Settings(ConnectorSettings):
    """
    `LASTDAY_MICROSOFT365_…`.  Raises pydantic's error, naming the field, if a credential is missing or given twice.

    *graph_endpoint* ends in `/v1.0`; plain http is accepted on this machine only.  Without *write_client_id* one application
    reads and writes.  *number_field*: where employee numbers are, or `none` if the directory has none, or not HR's.  *limits*:
    calls a minute by the names of `limits.LIMITS` ("*": all), where Microsoft gave this tenant other limits; JSON.
    """

    model_config = SettingsConfigDict(env_prefix="LASTDAY_MICROSOFT365_", env_file=".env", extra="ignore", frozen=True)

    graph_endpoint: Endpoint = "https://graph.microsoft.com/v1.0"
    authority: Endpoint = "https://login.microsoftonline.com"
    tenant_id: str = Field(pattern=r"^[0-9A-Za-z.-]+$")  # what the SDK takes
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    certificate_file: Path | None = None
    write_client_id: str | None = None
    write_client_secret: SecretStr | None = None
    number_field: str = Field(
        default="employeeId",
        pattern=r"^(?:employeeId|onPremisesExtensionAttributes\.extensionAttribute(?:[1-9]|1[0-5])|none)$",
    )
    limits: dict[str, PositiveInt] = Field(default_factory=dict)

    @field_validator("graph_endpoint")
    @classmethod
    def _graph(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
            raise ValueError("the Graph endpoint must be https, or this machine by a name that the SDK knows")
        if not parts.path.rstrip("/").endswith("/v1.0"):
            raise ValueError("the Graph endpoint ends in /v1.0")
        return value.rstrip("/")

    @field_validator("authority")
    @classmethod
    def _https(cls, value: str) -> str:
        if urlsplit(value).scheme != "https":
            raise ValueError("the authority must be https")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_credential(self) -> Settings:
        if (self.client_secret is None) == (self.certificate_file is None):
            raise ValueError("give CLIENT_SECRET or CERTIFICATE_FILE, one of them")
        if (self.write_client_id is None) != (self.write_client_secret is None):
            raise ValueError("the write tier needs both WRITE_CLIENT_ID and WRITE_CLIENT_SECRET")
        return self

    @property
    def reader(self) -> ApplicationCredential:
        return ApplicationCredential(self.client_id, self.client_secret, self.certificate_file)

    @property
    def writer(self) -> ApplicationCredential:
        """The writing application; the reading one unless a write tier is set."""
        if self.write_client_id is None:
            return self.reader
        return ApplicationCredential(self.write_client_id, self.write_client_secret)

    @property
    def scope(self) -> str:
        """The resource of our tokens: the Graph of the national cloud, for any other host the global one."""
        host = urlsplit(self.graph_endpoint).hostname
        return f"https://{host if host in MICROSOFT_GRAPHS else 'graph.microsoft.com'}/.default"
