"""
One exchange with a vendor: request, answer, evidence, and the error that a failure means.

The same for every vendor and HTTP stack; a vendor's error codes are data (`ErrorCodes`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, TypeAlias

from connectors.errors import ConnectorError, Denied, NotOnPlan, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from models.vocabulary import Evidence

Row: TypeAlias = "dict[str, Any]"
"""A JSON object."""

Trace: TypeAlias = "list[Evidence]"
"""The exchanges of one listing or one write, in order, failed tries included."""

_LONGEST_WAIT = 10**9
"""Seconds (thirty years); a longer Retry-After is a mistake and is ignored."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer.  Header names are in lower case.  Without slots, so that a page of a thousand rows is parsed once."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_redirect(self) -> bool:
        """Whether it is a redirect, which is never followed and whose body is not about the request."""
        return 300 <= self.status < 400

    @cached_property
    def body(self) -> Row | None:
        try:
            read = json.loads(self.content)
        except (ValueError, RecursionError):
            return None
        return read if isinstance(read, dict) else None

    @property
    def date(self) -> datetime | None:
        """The vendor's clock, as its Date header has it."""
        return http_date(self.headers.get("date", ""))

    @property
    def retry_after(self) -> timedelta | None:
        """
        How long the vendor asks to wait (RFC 9110, section 10.2.3): seconds (fractions too), or until a date, by the vendor's
        clock if it sends a Date.  None for anything else, negative numbers included.
        """
        text = self.headers.get("retry-after", "").strip()
        try:
            seconds = float(text)
        except ValueError:
            if (until := http_date(text)) is None:
                return None
            seconds = max((until - (self.date or datetime.now(UTC))).total_seconds(), 0.0)
        return timedelta(seconds=seconds) if math.isfinite(seconds) and 0 <= seconds < _LONGEST_WAIT else None


def http_date(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def lower(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return *headers* with names in lower case and each value one string."""
    return {name.lower(): value[0] if isinstance(value, list) else str(value) for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class ErrorCodes:
    """
    A vendor's error codes, each compared whole: `team_not_found` is not `user_not_found`.

    *passing*: try again later, with any status.  *remedies*: by code, what to do.
    """

    throttled: frozenset[str] = frozenset()
    passing: frozenset[str] = frozenset()
    not_on_plan: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    remedies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    One request; create it at the moment of sending.

    *who* and *doing* are the words of its errors (*who: cannot doing: code*) and name ids only; *what* is method and path;
    *query* a read's parameters, None for a write.  *write*: once sent, it may have changed something.
    """

    who: str
    doing: str
    what: str
    query: str | None = None
    body: bytes | None = None
    write: bool = False
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def evidence(self, reply: Reply | None, code: str | None = None) -> Evidence:
        """Return the exchange as evidence: digests, never contents.  *reply*: None if no answer came."""
        return Evidence(
            what=self.what,
            sent_at=self.sent_at,
            received_at=datetime.now(UTC),
            status=None if reply is None else reply.status,
            code=code,
            request_sha256=hashlib.sha256(self.body).hexdigest() if self.body else None,
            response_sha256=None if reply is None else hashlib.sha256(reply.content).hexdigest(),
            vendor_at=None if reply is None else reply.date,
            query=self.query,
        )

    def lost(
        self, why: BaseException | str, trace: Trace, *, never_sent: bool = False, remedy: str | None = None
    ) -> ConnectorError:
        """
        Return the error for an exchange without a readable answer: for a write, `OutcomeUnknown`.

        *never_sent*: the request surely did not leave.  Of an exception only the class is named: its text may name people.
        """
        name = why if isinstance(why, str) else type(why).__name__
        kind = OutcomeUnknown if self.write and not never_sent else Unreachable
        return kind(f"{self.who}: cannot {self.doing}: {name}", evidence=trace, remedy=remedy)

    def unintelligible(self, why: str, trace: Trace) -> Unintelligible:
        """Return the error for an answer that we do not understand, of a request that changed nothing or is read back."""
        return Unintelligible(f"{self.who}: cannot {self.doing}: {why}", evidence=trace)

    def odd_success(self, why: str, trace: Trace) -> ConnectorError:
        """Return the error for a success that cannot be read: a write may have been carried out."""
        kind = OutcomeUnknown if self.write else Unintelligible
        return kind(f"{self.who}: cannot {self.doing}: {why}", evidence=trace)

    def failure(
        self, reply: Reply, code: str | None, codes: ErrorCodes, trace: Trace, *, remedy: str | None = None
    ) -> ConnectorError:
        """
        Return the error for an unsuccessful answer: *code* is the vendor's, *remedy* takes precedence over that of *codes*.

        A write may have been carried out if its answer is a redirect, or has a status of success and a body that is not one.
        """
        text, evidence = f"{self.who}: cannot {self.doing}: {code or f'HTTP {reply.status}'}", trace
        remedy = remedy or codes.remedies.get(code or "")
        unknown = OutcomeUnknown if self.write else Unreachable
        waits = reply.status == 503 and not self.write and reply.retry_after is not None
        if reply.status == 429 or (code in codes.throttled and reply.status < 500) or waits:
            return Throttled(text, retry_after=reply.retry_after, code=code, evidence=evidence)
        if reply.is_redirect or (self.write and reply.status < 400 and code is None):
            return (OutcomeUnknown if self.write else Unintelligible)(text, evidence=evidence)
        if reply.status >= 500 or reply.status == 408 or code in codes.passing:
            return unknown(text, code=code, evidence=evidence)
        if code in codes.not_on_plan:
            return NotOnPlan(text, code=code, evidence=evidence, remedy=remedy)
        if code in codes.denied or reply.status in {401, 403}:
            return Denied(text, code=code, evidence=evidence, remedy=remedy)
        return Unintelligible(text, code=code, evidence=evidence)
