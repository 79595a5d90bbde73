"""
Entra's token endpoint, for client credentials: by secret, or by an assertion signed with a registered certificate.

Serves only what `azure-identity` and MSAL need: the endpoint itself, and the openid-configuration that names it.
"""

from __future__ import annotations

import base64
import functools
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulators.microsoft365.errors import TokenRefusal

GRAPH = "https://graph.microsoft.com"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Application:
    """An app registration of ours in the tenant: its credentials, and the app permissions that were consented to."""

    client_id: str
    object_id: str
    secret: str
    permissions: frozenset[str]
    certificates: tuple[x509.Certificate, ...] = ()


@functools.cache
def signing_key() -> rsa.RSAPrivateKey:
    """Return the authority's key, made once in each process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def issue(application: Application, tenant_id: str, issuer: str, seconds: int) -> str:
    """Return an access token for Graph; its `roles` are the permissions as they are at this moment."""
    now = int(time.time())
    claims = {
        "aud": GRAPH,
        "iss": issuer,
        "iat": now,
        "nbf": now,
        "exp": now + seconds,
        "appid": application.client_id,
        "idtyp": "app",
        "oid": application.object_id,
        "roles": sorted(application.permissions),
        "tid": tenant_id,
        "ver": "1.0",
    }
    signed = f"{_encode({'typ': 'JWT', 'alg': 'RS256', 'kid': 'rehearsal'})}.{_encode(claims)}"
    signature = signing_key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_base64(signature)}"


def read_token(token: str, tenant_id: str) -> dict[str, Any]:
    """Return a token's claims; raises `ValueError` with Graph's sentence when it is not ours, not for Graph, or stale."""
    try:
        head, body, signature = token.split(".")
        signing_key().public_key().verify(
            _bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        claims: dict[str, Any] = json.loads(_bytes(body))
    except InvalidSignature:
        raise ValueError("Access token validation failure. Invalid signature.") from None
    except ValueError:
        raise ValueError("IDX14100: JWT is not well formed, there are no dots (.).") from None
    if claims["aud"] != GRAPH or claims["tid"] != tenant_id:
        raise ValueError("Access token validation failure. Invalid audience.")
    if claims["exp"] <= time.time():
        raise ValueError("Lifetime validation failed, the token is expired.")
    return claims


def authenticate(form: dict[str, str], applications: dict[str, Application], token_url: str) -> Application:
    """Return the application that *form* proves to come from; raises `TokenRefusal` as Entra refuses."""
    if form.get("grant_type") != "client_credentials":
        raise TokenRefusal(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    application = applications.get(form.get("client_id", ""))
    if application is None:
        raise TokenRefusal(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{form.get('client_id', '')}' was not found in the directory 'Hoshizora'.",
        )
    if form.get("scope") != f"{GRAPH}/.default":
        sentence = "The provided value for the input parameter 'scope' is not valid. It must end with /.default."
        raise TokenRefusal(400, "invalid_scope", 1002012, sentence)
    if "client_secret" in form:
        _check_secret(form["client_secret"], application)
    elif form.get("client_assertion_type") == _ASSERTION and "client_assertion" in form:
        _check_assertion(form["client_assertion"], application, token_url)
    else:
        sentence = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        raise TokenRefusal(401, "invalid_client", 7000218, sentence)
    return application


def _check_secret(secret: str, application: Application) -> None:
    if not hmac.compare_digest(secret.encode(), application.secret.encode()):
        raise TokenRefusal(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{application.client_id}'.",
        )


def _check_assertion(assertion: str, application: Application, token_url: str) -> None:
    try:
        head, body, signature = assertion.split(".")
        header, claims = json.loads(_bytes(head)), json.loads(_bytes(body))
    except ValueError:
        raise TokenRefusal(401, "invalid_client", 50027, "JWT token is invalid or malformed.") from None
    named = str(header.get("x5t#S256", "")).rstrip("=")
    certificate = next((c for c in application.certificates if _thumbprint(c) == named), None)
    if certificate is None:
        sentence = "The certificate with identifier used to sign the client assertion is not registered on application."
        raise TokenRefusal(401, "invalid_client", 700027, sentence)
    if header.get("alg") != "PS256" or not _verifies(certificate, f"{head}.{body}".encode(), _bytes(signature)):
        raise TokenRefusal(401, "invalid_client", 700027, "Client assertion failed signature validation.")
    if claims.get("iss") != application.client_id or claims.get("sub") != application.client_id:
        raise TokenRefusal(401, "invalid_client", 700021, "Client assertion application identifier doesn't match.")
    if claims.get("aud") != token_url:
        raise TokenRefusal(401, "invalid_client", 700023, "Client assertion audience claim does not match.")
    if not claims.get("nbf", 0) - 300 <= time.time() < claims.get("exp", 0):
        raise TokenRefusal(401, "invalid_client", 700024, "Client assertion is not within its valid time range.")


def _verifies(certificate: x509.Certificate, signed: bytes, signature: bytes) -> bool:
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        return False
    try:
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        public.verify(signature, signed, pss, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _thumbprint(certificate: x509.Certificate) -> str:
    return _base64(certificate.fingerprint(hashes.SHA256()))


def _encode(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    bare = text.rstrip("=")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
