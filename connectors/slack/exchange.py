"""One exchange with Slack: what was sent, what came back, and what is kept of it as evidence."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk.http_retry import RetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from connectors.errors import ConnectorError, OutcomeUnknown, Unintelligible, Unreachable
from models.vocabulary import Evidence

Trace = list[Evidence]
"""The exchanges of one look or one revocation, in order, failed tries included."""

BROKEN = (OSError, HTTPException, ValueError, LookupError)
"""What the SDK lets through when there is no answer, or none that it can read."""

_NEVER_SENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer.  Header names are in lower case; *raw* the body's bytes."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def is_redirect(self) -> bool:
        """Whether we are sent elsewhere, where we never go.  What such an answer says besides is not about the call."""
        return 300 <= self.status < 400

    def json(self) -> dict[str, Any] | None:
        """Return the body if it is a JSON object."""
        try:
            body = json.loads(self.raw)
        except ValueError:
            return None
        return body if isinstance(body, dict) else None

    def retry_after(self) -> timedelta | None:
        """Return what the vendor asks to wait: seconds, fractions of them, or an HTTP date; None for anything else."""
        text = self.headers.get("retry-after", "").strip()
        try:
            return timedelta(seconds=max(float(text), 0.0))
        except (ValueError, OverflowError):  # not a number: a date, or nothing that means anything
            until = moment(text)
            return None if until is None else max(until - datetime.now(UTC), timedelta(0))


def moment(text: str) -> datetime | None:
    """Return the instant of an HTTP date, None if it is not one."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@dataclass(slots=True)
class Record:
    """Evidence in the making: begun before the request leaves."""

    what: str
    query: str | None
    body: bytes | None
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def close(self, reply: Reply | None, code: str | None = None) -> Evidence:
        """Return the evidence; *reply* None when none came."""
        return Evidence(
            what=self.what,
            sent_at=self.sent_at,
            received_at=datetime.now(UTC),
            status=None if reply is None else reply.status,
            code=code,
            request_sha256=None if self.body is None else hashlib.sha256(self.body).hexdigest(),
            response_sha256=None if reply is None else hashlib.sha256(reply.raw).hexdigest(),
            vendor_at=None if reply is None else moment(reply.headers.get("date", "")),
            query=self.query,
        )


class Witness(RetryHandler):
    """
    Sees the answer's bytes, which the Web client throws away, through the only door the SDK has for that.

    It never asks for another try: retries have one owner, and it is not the SDK.
    """

    def __init__(self) -> None:
        super().__init__(max_retry_count=1)  # 0 would keep the SDK from asking, and so from showing
        self.reply: Reply | None = None

    def _can_retry(
        self,
        *,
        state: RetryState,  # noqa: ARG002  # the interface's
        request: HttpRequest,  # noqa: ARG002  # the interface's
        response: HttpResponse | None = None,
        error: Exception | None = None,  # noqa: ARG002  # the interface's
    ) -> bool:
        if response is not None:
            self.reply = Reply(response.status_code, lower(response.headers), response.data or b"")
        return False


def lower(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return *headers* with names in lower case and each value one string."""
    return {k.lower(): v[0] if isinstance(v, list) else str(v) for k, v in headers.items()}


def lost(act: str, error: BaseException, *, write: bool, evidence: tuple[Evidence, ...]) -> ConnectorError:
    """
    Return the exception for an exchange without a readable answer.

    Only what surely never left counts as not carried out: a refused connection, an unknown host, a certificate.  An answer
    to a write that cannot be read, half of one, says as little as none.
    """
    cause = error.reason if isinstance(error, URLError) else error
    name = type(cause).__name__
    if isinstance(cause, _NEVER_SENT):
        return Unreachable(f"slack: cannot {act}: {name}", evidence=evidence)
    if isinstance(error, (ValueError, LookupError)) and not write:
        return Unintelligible(f"slack: cannot {act}: unreadable answer, {name}", evidence=evidence)
    kind = OutcomeUnknown if write else Unreachable
    return kind(f"slack: cannot {act}: {name}", evidence=evidence)
