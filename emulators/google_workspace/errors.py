"""The bodies with which Google's admin APIs and its token endpoint refuse."""

from __future__ import annotations

from typing import Any


class VendorRefusal(Exception):
    """A request refused in the classic shape: HTTP status, reason, message."""

    def __init__(
        self, code: int, reason: str, message: str, *, status: str | None = None, details: list[Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.body: dict[str, Any] = {
            "error": {
                "code": code,
                "message": message,
                "errors": [{"message": message, "domain": "global", "reason": reason}],
            }
        }
        if status is not None:
            self.body["error"]["status"] = status
        if details is not None:
            self.body["error"]["details"] = details


def not_found(what: str) -> VendorRefusal:
    """*what* is the vendor's name of the key: userKey, groupKey, memberKey …"""
    return VendorRefusal(404, "notFound", f"Resource Not Found: {what}")


def invalid(what: str = "") -> VendorRefusal:
    return VendorRefusal(400, "invalid", f"Invalid Input: {what}" if what else "Invalid Input")


def forbidden() -> VendorRefusal:
    """The subject's administrator role does not reach this far."""
    return VendorRefusal(403, "forbidden", "Not Authorized to access this resource/api")


def bad_token() -> VendorRefusal:
    return VendorRefusal(401, "authError", "Invalid Credentials", status="UNAUTHENTICATED")


def scope_missing() -> VendorRefusal:
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
            "metadata": {"service": "admin.googleapis.com"},
        }
    ]
    return VendorRefusal(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        status="PERMISSION_DENIED",
        details=details,
    )


def over_quota() -> VendorRefusal:
    """Too many filtered queries of the Reports API in a minute."""
    return VendorRefusal(
        429,
        "rateLimitExceeded",
        "Quota exceeded for quota metric 'Filtered queries' and limit 'Filtered queries per minute'.",
        status="RESOURCE_EXHAUSTED",
    )


class TokenRefusal(Exception):
    """A token exchange refused."""

    def __init__(self, code: int, error: str, description: str) -> None:
        super().__init__(error)
        self.code = code
        self.body = {"error": error, "error_description": description}
