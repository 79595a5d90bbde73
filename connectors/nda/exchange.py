"""One exchange with a vendor's register: what came back, what is kept of it as evidence, and what went wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.errors import ConnectorError, Denied, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from models.vocabulary import Evidence

Trace = list[Evidence]
"""The exchanges of one look or one sending, in order, failed tries included."""

SIGNED_ALREADY = (
    "See who has signed it, and whether it may stand; take it back by hand in the service if it may not, then ask anew."
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer.  Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    def json(self) -> dict[str, Any] | None:
        """Return the body if it is a JSON object."""
        try:
            body = json.loads(self.raw)
        except (ValueError, RecursionError):
            return None
        return body if isinstance(body, dict) else None

    def retry_after(self) -> timedelta | None:
        """Return what the vendor asks to wait, in seconds or until a date; None if it does not say."""
        text = self.headers.get("retry-after", "").strip()
        try:
            return timedelta(seconds=max(float(text), 0.0))
        except (ValueError, OverflowError):
            until = moment(text)
        return None if until is None else max(until - datetime.now(UTC), timedelta(0))


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it was sent.  *act* says what for (*who: cannot act*), *what* is method and path, *query* a read's parameters."""

    who: str
    act: str
    what: str
    query: str | None
    body: bytes | None
    write: bool
    sent_at: datetime

    def evidence(self, reply: Reply | None, code: str | None = None) -> Evidence:
        """Return the evidence; *reply* None when none came."""
        return Evidence(
            what=self.what,
            sent_at=self.sent_at,
            received_at=datetime.now(UTC),
            status=reply.status if reply is not None else None,
            code=code,
            request_sha256=_sha256(self.body) if self.body else None,
            response_sha256=_sha256(reply.raw) if reply is not None else None,
            vendor_at=moment(reply.headers.get("date", "")) if reply is not None else None,
            query=self.query,
        )

    def lost(self, exc: Exception, trace: Trace, *, never_sent: bool) -> ConnectorError:
        """Return what a broken connection means: a write that may have arrived is unknown."""
        code = type(exc).__name__
        trace.append(self.evidence(None, code))
        kind = OutcomeUnknown if self.write and not never_sent else Unreachable
        return kind(f"{self.who}: cannot {self.act}: {code}", code=code, evidence=tuple(trace))

    def refused(self, reply: Reply, code: str, trace: Trace) -> ConnectorError:
        """Return what an answer that is not 2xx means."""
        message, seen = f"{self.who}: cannot {self.act}: {code}", tuple(trace)
        if reply.status < 400:  # a redirect, which is not followed: it may stand after a write that was carried out
            return (OutcomeUnknown if self.write else Unintelligible)(message, code=code, evidence=seen)
        if reply.status == 429:
            return Throttled(message, retry_after=reply.retry_after(), code=code, evidence=seen)
        if reply.status >= 500:
            return (OutcomeUnknown if self.write else Unreachable)(message, code=code, evidence=seen)
        return (Denied if reply.status in {401, 403} else Unintelligible)(message, code=code, evidence=seen)

    def odd(self, trace: Trace, why: str = "not what is documented") -> Unintelligible:
        """Return the error for a 2xx that cannot be understood."""
        return Unintelligible(f"{self.who}: cannot {self.act}: {why}", code="odd_answer", evidence=tuple(trace))


def moment(text: str) -> datetime | None:
    """Return the instant of an HTTP date, None if it is not one."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def instant(text: object) -> datetime | None:
    """Return an RFC 3339 instant, None for nothing; fractions of any length.  Raises `ValueError`, `TypeError`."""
    if not text:
        return None
    if not isinstance(text, str):
        raise TypeError("not an instant")
    head, _, tail = text.replace("Z", "+00:00").partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    found = datetime.fromisoformat(head + (f".{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}" if digits else ""))
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
