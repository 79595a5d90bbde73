"""
From an answer of Graph's to a value or to one of the house's errors.

Codes are compared whole, never searched in; messages are not read at all, Microsoft changes them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from connectors.errors import (
    ConnectorError,
    Denied,
    NotOnPlan,
    OutcomeUnknown,
    Throttled,
    Unintelligible,
    Unreachable,
)
from models.vocabulary import Evidence

Row: TypeAlias = "dict[str, Any]"
T = TypeVar("T")

NOTHING_GONE: frozenset[tuple[int, str]] = frozenset()

GONE = frozenset({(404, "Request_ResourceNotFound")})
"""No such object, or no such link: the directory says the same for both."""

GONE_ELIGIBILITY = frozenset({(400, "RoleAssignmentDoesNotExist")})
"""Seen in the field also as the answer to the very call that removed it."""

_UNLICENSED = frozenset({"AadPremiumLicenseRequired", "Authentication_RequestFromNonPremiumTenantOrB2CTenant"})
_REFUSALS = frozenset(
    {
        "Request_BadRequest",
        "ActiveDurationTooShort",
        "PendingRoleAssignmentRequest",
        "RoleAssignmentExists",
        "RoleAssignmentRequestPolicyValidationFailed",
    }
)


class NotThere(Unintelligible):
    """The vendor says that the object, or the link, does not exist.  Callers decide by a read what that means."""


class Refused(Unintelligible):
    """The directory cannot carry out the request because of the object's state."""

    remedy = "Read the vendor's code, and the account or group in the Entra admin centre."


@dataclass(frozen=True)
class Answer:
    """
    One answer as it came.  *body* is None without content, and when it is not a JSON object.

    *of_all*: it was given to a whole batch, so that what it says of absence, plan or permission is not about this request.
    Without slots, so that a page of a thousand records is parsed once.
    """

    doing: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    writes: bool
    gone: frozenset[tuple[int, str]]
    needs: tuple[str, ...]
    of_all: bool = False

    @cached_property
    def body(self) -> Row | None:
        """The JSON object in it."""
        try:
            read = json.loads(self.content)
        except (ValueError, RecursionError):
            return None
        return read if isinstance(read, dict) else None

    @property
    def code(self) -> str | None:
        """The vendor's error code, unchanged.  A redirect has none: what it says is not about the call."""
        if 300 <= self.status < 400:
            return None
        error = (self.body or {}).get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return code if isinstance(code, str) else None


def result(answer: Answer, seen: tuple[Evidence, ...]) -> Row | None:
    """Return the body of a success (None without one: 204, or an empty 200 to a write); raises what else it stands for."""
    if answer.status == 204 or (answer.writes and answer.status in {200, 201} and not answer.content):
        return None
    if answer.status in {200, 201}:
        if answer.body is None:
            raise _after_the_fact(answer, seen)
        return answer.body
    raise _failure(answer, seen)


def _after_the_fact(answer: Answer, seen: tuple[Evidence, ...]) -> ConnectorError:
    text = f"microsoft365: cannot {answer.doing}: the answer is not a JSON object"
    return (OutcomeUnknown if answer.writes else Unintelligible)(text, evidence=seen)


def _failure(answer: Answer, seen: tuple[Evidence, ...]) -> ConnectorError:  # noqa: PLR0911  # one line a meaning
    code, status = answer.code, answer.status
    text = f"microsoft365: cannot {answer.doing}: {code or status}"
    if code is not None and (status, code) in answer.gone and not answer.of_all:
        return NotThere(text, code=code, evidence=seen)
    if code in _UNLICENSED and not answer.of_all:
        return NotOnPlan(text, code=code, evidence=seen)
    if status == 429 or (status == 503 and not answer.writes and "retry-after" in answer.headers):
        return Throttled(text, retry_after=retry_after(answer.headers), code=code, evidence=seen)
    if 300 <= status < 400:  # it is not followed, and may stand after a write that was carried out
        return (OutcomeUnknown if answer.writes else Unintelligible)(text, evidence=seen)
    if status >= 500 or status == 408:
        return (OutcomeUnknown if answer.writes else Unreachable)(text, code=code, evidence=seen)
    if status in {401, 403}:
        lacking = status == 403 and not answer.of_all
        return Denied(text, code=code, evidence=seen, remedy=grant_remedy(answer.needs) if lacking else None)
    if status == 400 and answer.writes and code in _REFUSALS:
        return Refused(text, code=code, evidence=seen)
    return Unintelligible(text, code=code, evidence=seen)


def grant_remedy(permissions: tuple[str, ...]) -> str | None:
    """Return the sentence that names the app permissions to consent to."""
    if not permissions:
        return None
    return f"Give our application the app permission {' and '.join(permissions)}, with admin consent, then run again."


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return what `Retry-After` asks for, in either of its forms; None when it is absent, negative or nonsense."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        until = http_date(text)
        seconds = (until - (http_date(headers.get("date", "")) or datetime.now(UTC))).total_seconds() if until else -1.0
    if not math.isfinite(seconds) or not 0 <= seconds < 10**9:
        return None
    return timedelta(seconds=seconds)


def http_date(text: str) -> datetime | None:
    """Return an HTTP date as an aware instant, None when it is not one."""
    try:
        read = parsedate_to_datetime(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def need(row: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """Return a property that must be there; raises `Unintelligible` when it is missing or of another type."""
    value = row.get(name)
    if not isinstance(value, kind):
        raise Unintelligible(f"microsoft365: cannot read {name}: it is {type(value).__name__}, not {kind.__name__}")
    return value


def instant(row: Mapping[str, Any], name: str) -> datetime | None:
    """Return a timestamp property as an aware instant, None when the directory holds none."""
    text = row.get(name)
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(str(text))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)  # never this machine's zone
    except (ValueError, OverflowError) as exc:
        raise Unintelligible(f"microsoft365: cannot read {name}: it is not a time") from exc
