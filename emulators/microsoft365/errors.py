"""Refusals in Microsoft's two spellings: Graph's error object and Entra's AADSTS answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4


class VendorRefusal(Exception):
    """Graph refuses: *status* and *code* as documented, *message* in Microsoft's words (clients branch on the code)."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def body(self, request_id: str, client_request_id: str) -> dict[str, Any]:
        """Return the error body; `innerError` repeats the caller's own request id."""
        inner = {
            "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def denied() -> VendorRefusal:
    """Refuse for want of a permission, or of a role: Graph does not say which."""
    return VendorRefusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def missing(object_id: str) -> VendorRefusal:
    """Refuse: no such object *or* no such link.  The same code for a wrong group and for a member who is gone."""
    return VendorRefusal(
        404,
        "Request_ResourceNotFound",
        f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present.",
    )


def bad(message: str) -> VendorRefusal:
    """Refuse a request that the directory cannot carry out."""
    return VendorRefusal(400, "Request_BadRequest", message)


def malformed(message: str) -> VendorRefusal:
    """Refuse a malformed request: unknown paths, parameters and properties."""
    return VendorRefusal(400, "BadRequest", message)


def unsupported(message: str) -> VendorRefusal:
    """Refuse a query that the directory does not answer in this form."""
    return VendorRefusal(400, "Request_UnsupportedQuery", message)


def unlicensed() -> VendorRefusal:
    """Refuse what only a paid edition has.  Seen in the field with status 400."""
    return VendorRefusal(
        400,
        "AadPremiumLicenseRequired",
        "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
    )


class TokenRefusal(Exception):
    """Entra issues no token: OAuth's *error* and the AADSTS *number* with its sentence."""

    def __init__(self, status: int, error: str, number: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.error = error
        self.number = number
        self.sentence = sentence

    def body(self) -> dict[str, Any]:
        """Return Entra's error body."""
        trace, correlation = str(uuid4()), str(uuid4())
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        return {
            "error": self.error,
            "error_description": (
                f"AADSTS{self.number}: {self.sentence} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
            ),
            "error_codes": [self.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }
