"""Who signs: the log's key, the former one while it is being changed, and the certificate's, from files or key stores."""

from __future__ import annotations

from pathlib import Path

from audit import certificate_keys, key_uris, keys, note
from audit.certificate_keys import CertificateSigner
from casework.errors import Misconfigured
from casework.settings import CaseworkSettings


def log_signers(settings: CaseworkSettings) -> list[note.Signer]:
    """
    Return the log's signers, the present one first.

    Raises `audit.keys.KeyRefused` for a key that is missing or not to be trusted, `Misconfigured` for a URI without its public key.
    """
    present = settings.audit_key_uri, settings.audit_public_key_file, settings.audit_key_file
    former = settings.audit_former_key_uri, settings.audit_former_public_key_file, settings.audit_former_key_file
    signers: list[note.Signer] = []
    for uri, public, file in (present, former):
        if uri is not None:
            signers.append(key_uris.open_log_key(uri, _beside(uri, public), settings.audit_origin, _pin(settings)))
        elif file is not None:
            signers.append(keys.open_key(file, settings.audit_origin))
    return signers


def certificate_signer(settings: CaseworkSettings) -> CertificateSigner:
    """
    Return who signs certificates; a key file is made on first use.

    Raises `audit.keys.KeyRefused` for a key that is not to be trusted, `Misconfigured` for a URI without its public key.
    """
    uri = settings.certificate_key_uri
    if uri is not None:
        return key_uris.open_certificate_key(uri, _beside(uri, settings.certificate_public_key_file), _pin(settings))
    settings.certificate_key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return certificate_keys.open_or_create(settings.certificate_key_file)


def _beside(uri: str, public: Path | None) -> Path:
    if public is None:
        scheme = uri.partition(":")[0]
        raise Misconfigured(
            f"key store {scheme}: no public key beside the URI",
            "Set …_PUBLIC_KEY_FILE to the key's public half in PEM.",
        )
    return public


def _pin(settings: CaseworkSettings) -> key_uris.AskSecret:
    def ask(what: str) -> str:
        if settings.key_pin is None:
            raise Misconfigured(f"key store: asks for its {what}", "Set LASTDAY_KEY_PIN.")
        return settings.key_pin.get_secret_value()

    return ask
