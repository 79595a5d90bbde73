"""From Google's answers to the few kinds of failure that lastday knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.errors import ConnectorError, Denied, NotOnPlan, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from connectors.google_workspace.saying import Said
from connectors.google_workspace.wire import Answer, NotSent
from models.vocabulary import Evidence

WHO = "google_workspace"

_THROTTLES = frozenset({
    "quotaExceeded",  # the Directory's own word for too much at once
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "sharingRateLimitExceeded",
})  # fmt: skip
_RATE_TEXT = "Request rate higher than configured"
_REMEDIES = {
    "insufficientPermissions": "Allow the scope {scope} to the client, under domain-wide delegation in the Admin console.",
    "forbidden": "The administrator on whose behalf we act lacks the right; to touch an administrator it must be a super admin.",
    "accessNotConfigured": "Enable the Admin SDK API in the service account's Cloud project.",
    "authError": "Check that the service account's key is live; for a suspended account Google may refuse this call for good.",
}


class Rejected(Unintelligible):
    """
    The vendor refused the request as such: 400, 404, 409, 412.

    Whoever asked may know what it means for that call; if nobody does, it is what its base says.
    """

    def __init__(self, message: str, *, status: int, said: Said, evidence: tuple[Evidence, ...]) -> None:
        super().__init__(message, code=said.code, evidence=evidence)
        self.status = status
        self.said = said

    def is_(self, status: int, *reasons: str) -> bool:
        """Whether it is exactly this status with one of these reasons."""
        return self.status == status and self.said.reason in reasons


def of_answer(  # noqa: PLR0911  # one line a meaning
    doing: str, scope: str, answer: Answer, *, write: bool, evidence: tuple[Evidence, ...]
) -> ConnectorError:
    """Return what an HTTP answer outside 2xx means."""
    if answer.status < 400:  # a redirect, which is not followed: it may stand after a write that was carried out
        return (OutcomeUnknown if write else Unintelligible)(
            f"{WHO}: cannot {doing}: HTTP {answer.status}", evidence=evidence
        )
    said = Said.of(answer.content)
    text = f"{WHO}: cannot {doing}: {said.code or f'HTTP {answer.status}'}"
    says_when = answer.status == 503 and not write and "retry-after" in answer.headers
    if says_when or is_throttle(answer, said):
        return Throttled(text, retry_after=_wait(answer, said), code=said.code, evidence=evidence)
    if answer.status >= 500 or answer.status == 408:
        lost = OutcomeUnknown if write else Unreachable
        return lost(text, code=said.code, evidence=evidence)
    if answer.status == 403 and said.reason == "domainCannotUseApis":
        return NotOnPlan(text, code=said.code, evidence=evidence)
    if answer.status in {401, 403}:
        remedy = _REMEDIES.get(said.reason or "")
        named = f"{text} (needs {scope})" if said.reason == "insufficientPermissions" else text
        filled = remedy.format(scope=scope) if remedy is not None else None
        return Denied(named, code=said.code, evidence=evidence, remedy=filled)
    if answer.status in {400, 404, 409, 412}:
        return Rejected(text, status=answer.status, said=said, evidence=evidence)
    return Unintelligible(text, code=said.code, evidence=evidence)


def of_loss(doing: str, exc: Exception, *, write: bool, evidence: tuple[Evidence, ...]) -> ConnectorError:
    """Return what a connection that failed means."""
    text = f"{WHO}: cannot {doing}: {type(exc).__name__}"
    if write and not isinstance(exc, NotSent):
        return OutcomeUnknown(text, evidence=evidence)
    return Unreachable(text, evidence=evidence)


def is_throttle(answer: Answer, said: Said) -> bool:
    """Whether Google asks to wait: by status, by one of its words, or by bare text."""
    if answer.status == 429:
        return True
    if answer.status != 403:
        return False
    words = {said.reason, said.status, *said.details}
    return (
        bool(words & _THROTTLES)
        or not words.isdisjoint({"RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "dailyLimitExceeded"})
        or _RATE_TEXT in said.text
        or _RATE_TEXT in said.message
    )


def _wait(answer: Answer, said: Said) -> timedelta | None:
    if said.reason == "dailyLimitExceeded":
        return timedelta(days=1)
    return retry_after(answer.headers.get("retry-after"), datetime.now(UTC))


def retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header: seconds or a date; None where it is neither."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return timedelta(seconds=min(int(text.strip()[:9]), 10**6))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(aware - now, timedelta(0))
