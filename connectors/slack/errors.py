"""Slack's error codes, and the errors that they mean."""

from __future__ import annotations

import re
import socket
import ssl
from http.client import HTTPException
from urllib.error import URLError

from connectors.errors import ConnectorError, Denied
from connectors.kit.exchange import ErrorCodes, Exchange, Reply, Trace

BROKEN = (OSError, HTTPException, ValueError, LookupError)
"""What the SDK raises if no answer came, or if it cannot read the answer."""

LOCKED = "resource_locked"
"""SCIM: another client writes the same object.  Other objects are not throttled."""

CODES = ErrorCodes(
    throttled=frozenset({"ratelimited", "rate_limited", "too_many_requests", LOCKED}),
    passing=frozenset({
        "internal_error", "fatal_error", "service_unavailable", "request_timeout", "user_session_reset_failed",
    }),
    not_on_plan=frozenset({
        "feature_not_enabled", "plus_teams_only", "paid_only", "paid_teams_only", "plan_upgrade_required",
        "invalid_workspace",
    }),
    denied=frozenset({
        "missing_scope", "not_allowed_token_type", "invalid_auth", "not_authed", "token_revoked", "token_expired",
        "account_inactive", "not_an_admin", "access_denied", "no_permission", "permission_denied",
        "team_access_not_granted", "org_login_required", "enterprise_is_restricted", "user_not_visible",
        "two_factor_setup_required", "invalid_authentication", "missing_authentication", "non_org_teams_only",
        "team_not_authorized", "user_not_authorized", "ekm_access_denied",
    }),
    remedies={
        "not_allowed_token_type": "Use a user token (xoxp-) of an administrator, from an app installed on the whole organisation.",
        "non_org_teams_only": "Install the app on the whole organisation: the token comes from one workspace only.",
        "team_not_authorized": "Install the app on the whole organisation: the token comes from one workspace only.",
        "user_not_authorized": "Let an Owner of the organisation install the app: administrators do not see the audit logs.",
        "token_revoked": "Issue a new token: the person it belonged to was deactivated, or somebody revoked it.",
        "account_inactive": "Issue a new token: the account it belonged to was deactivated.",
        "invalid_authentication": "Issue a new token: Slack does not know this one, or its person was deactivated.",
        "invalid_auth": "Issue a new token: Slack does not know this one.",
    },
)  # fmt: skip

_NEVER_SENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
_SCOPES = re.compile(r"[a-z_.:,]{1,200}")


def lost(exchange: Exchange, error: BaseException, trace: Trace) -> ConnectorError:
    """Return the error for an exchange without a readable answer; *error* is one of `BROKEN`."""
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, BaseException) else error
    if isinstance(cause, ValueError | LookupError) and not isinstance(cause, _NEVER_SENT):
        return exchange.odd_success(f"unreadable answer, {type(cause).__name__}", trace)
    return exchange.lost(cause, trace, never_sent=isinstance(cause, _NEVER_SENT))


def failure(exchange: Exchange, reply: Reply, code: str | None, trace: Trace) -> ConnectorError:
    """Return the error for an unsuccessful answer.  A missing scope is named in the message and in the remedy."""
    error = exchange.failure(reply, code, CODES, trace)
    needed = (reply.body or {}).get("needed")
    if not isinstance(error, Denied) or code != "missing_scope":
        return error
    if not isinstance(needed, str) or _SCOPES.fullmatch(needed) is None:
        return error
    remedy = f"Add the scope {needed} to the app and install it again, then run the case again."
    return Denied(f"{error} (needs {needed})", code=code, evidence=error.evidence, remedy=remedy)
