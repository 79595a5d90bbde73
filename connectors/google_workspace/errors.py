"""Google's refusals: their bodies, in any of its shapes, and the errors that they mean."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.errors import ConnectorError, Throttled, Unintelligible
from connectors.kit.answers import text_of
from connectors.kit.exchange import ErrorCodes, Exchange, Reply, Trace
from models.vocabulary import Evidence

WHO = "google_workspace"
NO_SUCH_USER = "Resource Not Found: userKey"
_RATE_TEXT = "Request rate higher than configured"
_A_DAY = "dailyLimitExceeded"

CODES = ErrorCodes(
    throttled=frozenset({
        "quotaExceeded",  # the Directory's own word for too much at once
        "rateLimitExceeded", "userRateLimitExceeded", "sharingRateLimitExceeded", "RATE_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED", _A_DAY, _RATE_TEXT,
    }),
    not_on_plan=frozenset({"domainCannotUseApis"}),
    remedies={
        "forbidden": "The administrator on whose behalf we act lacks the right; to touch an administrator it must be a super admin.",
        "accessNotConfigured": "Enable the Admin SDK API in the service account's Cloud project.",
        "authError": "Check that the service account's key is live; for a suspended account Google may refuse this call for good.",
    },
)  # fmt: skip
_OF_THE_REQUEST = frozenset({400, 404, 409, 410, 412})


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """
    The body of a refusal.

    *reason* is the classic `errors[0].reason`, *status* the newer code, *details* the reasons of the newest shape.  The SDK's
    own parsing takes only the first, so it is not used.  *message* is the whole body if that is not JSON.
    """

    reason: str | None = None
    message: str = ""
    status: str | None = None
    details: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: bytes) -> ErrorBody:
        """Read any *content*; raises nothing."""
        text = content.decode("utf-8", errors="replace")
        try:
            body: Any = json.loads(text)
        except (ValueError, RecursionError):
            return cls(message=text)
        if isinstance(body, list):  # seen in the field; the SDK breaks on it
            body = body[0] if body else {}
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, str):
            return cls(reason=error)
        if not isinstance(error, dict):
            return cls(message=text)
        return cls(
            reason=next(iter(_reasons(error.get("errors"))), None),
            message=text_of(error, "message") or "",
            status=text_of(error, "status"),
            details=tuple(_reasons(error.get("details"))),
        )

    @property
    def code(self) -> str | None:
        """Google's code: one that asks to wait, from any of its fields, else the most specific."""
        words = [word for word in (self.reason, self.status, *self.details) if word is not None]
        words += [_RATE_TEXT] if _RATE_TEXT in self.message else []
        return next((word for word in words if word in CODES.throttled), next(iter(words), None))


def _reasons(rows: Any) -> list[str]:
    if not isinstance(rows, list):
        return []
    return [row["reason"] for row in rows if isinstance(row, dict) and isinstance(row.get("reason"), str)]


class RequestRejected(Unintelligible):
    """
    Google refused the request as such: 400, 404, 409, 410, 412.

    The caller may know what that means for its call; an error that no caller catches counts as `Unintelligible`.
    """

    def __init__(self, text: str, *, status: int, body: ErrorBody, evidence: tuple[Evidence, ...]) -> None:
        super().__init__(text, code=body.code, evidence=evidence)
        self.status = status
        self.body = body

    def matches(self, status: int, *reasons: str) -> bool:
        """Whether it is exactly this status with one of these reasons."""
        return self.status == status and self.body.reason in reasons


def code_of(reply: Reply) -> str | None:
    """Return Google's code in a refusal, None for any other answer: a redirect's body is not about the request."""
    return ErrorBody.of(reply.content).code if reply.status >= 400 else None


def failure(exchange: Exchange, reply: Reply, scope: str, trace: Trace) -> ConnectorError:
    """Return the error for an answer outside 2xx; *scope* is the scope that the call needs."""
    body = ErrorBody.of(reply.content)
    codes = (
        CODES if reply.status < 500 else ErrorCodes()
    )  # after a 5xx with any code, a write may have been carried out
    remedy = lacking(scope) if body.code == "insufficientPermissions" else None
    error = exchange.failure(reply, code_of(reply), codes, trace, remedy=remedy)
    if isinstance(error, Throttled) and body.code == _A_DAY:
        error.retry_after = timedelta(days=1)
    if isinstance(error, Unintelligible) and reply.status in _OF_THE_REQUEST:
        return RequestRejected(str(error), status=reply.status, body=body, evidence=error.evidence)
    return error


def lacking(scope: str) -> str:
    return (
        f"Allow the scope {scope} to the service account's client, under domain-wide delegation in the Admin console."
    )
