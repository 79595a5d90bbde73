"""
Ed25519 on a PKCS#11 token: C2SP notes need Ed25519, and securesystemslib's own class for tokens supports ECDSA only.

PKCS#11 3.0, section 2.3.14 (EdDSA).  Needs python-pkcs11 (`pip install lastday[kms-pkcs11]`) and PYKCS11LIB, the path of
the token's library.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any
from urllib import parse

from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey


class HsmSigner(Signer):
    """
    Signs with the private key whose identifier is *key_id*, on the token with this *label* (None: the only one).

    URI: `hsm-ed25519:<decimal identifier>[?label=<token>]`.  Each signature asks for the PIN, which is never stored.
    """

    SCHEME = "hsm-ed25519"

    def __init__(self, key_id: int, label: str | None, public_key: SSlibKey, pin: SecretsHandler) -> None:
        self._key_id = key_id
        self._label = label
        self._public_key = public_key
        self._pin = pin
        self._pkcs11 = _library()

    @property
    def public_key(self) -> SSlibKey:
        return self._public_key

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: Key, ask: SecretsHandler | None = None) -> HsmSigner:
        """Raise `ValueError` without an Ed25519 key, without a handler for the PIN, or if the identifier is not a number."""
        uri = parse.urlparse(priv_key_uri)
        if not isinstance(public_key, SSlibKey) or public_key.scheme != "ed25519" or ask is None:
            raise ValueError("hsm-ed25519: needs an Ed25519 public key and a handler for the PIN")
        return cls(int(uri.path), dict(parse.parse_qsl(uri.query)).get("label"), public_key, ask)

    def sign(self, payload: bytes) -> Signature:
        """Return the signature.  Raises python-pkcs11's own errors."""
        library = self._pkcs11.lib(os.environ["PYKCS11LIB"])
        token = library.get_token(token_label=self._label, token_flags=self._pkcs11.TokenFlag.TOKEN_INITIALIZED)
        with token.open(user_pin=self._pin("pin")) as session:
            key = session.get_key(
                self._pkcs11.ObjectClass.PRIVATE_KEY,
                self._pkcs11.KeyType.EC_EDWARDS,
                id=self._pkcs11.util.biginteger(self._key_id),
            )
            signature: bytes = key.sign(payload, mechanism=self._pkcs11.Mechanism.EDDSA)
        return Signature(self._public_key.keyid, signature.hex())


def _library() -> Any:
    try:
        import_module("pkcs11.util")
        return import_module("pkcs11")
    except ImportError as exc:
        raise UnsupportedLibraryError("python-pkcs11") from exc
