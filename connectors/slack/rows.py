"""The rows of a listing, and a receipt's outcomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from connectors.contract import cannot_look
from connectors.kit.exchange import Row
from connectors.slack.manifest import NO_TOKENS
from models.vocabulary import Entitlement, EntitlementState, Guard, Json, RevocationResult, Service
from models.vocabulary import EntitlementKind as K

Outcome: TypeAlias = "tuple[RevocationResult, str]"
"""A receipt's result, and a sentence where it needs one."""

COMMANDED: Outcome = (RevocationResult.COMMANDED, "")
ABSENT: Outcome = (RevocationResult.ALREADY_ABSENT, "")

_CHANNEL_MANAGER = "Rl0A"
_LOCKS = ("is_membership_locked", "is_editing_restricted", "is_org_level")


def by_hand(row: Entitlement) -> Entitlement:
    """Return the row of an open account as one that only a person can close on this plan."""
    problem = "slack: cannot deactivate the account: plus_teams_only (SCIM starts with Business+); it is active"
    remedy = "Deactivate the account in Slack's admin console (Manage members); the next read shows it."
    return replace(row, by_hand=True, problem=problem, remedy=remedy)


def no_tokens(account_id: str) -> Entitlement:
    remedy = (
        "Look through the apps that the person installed (Manage apps, or team.integrationLogs), hand them over or remove them, "
        "and attest; or settle it for the tenant with a standing waiver."
    )
    return cannot_look(Service.SLACK, account_id, K.GRANT, EntitlementState.NO_API, problem=NO_TOKENS, remedy=remedy)


def session_row(account_id: str, session: Row) -> Entitlement:
    """Return the row of one session: `<workspace>/<number>`."""
    seen = session.get("recent") or session.get("created") or {}
    vendor_id = f"{session['team_id']}/{session['session_id']}"
    return Entitlement(Service.SLACK, account_id, K.SESSION, vendor_id, label=str(seen.get("os") or ""))


def rank_row(account_id: str, name: str) -> Entitlement:
    """Return the row of an account's own rank; its id is the flag's name."""
    guard = Guard.PRIMARY_OWNER if name == "is_primary_owner" else None
    label = name.removeprefix("is_").replace("_", " ")
    return Entitlement(Service.SLACK, account_id, K.ROLE, name, label=label, guard=guard)


def role_row(account_id: str, row: Row, *, alone: bool) -> Entitlement:
    """Return the row of a role assignment, `<role>/<entity>`; a channel's last manager is guarded."""
    role, entity = str(row.get("role_id")), str(row.get("entity_id"))
    guard = Guard.LAST_OWNER if alone and role == _CHANNEL_MANAGER else None
    prestate: dict[str, Json] = {"role_id": role, "entity_id": entity}
    return Entitlement(Service.SLACK, account_id, K.ROLE, f"{role}/{entity}", guard=guard, prestate=prestate)


def group_row(account_id: str, group: Row) -> Entitlement:
    """Return the row of a membership, `<workspace>/<group>`."""
    vendor_id, label = f"{group['team_id']}/{group['id']}", str(group.get("name") or "")
    return Entitlement(Service.SLACK, account_id, K.GROUP, vendor_id, label=label, guard=group_guard(group))


def group_guard(group: Row) -> Guard | None:
    """Return the guard of a user group whose members the API must not change: the identity provider's, or locked."""
    if group.get("is_idp_group") is True:
        return Guard.MASTERED_ELSEWHERE
    return Guard.PRIVILEGED if any(group.get(name) is True for name in _LOCKS) else None


def refused(why: str) -> Outcome:
    """Return the outcome of a refusal, Slack's or, before any write, our own."""
    return RevocationResult.REFUSED, why
