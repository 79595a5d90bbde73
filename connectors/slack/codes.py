"""Slack's words for what went wrong, each compared whole: `team_not_found` is not `user_not_found`."""

from __future__ import annotations

import re

from connectors.errors import (
    ConnectorError,
    Denied,
    NotOnPlan,
    OutcomeUnknown,
    Throttled,
    Unintelligible,
    Unreachable,
)
from connectors.slack.answers import NAMELESS
from connectors.slack.exchange import Reply
from models.vocabulary import Evidence

THROTTLED = frozenset({"ratelimited", "rate_limited", "too_many_requests", "resource_locked"})
PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "user_session_reset_failed"}
)
NOT_ON_PLAN = frozenset(
    {
        "feature_not_enabled", "plus_teams_only", "paid_only", "paid_teams_only", "plan_upgrade_required",
        "invalid_workspace",
    }
)  # fmt: skip
DENIED = frozenset(
    {
        "missing_scope", "not_allowed_token_type", "invalid_auth", "not_authed", "token_revoked", "token_expired",
        "account_inactive", "not_an_admin", "access_denied", "no_permission", "permission_denied", "team_access_not_granted",
        "org_login_required", "enterprise_is_restricted", "user_not_visible", "two_factor_setup_required",
        "invalid_authentication", "missing_authentication", "non_org_teams_only", "team_not_authorized",
        "user_not_authorized", "ekm_access_denied",
    }
)  # fmt: skip

_WORD = re.compile(r"[A-Za-z0-9_.]{1,80}")
_REMEDIES = {
    "not_allowed_token_type": "Use a user token (xoxp-) of an administrator, from an app installed on the whole organisation.",
    "non_org_teams_only": "Install the app on the whole organisation: the token comes from one workspace only.",
    "team_not_authorized": "Install the app on the whole organisation: the token comes from one workspace only.",
    "user_not_authorized": "Let an Owner of the organisation install the app: administrators do not see the audit logs.",
    "token_revoked": "Issue a new token: the person it belonged to was deactivated, or somebody revoked it.",
    "account_inactive": "Issue a new token: the account it belonged to was deactivated.",
    "invalid_authentication": "Issue a new token: Slack does not know this one, or its person was deactivated.",
    "invalid_auth": "Issue a new token: Slack does not know this one.",
}


def word(code: object) -> str | None:
    """Return *code* if it is one of a vendor's words; anything longer may hold what does not belong into a log."""
    return code if isinstance(code, str) and _WORD.fullmatch(code) else None


def failure(
    act: str, reply: Reply, code: str | None, *, needed: str | None, write: bool, evidence: tuple[Evidence, ...]
) -> ConnectorError:
    """Return the exception for an answer that is not a success: *act* follows "cannot", *needed* is a missing scope."""
    told = f"slack: cannot {act}: {code or f'HTTP {reply.status}'}"
    if reply.status == 429 or code in THROTTLED:
        return Throttled(told, retry_after=reply.retry_after(), code=code, evidence=evidence)
    # a success by its status and without a word of refusal may be the answer to a write that was carried out, and so may a
    # redirect: 303 is what servers send after a form was taken
    vague = write and reply.status < 400 and (code is None or code.startswith(NAMELESS))
    if reply.status >= 500 or reply.status == 408 or code in PASSING or vague:
        kind = OutcomeUnknown if write else Unreachable
        return kind(told, code=code, evidence=evidence)
    if code in NOT_ON_PLAN:
        return NotOnPlan(told, code=code, evidence=evidence)
    if code == "missing_scope" and needed is not None:
        remedy = f"Add the scope {needed} to the app and install it again, then run the case again."
        return Denied(f"{told} (needs {needed})", code=code, evidence=evidence, remedy=remedy)
    if code in DENIED or reply.status in {401, 403}:
        return Denied(told, code=code, evidence=evidence, remedy=_REMEDIES.get(code or ""))
    return Unintelligible(told, code=code, evidence=evidence)
