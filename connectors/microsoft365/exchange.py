"""
One request to Graph, and what came back to it: first the evidence, then the body or one of the house's errors.

Whether a request went by itself or in a batch, what its answer means is the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import httpx
from azure.core.exceptions import AzureError, HttpResponseError

from connectors.errors import ConnectorError, Denied, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from connectors.microsoft365.answers import NOTHING_GONE, Answer, Row, http_date, result, retry_after
from models.vocabulary import Evidence

Seen: TypeAlias = "list[Evidence]"

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One request.  *line* is its method and path, *query* what stands behind that; *id*, the client-request-id, is what Microsoft's
    support finds it by.

    *needs* are the permissions to name in a refusal, *gone* the answers that mean "not there".
    """

    line: str
    id: str
    query: str = ""
    content: bytes | None = None
    writes: bool = False
    needs: tuple[str, ...] = ()
    gone: frozenset[tuple[int, str]] = NOTHING_GONE


@dataclass(frozen=True, slots=True)
class Came:
    """
    What came back to a request: an answer, or the *failure* in its place.

    *instead* is the line of what was exchanged before the request could be, and failed: the token's.  *batch* is the id of the
    batch that it went in; *of_all* says that this was the batch's own answer, whose words are about no one request in it.
    """

    sent_at: datetime
    received_at: datetime
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    failure: Exception | None = None
    instead: str | None = None
    batch: str | None = None
    of_all: bool = False


def judge(asked: Asked, came: Came, seen: Seen) -> Row | None:
    """Return the body that came (None without one, see `result`) and add the exchange to *seen*; raises what else it means."""
    if came.failure is not None:
        seen.append(_evidence(asked, came, _aadsts(came.failure) if isinstance(came.failure, AzureError) else None))
        raise _failed(asked, came.failure, tuple(seen)) from came.failure
    status, content = came.status or 0, came.content or b""
    answer = Answer(asked.line, status, came.headers, content, asked.writes, asked.gone, asked.needs, came.of_all)
    seen.append(_evidence(asked, came, answer.code))
    return result(answer, tuple(seen))


def row_of(body: Row | None, seen: Seen) -> Row:
    """Return the body of a read; raises `Unintelligible` when there is none."""
    if body is None:
        raise Unintelligible("microsoft365: cannot read: the answer is empty", evidence=tuple(seen))
    return body


def _evidence(asked: Asked, came: Came, code: str | None) -> Evidence:
    """The digests are over the request's own bytes; of an answer in a batch, over its own body in compact JSON."""
    number = f"client-request-id {asked.id}" + (f" in batch {came.batch}" if came.batch is not None else "")
    content = None if came.instead is not None else asked.content
    return Evidence(
        what=came.instead or f"{asked.line} [{number}]",
        sent_at=came.sent_at,
        received_at=came.received_at,
        status=came.status,
        code=code,
        request_sha256=hashlib.sha256(content).hexdigest() if content else None,
        response_sha256=hashlib.sha256(came.content).hexdigest() if came.content is not None else None,
        vendor_at=http_date(came.headers.get("date", "")),
        query=asked.query if came.instead is None and not asked.writes else None,
    )


def _failed(asked: Asked, failure: Exception, evidence: tuple[Evidence, ...]) -> ConnectorError:
    if isinstance(failure, AzureError):
        return _no_token(failure, evidence)
    if isinstance(failure, httpx.HTTPError):
        return _no_answer(failure, asked, evidence)
    if isinstance(failure, ConnectorError):  # of the batch
        return type(failure)(f"microsoft365: cannot {asked.line}: {failure}", evidence=evidence)
    # the SDK, decoding the claims of a 401: nothing was done
    text = f"microsoft365: cannot {asked.line}: a challenge for another token that is not readable"
    return Denied(text, evidence=evidence)


def _no_answer(error: httpx.HTTPError, asked: Asked, evidence: tuple[Evidence, ...]) -> ConnectorError:
    text = f"microsoft365: cannot {asked.line}: {type(error).__name__}"
    if isinstance(error, _NEVER_SENT) or not asked.writes:
        return Unreachable(text, evidence=evidence, remedy=_certificate_remedy(error))
    return OutcomeUnknown(text, evidence=evidence)


def _no_token(error: AzureError, evidence: tuple[Evidence, ...]) -> ConnectorError:
    """Nothing was sent to Graph, so nothing was done, whatever the request was."""
    code = _aadsts(error)
    status = error.status_code if isinstance(error, HttpResponseError) else None
    text = f"microsoft365: cannot sign in to Entra: {code or status or type(error).__name__}"
    if status == 429:
        response: Any = error.response if isinstance(error, HttpResponseError) else None
        asked = retry_after({name.lower(): value for name, value in response.headers.items()})
        return Throttled(text, retry_after=asked, code=code, evidence=evidence)
    if status is not None and 300 <= status < 400:
        return Unintelligible(text, evidence=evidence)
    refused = status is not None and 400 <= status < 500 and code not in _PASSING
    if refused:
        return Denied(text, code=code, evidence=evidence, remedy=_SIGN_IN_REMEDY)
    return Unreachable(text, code=code, evidence=evidence, remedy=_certificate_remedy(error))


_PASSING = frozenset({"AADSTS90033", "temporarily_unavailable", "server_error"})
"""Entra's words for "try again": no fault of ours, whatever the status."""

_SIGN_IN_REMEDY = "Check LASTDAY_MICROSOFT365_TENANT_ID, _CLIENT_ID and the secret or certificate (expired?) against the app registration."


def _aadsts(error: AzureError) -> str | None:
    """Return `AADSTS…` from the body of Entra's refusal, else OAuth's own word for it.  A redirect is no refusal."""
    response: Any = error.response if isinstance(error, HttpResponseError) else None
    if response is not None and 300 <= response.status_code < 400:
        return None
    try:
        body = json.loads(response.body()) if response is not None else None
    except (ValueError, AttributeError):
        return None
    if not isinstance(body, dict):
        return None
    numbers, word = body.get("error_codes"), body.get("error")
    if isinstance(numbers, list) and numbers:
        return f"AADSTS{numbers[0]}"
    told = re.match(r"AADSTS\d+", str(body.get("error_description")))
    return told[0] if told is not None else word if isinstance(word, str) else None


def _certificate_remedy(error: BaseException) -> str | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "The server's certificate is not trusted: set LASTDAY_CA_BUNDLE to its authority's PEM file."
        cause = cause.__cause__ or cause.__context__
    return None
