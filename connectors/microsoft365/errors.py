"""The outcome of a request to Graph, sent alone or in a batch: its body, or an error by Graph's code."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import httpx
from azure.core.exceptions import AzureError

from connectors.errors import ConnectorError, Denied, Unintelligible
from connectors.kit.exchange import ErrorCodes, Exchange, Reply, Row, Trace
from connectors.microsoft365.answers import entra_code, graph_code

GRAPH = ErrorCodes(
    not_on_plan=frozenset({"AadPremiumLicenseRequired", "Authentication_RequestFromNonPremiumTenantOrB2CTenant"})
)
ENTRA = ErrorCodes(passing=frozenset({"AADSTS90033", "temporarily_unavailable", "server_error"}))

Needs: TypeAlias = "tuple[str, ...]"
"""The app permissions to name in a refusal."""
Gone: TypeAlias = "frozenset[tuple[int, str]]"
"""Status and code of the answers that mean `NotFound`."""

NOTHING_GONE: Gone = frozenset()
GONE = frozenset({(404, "Request_ResourceNotFound")})
"""No such object, or no such link: the directory has one code for both."""
GONE_ELIGIBILITY = frozenset({(400, "RoleAssignmentDoesNotExist")})
"""Also seen as the answer to the call that removed the eligibility."""

_REFUSALS = frozenset({
    "Request_BadRequest", "ActiveDurationTooShort", "PendingRoleAssignmentRequest", "RoleAssignmentExists",
    "RoleAssignmentRequestPolicyValidationFailed",
})  # fmt: skip
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_SIGN_IN_REMEDY = "Check LASTDAY_MICROSOFT365_TENANT_ID, _CLIENT_ID and the secret or certificate (expired?) against the app registration."


class NotFound(Unintelligible):
    """The vendor says that the object or the link does not exist.  Callers read to see what that means."""


class RequestRefused(Unintelligible):
    """The directory cannot carry out the request because of the object's state."""

    remedy = "Read the vendor's code, and the account or group in the Entra admin centre."


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The outcome of one request: a *reply*, or a *failure*; with both, the failure says why the reply does not count.

    *exchange* is the last one made: the sign-in if that gave no token.  *of_batch*: the reply is to the whole batch, so its codes
    of absence, plan or permission are not about the single request.
    """

    exchange: Exchange
    received_at: datetime
    reply: Reply | None = None
    failure: Exception | str | None = None
    of_batch: bool = False


def judge(outcome: Outcome, trace: Trace, *, needs: Needs = (), gone: Gone = NOTHING_GONE) -> Row | None:
    """Add the exchange to *trace* and return the body, None for 204 and for a write's empty success; raises otherwise."""
    exchange, reply, failure = outcome.exchange, outcome.reply, outcome.failure
    code = _code(reply, failure)
    kept = exchange.evidence(reply, code)
    trace.append(replace(kept, received_at=outcome.received_at, status=kept.status or None))
    if reply is None or failure is not None:
        raise _failed(outcome, code, trace) from (failure if isinstance(failure, Exception) else None)
    if reply.status == 204 or (exchange.write and reply.status in {200, 201} and not reply.content):
        return None
    if reply.status not in {200, 201}:
        raise _refused(outcome, reply, code, trace, needs, gone)
    if reply.body is None:
        raise exchange.odd_success("the answer is not a JSON object", trace)
    return reply.body


def grant_remedy(permissions: Needs) -> str | None:
    if not permissions:
        return None
    return f"Give our application the app permission {' and '.join(permissions)}, with admin consent, then run again."


def _code(reply: Reply | None, failure: Exception | str | None) -> str | None:
    if reply is None or not (failure is None or isinstance(failure, AzureError)):
        return None
    return graph_code(reply) if failure is None else entra_code(reply)


def _refused(
    outcome: Outcome, reply: Reply, code: str | None, trace: Trace, needs: Needs, gone: Gone
) -> ConnectorError:
    exchange = outcome.exchange
    if outcome.of_batch:
        return exchange.failure(reply, code, ErrorCodes(), trace)
    text = f"{exchange.who}: cannot {exchange.doing}: {code}"
    if (reply.status, code) in gone:
        return NotFound(text, code=code, evidence=trace)
    if reply.status == 400 and exchange.write and code in _REFUSALS:
        return RequestRefused(text, code=code, evidence=trace)
    return exchange.failure(reply, code, GRAPH, trace, remedy=grant_remedy(needs) if reply.status == 403 else None)


def _failed(outcome: Outcome, code: str | None, trace: Trace) -> ConnectorError:
    exchange, reply, failure = outcome.exchange, outcome.reply, outcome.failure
    if isinstance(failure, AzureError) and reply is not None:
        return _no_token(exchange, reply, code, trace)
    if isinstance(failure, str):
        return exchange.lost(failure, trace) if reply is None else exchange.unintelligible(failure, trace)
    if isinstance(failure, httpx.HTTPError | AzureError):
        never_sent = isinstance(failure, (*_NEVER_SENT, AzureError))
        return exchange.lost(failure, trace, never_sent=never_sent, remedy=_certificate_remedy(failure))
    # raised by the SDK as it decodes the claims of a 401: nothing was done
    text = f"{exchange.who}: cannot {exchange.doing}: a challenge for another token that is not readable"
    return Denied(text, evidence=trace)


def _no_token(exchange: Exchange, reply: Reply, code: str | None, trace: Trace) -> ConnectorError:
    """Return the error of a failed sign-in: nothing was sent to Graph, so nothing was done."""
    if 400 <= reply.status < 500 and reply.status not in {408, 429} and code not in ENTRA.passing:
        text = f"{exchange.who}: cannot {exchange.doing}: {code or f'HTTP {reply.status}'}"
        return Denied(text, code=code, evidence=trace, remedy=_SIGN_IN_REMEDY)
    return exchange.failure(reply, code, ENTRA, trace)


def _certificate_remedy(error: BaseException) -> str | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "The server's certificate is not trusted: set LASTDAY_CA_BUNDLE to its authority's PEM file."
        cause = cause.__cause__ or cause.__context__
    return None
