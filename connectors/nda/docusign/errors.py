"""DocuSign's codes, and the errors that they mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.errors import ConnectorError, Denied, Throttled, Unintelligible
from connectors.kit.exchange import ErrorCodes, Exchange, Reply, Trace

WHO = "docusign"
CODES = ErrorCodes(
    throttled=frozenset(
        {
            "HOURLY_APIINVOCATION_LIMIT_EXCEEDED",
            "BURST_APIINVOCATION_LIMIT_EXCEEDED",
            "HOURLY_ENVELOPE_POLLING_LIMIT_EXCEEDED",
            "BURST_ENVELOPE_POLLING_LIMIT_EXCEEDED",
        }
    ),
    remedies={
        "consent_required": "Let an administrator of DocuSign grant the integration signature and impersonation once.",
    },
)
"""The API's of limits, and what to do about the authority's."""


def code_of(reply: Reply) -> str | None:
    """Return the vendor's code: `errorCode` of the API, `error` of the authority.  A redirect has none."""
    body = (reply.body if reply.status >= 400 else None) or {}
    word = body.get("errorCode") or body.get("error")
    return word if isinstance(word, str) and word.isidentifier() else None


def failure_of(exchange: Exchange, reply: Reply, trace: Trace) -> ConnectorError:
    """Return the error for an unsuccessful answer.  Any refusal of the authority is about our credential."""
    code = code_of(reply)
    failure = exchange.failure(reply, code, CODES, trace)
    if isinstance(failure, Throttled) and failure.retry_after is None:
        failure.retry_after = _until_reset(reply)
    if isinstance(failure, Unintelligible) and "/oauth/" in exchange.what and reply.status >= 400:
        return Denied(str(failure), code=code, evidence=failure.evidence, remedy=CODES.remedies.get(code or ""))
    return failure


def _until_reset(reply: Reply) -> timedelta | None:
    """Return the time until X-RateLimit-Reset (seconds since 1970), by the vendor's clock if it sends a Date."""
    text = reply.headers.get("x-ratelimit-reset", "")
    if not text.isdecimal():
        return None
    return max(timedelta(0), datetime.fromtimestamp(int(text), UTC) - (reply.date or datetime.now(UTC)))
