"""
What became of a request to Graph: the body of its answer, or one of the house's errors by the vendor's own code.

Whether a request went by itself or in a batch, its answer means the same.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from datetime import datetime

import httpx
from azure.core.exceptions import AzureError

from connectors.errors import ConnectorError, Denied, Unintelligible
from connectors.kit.exchange import Codes, Exchange, Reply, Row, Trace
from connectors.microsoft365.answers import entra_code, graph_code

GRAPH = Codes(
    not_on_plan=frozenset({"AadPremiumLicenseRequired", "Authentication_RequestFromNonPremiumTenantOrB2CTenant"})
)
ENTRA = Codes(passing=frozenset({"AADSTS90033", "temporarily_unavailable", "server_error"}))

NOTHING_GONE: frozenset[tuple[int, str]] = frozenset()
GONE = frozenset({(404, "Request_ResourceNotFound")})
"""No such object, or no such link: the directory says the same for both."""
GONE_ELIGIBILITY = frozenset({(400, "RoleAssignmentDoesNotExist")})
"""Seen in the field also as the answer to the very call that removed it."""

_REFUSALS = frozenset(
    {
        "Request_BadRequest",
        "ActiveDurationTooShort",
        "PendingRoleAssignmentRequest",
        "RoleAssignmentExists",
        "RoleAssignmentRequestPolicyValidationFailed",
    }
)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_SIGN_IN_REMEDY = "Check LASTDAY_MICROSOFT365_TENANT_ID, _CLIENT_ID and the secret or certificate (expired?) against the app registration."


class NotThere(Unintelligible):
    """The vendor says that the object, or the link, does not exist.  Callers decide by a read what that means."""


class Refused(Unintelligible):
    """The directory cannot carry out the request because of the object's state."""

    remedy = "Read the vendor's code, and the account or group in the Entra admin centre."


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of one request: a *reply*, or a *failure* in its place.  Beside a reply, a failure says why that is not believed.

    *exchange* is the one that was had last: the sign-in, where no token was to be had.  *of_batch*: the reply was given to a whole
    batch; what it says of absence, plan or permission is about no one request in it.
    """

    exchange: Exchange
    received_at: datetime
    reply: Reply | None = None
    failure: Exception | str | None = None
    of_batch: bool = False


def judge(
    outcome: Outcome, trace: Trace, *, needs: tuple[str, ...] = (), gone: frozenset[tuple[int, str]] = NOTHING_GONE
) -> Row | None:
    """
    Add the exchange to *trace* and return the body: None for 204, and for an empty success of a write.  Raises what else it means.

    *needs*: the app permissions to name in a refusal.  *gone*: status and code of the answers that mean "not there".
    """
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


def grant_remedy(permissions: tuple[str, ...]) -> str | None:
    """Return the sentence that names the app permissions to consent to."""
    if not permissions:
        return None
    return f"Give our application the app permission {' and '.join(permissions)}, with admin consent, then run again."


def _code(reply: Reply | None, failure: Exception | str | None) -> str | None:
    if reply is None or not (failure is None or isinstance(failure, AzureError)):
        return None
    return graph_code(reply) if failure is None else entra_code(reply)


def _refused(
    outcome: Outcome,
    reply: Reply,
    code: str | None,
    trace: Trace,
    needs: tuple[str, ...],
    gone: frozenset[tuple[int, str]],
) -> ConnectorError:
    exchange = outcome.exchange
    if outcome.of_batch:
        return exchange.failure(reply, code, Codes(), trace)
    text = f"{exchange.who}: cannot {exchange.doing}: {code}"
    if (reply.status, code) in gone:
        return NotThere(text, code=code, evidence=tuple(trace))
    if reply.status == 400 and exchange.write and code in _REFUSALS:
        return Refused(text, code=code, evidence=tuple(trace))
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
    # the SDK, decoding the claims of a 401: nothing was done
    text = f"{exchange.who}: cannot {exchange.doing}: a challenge for another token that is not readable"
    return Denied(text, evidence=tuple(trace))


def _no_token(exchange: Exchange, reply: Reply, code: str | None, trace: Trace) -> ConnectorError:
    """Nothing was sent to Graph, so nothing was done, whatever the request was."""
    if 400 <= reply.status < 500 and reply.status not in {408, 429} and code not in ENTRA.passing:
        text = f"{exchange.who}: cannot {exchange.doing}: {code or f'HTTP {reply.status}'}"
        return Denied(text, code=code, evidence=tuple(trace), remedy=_SIGN_IN_REMEDY)
    return exchange.failure(reply, code, ENTRA, trace)


def _certificate_remedy(error: BaseException) -> str | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "The server's certificate is not trusted: set LASTDAY_CA_BUNDLE to its authority's PEM file."
        cause = cause.__cause__ or cause.__context__
    return None
