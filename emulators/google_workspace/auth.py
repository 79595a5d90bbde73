"""
The token endpoint: it checks a service account's signed claim (RFC 7523) against its key, its delegation and the directory.

There are two service accounts, "read" and "write", each with its own key and its own allow-list in the Admin console.  As at
Google, one scope that is not on the list fails the whole exchange.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulators.google_workspace.errors import TokenRefusal, bad_token
from emulators.google_workspace.state import digits

AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE = 3600
TIERS = ("read", "write")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The meaning of a bearer string.  *subject*: None for the service account itself."""

    subject: str | None
    scopes: frozenset[str]
    tier: str
    expires_at: float


@functools.cache
def _key(tier: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account(tier: str, token_uri: str) -> dict[str, str]:
    """Return the content of the key file that the console hands out."""
    pem = _key(tier).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "hoshizora-lastday",
        "private_key_id": digits(f"key {tier}", 40),
        "private_key": pem.decode(),
        "client_email": address(tier),
        "client_id": digits(f"client {tier}", 21),
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    }


def address(tier: str) -> str:
    return f"lastday-{tier}@hoshizora-lastday.iam.gserviceaccount.com"


class TokenEndpoint:
    """Issues and knows access tokens.  *allowed* maps a tier to the scopes delegated to its client."""

    def __init__(self, allowed: Mapping[str, frozenset[str]], subjects: Mapping[str, str]) -> None:
        """*subjects* maps addresses to the ids of accounts that may be impersonated; looked up on each exchange."""
        self.allowed = dict(allowed)
        self._subjects = subjects
        self._issued: dict[str, AccessToken] = {}
        self.exchanges = 0

    def exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the token answer; raises `TokenRefusal`."""
        self.exchanges += 1
        if form.get("grant_type") != GRANT_TYPE:
            raise TokenRefusal(400, "unsupported_grant_type", "Invalid grant_type")
        tier, claims = _verified(form.get("assertion", ""))
        subject = self._subject(claims)
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes:
            raise TokenRefusal(400, "invalid_scope", "Empty or missing scope not allowed.")
        if subject is not None and not scopes <= self.allowed[tier]:
            raise TokenRefusal(
                401,
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
                "for any of the scopes requested.",
            )
        bearer = f"ya29.{secrets.token_urlsafe(32)}"
        self._issued[bearer] = AccessToken(subject, scopes, tier, time.time() + LIFE)
        return {"access_token": bearer, "expires_in": LIFE, "token_type": "Bearer", "scope": " ".join(sorted(scopes))}

    def known(self, authorization: str | None) -> AccessToken:
        """Return the header's token.  Raises `VendorRefusal` if it is unknown or expired."""
        scheme, _, bearer = (authorization or "").partition(" ")
        token = self._issued.get(bearer)
        if scheme != "Bearer" or token is None or token.expires_at < time.time():
            raise bad_token()
        return token

    def expire_all(self) -> None:
        """Invalidate every issued token."""
        self._issued.clear()

    def _subject(self, claims: Mapping[str, Any]) -> str | None:
        if "sub" not in claims:
            return None
        subject = self._subjects.get(str(claims["sub"]).casefold())
        if subject is None:
            raise TokenRefusal(400, "invalid_grant", "Invalid email or User ID")
        return subject


def _verified(assertion: str) -> tuple[str, dict[str, Any]]:
    """Return the tier whose key signed, and the claims; raises `TokenRefusal`."""
    try:
        head, body, signature = assertion.split(".")
        header, claims = json.loads(_unpack(head)), json.loads(_unpack(body))
        tier = next(t for t in TIERS if claims["iss"] == address(t))
        if header["alg"] != "RS256" or header["kid"] != digits(f"key {tier}", 40):
            raise TokenRefusal(400, "invalid_grant", "Invalid JWT Signature.")
        signed = f"{head}.{body}".encode()
        _key(tier).public_key().verify(_unpack(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as exc:
        raise TokenRefusal(400, "invalid_grant", "Invalid JWT Signature.") from exc
    except StopIteration as exc:
        raise TokenRefusal(400, "invalid_grant", "Invalid grant: account not found") from exc
    except (ValueError, KeyError, TypeError, binascii.Error) as exc:
        raise TokenRefusal(400, "invalid_request", "Invalid JWT: Failed to parse.") from exc
    if claims.get("aud") != AUDIENCE:
        raise TokenRefusal(400, "invalid_grant", "Invalid JWT: audience is not the token endpoint.")
    _check_times(claims)
    return tier, claims


def _check_times(claims: Mapping[str, Any]) -> None:
    now, issued, expires = time.time(), claims.get("iat"), claims.get("exp")
    whole = isinstance(issued, int) and isinstance(expires, int)
    if not whole or not issued - 300 <= now < expires or expires - issued > LIFE:  # type: ignore[operator]  # both are int
        raise TokenRefusal(
            400,
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
            "Check your iat and exp values in the JWT claim.",
        )


def _unpack(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
