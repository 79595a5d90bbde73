"""Settings of casework and of its trail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from casework.errors import Misconfigured
from models.vocabulary import ConnectionId, Service, checked_connection


class CaseworkSettings(BaseSettings):
    """
    Read from the environment (`LASTDAY_…`) and from `.env`.

    *services* are the connections to tenants, each once.  A service that is named here and cannot be opened stops the start;
    it is never skipped.  *database_url* may hold a password and is therefore secret.

    The keys of the log and of the certificate are files, or URIs of a key store (`audit.key_uris`) with the public key beside
    them in PEM.  *audit_former_…* signs too while the log changes its key.  *key_pin*: for PKCS#11 tokens.

    *evidence_former_key_file* opens evidence that is not wrapped with the new key yet, during a rotation.

    *health_address*: HOST:PORT at which a serving process reports its health; empty: it does not.

    *timestamp_urls* and *witness_policy_file* name the outside parties that vouch for the log; without both nobody does.
    """

    model_config = SettingsConfigDict(
        env_prefix="LASTDAY_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: SecretStr = SecretStr("sqlite:///var/lastday.db")
    services: Annotated[tuple[ConnectionId, ...], NoDecode] = tuple(service.value for service in Service)
    policy_file: Path | None = None
    audit_origin: str = "lastday.localhost/audit/2026"
    audit_key_file: Path = Path("var/keys/log.key")
    audit_key_uri: str | None = None
    audit_public_key_file: Path | None = None
    audit_former_key_file: Path | None = None
    audit_former_key_uri: str | None = None
    audit_former_public_key_file: Path | None = None
    certificate_key_file: Path = Path("var/keys/certificate.key")
    evidence_folder: Path = Path("var/evidence")
    evidence_key_file: Path = Path("var/keys/evidence.key")
    evidence_former_key_file: Path | None = None
    certificate_key_uri: str | None = None
    certificate_public_key_file: Path | None = None
    key_pin: SecretStr | None = None
    ca_bundle: Path | None = None
    timestamp_urls: Annotated[tuple[str, ...], NoDecode] = ()
    timestamp_roots_file: Path | None = None
    witness_policy_file: Path | None = None
    anchor_folder: Path = Path("var/anchors")
    trust_folder: Path = Path("var/trust")
    health_address: str = "127.0.0.1:4280"

    @field_validator("services", "timestamp_urls", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("services")
    @classmethod
    def _some(cls, value: tuple[ConnectionId, ...]) -> tuple[ConnectionId, ...]:
        if not value:
            raise ValueError("name at least one service")
        if len(set(value)) != len(value):
            raise ValueError("a service is named twice: give a further tenant a name of its own, as slack.acquired")
        return tuple(map(checked_connection, value))


def read_settings() -> CaseworkSettings:
    """Read the settings; raises `Misconfigured` with the names of those that are wrong, never with their values."""
    try:
        return CaseworkSettings()
    except UnicodeDecodeError:
        raise Misconfigured("settings: .env is not UTF-8", "Save it in UTF-8.") from None
    except ValidationError as exc:
        names = ", ".join(f"LASTDAY_{str(e['loc'][0]).upper()}: {e['msg']}" for e in exc.errors(include_input=False))
        raise Misconfigured(f"settings: cannot be used: {names}", "Correct them in .env (see .env.example).") from None
