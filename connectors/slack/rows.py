"""The rows of a listing, in Slack's terms."""

from __future__ import annotations

from dataclasses import replace

from connectors.contract import cannot_look
from connectors.kit.exchange import Row
from connectors.slack.manifest import NO_TOKENS
from models.vocabulary import ACCOUNT, Entitlement, EntitlementKind, EntitlementState, Guard, Json, Service

_CHANNEL_MANAGER = "Rl0A"
_LOCKS = ("is_membership_locked", "is_editing_restricted", "is_org_level")


def by_hand(account_id: str, guard: Guard | None) -> Entitlement:
    """Return the row of an account that is open, and that only a person can close on this plan."""
    return replace(
        _row(account_id, EntitlementKind.SIGN_IN, ACCOUNT, guard=guard),
        by_hand=True,
        problem="slack: cannot deactivate the account: plus_teams_only (SCIM starts with Business+); it is active",
        remedy="Deactivate the account in Slack's admin console (Manage members); the next read shows it.",
    )


def no_tokens(account_id: str) -> Entitlement:
    """Return the row for what no plan can list."""
    return cannot_look(
        Service.SLACK,
        account_id,
        EntitlementKind.GRANT,
        EntitlementState.NO_API,
        problem=NO_TOKENS,
        remedy="Look through the apps that the person installed (Manage apps, or team.integrationLogs), hand them "
        "over or remove them, and attest; or settle it for the tenant with a standing waiver.",
    )


def sign_in_row(account_id: str, guard: Guard | None, prestate: dict[str, Json]) -> Entitlement:
    """Return the row of an open account."""
    return _row(account_id, EntitlementKind.SIGN_IN, ACCOUNT, guard=guard, prestate=prestate)


def every_session_row(account_id: str) -> Entitlement:
    """Return the one row that stands for the sessions of an open account where Slack does not list them."""
    return _row(account_id, EntitlementKind.SESSION, ACCOUNT, label="all devices; they end with the block")


def _row(
    account_id: str,
    kind: EntitlementKind,
    vendor_id: str,
    *,
    label: str = "",
    guard: Guard | None = None,
    prestate: dict[str, Json] | None = None,
) -> Entitlement:
    return Entitlement(Service.SLACK, account_id, kind, vendor_id, label=label, guard=guard, prestate=prestate or {})


def session_row(account_id: str, session: Row) -> Entitlement:
    """Return the row of one session: `<workspace>/<number>`."""
    seen = session.get("recent") or session.get("created") or {}
    vendor_id = f"{session['team_id']}/{session['session_id']}"
    return _row(account_id, EntitlementKind.SESSION, vendor_id, label=str(seen.get("os") or ""))


def rank_row(account_id: str, name: str) -> Entitlement:
    """Return the row of an account's own rank, by the flag's name."""
    guard = Guard.PRIMARY_OWNER if name == "is_primary_owner" else None
    return _row(account_id, EntitlementKind.ROLE, name, label=name.removeprefix("is_").replace("_", " "), guard=guard)


def role_row(account_id: str, row: Row, *, alone: bool) -> Entitlement:
    """Return the row of a role assignment, `<role>/<entity>`; a channel needs a manager."""
    role, entity = str(row.get("role_id")), str(row.get("entity_id"))
    guard = Guard.LAST_OWNER if alone and role == _CHANNEL_MANAGER else None
    return _row(account_id, EntitlementKind.ROLE, f"{role}/{entity}", guard=guard, prestate={"role_id": role, "entity_id": entity})  # fmt: skip


def group_row(account_id: str, group: Row) -> Entitlement:
    """Return the row of a membership, `<workspace>/<group>`."""
    vendor_id, guard = f"{group['team_id']}/{group['id']}", group_guard(group)
    return _row(account_id, EntitlementKind.GROUP, vendor_id, label=str(group.get("name") or ""), guard=guard)


def group_guard(group: Row) -> Guard | None:
    """Return what keeps the API away from a user group's members: the identity provider, or an owner's lock."""
    if group.get("is_idp_group") is True:
        return Guard.MASTERED_ELSEWHERE
    return Guard.PRIVILEGED if any(group.get(name) is True for name in _LOCKS) else None
