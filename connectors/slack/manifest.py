"""What Slack lets us do about each kind, on each plan."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from connectors.contract import KindManifest, Manifest
from models.vocabulary import Confirmation, EntitlementKind, Restores, Service


class Plan(StrEnum):
    """Slack's plans as far as they differ for us.  Free counts as Pro: neither has SCIM."""

    PRO = "pro"
    BUSINESS_PLUS = "business_plus"
    ENTERPRISE = "enterprise"


NO_TOKENS = (
    "Slack lists nobody's tokens or apps. The tokens of the person end with the deactivation; bots, incoming webhooks "
    "and slash commands that the person made stay alive."
)
_SIGN_IN = KindManifest(
    EntitlementKind.SIGN_IN,
    order=0,
    confirmation=Confirmation.READ,
    read_scopes=("users:read", "admin"),
    write_scopes=("admin",),
    plan="business_plus",
    source="docs.slack.dev/admins/scim-api",
)
_SESSION = KindManifest(
    EntitlementKind.SESSION,
    order=10,
    confirmation=Confirmation.READ,
    read_scopes=("users:read", "admin.users:read", "admin.teams:read"),
    write_scopes=("admin.users:write",),
    plan="enterprise",
    restores=Restores.RE_ENROL,
    source="docs.slack.dev/reference/methods/admin.users.session.reset",
)
_ROLE = KindManifest(
    EntitlementKind.ROLE,
    order=20,
    confirmation=Confirmation.READ,
    read_scopes=("admin.roles:read",),
    write_scopes=("admin.roles:write",),
    plan="enterprise",
    source="docs.slack.dev/reference/methods/admin.roles.removeAssignments",
)
_GROUP = KindManifest(
    EntitlementKind.GROUP,
    order=30,
    confirmation=Confirmation.READ,
    read_scopes=("usergroups:read", "users:read"),
    write_scopes=("usergroups:write",),
    source="docs.slack.dev/reference/methods/usergroups.users.update",
)
_GRANT = KindManifest(
    EntitlementKind.GRANT,
    order=40,
    confirmation=Confirmation.READ,
    restores=Restores.RE_ENROL,
    no_api=NO_TOKENS,
    source="slack.com/help/articles/360000446446",
)


def manifest_for(plan: Plan) -> Manifest:
    """
    Return the manifest of *plan*.

    Below Enterprise there is no session or role API: Slack documents that a deactivation signs the person out on all
    devices (help article 204475027), and an account's own rank ends with the account.
    """
    if plan is Plan.ENTERPRISE:
        group = replace(_GROUP, read_scopes=(*_GROUP.read_scopes, "admin.teams:read"))
        return Manifest.of(Service.SLACK, (_SIGN_IN, _SESSION, _ROLE, group, _GRANT))
    # Slack does not document whether a reactivated account has its old rank, and no request gives it back
    rank = replace(_implied(_ROLE), restores=Restores.NOT_RESTORABLE)
    return Manifest.of(Service.SLACK, (_SIGN_IN, _implied(_SESSION), rank, _GROUP, _GRANT))


def _implied(row: KindManifest) -> KindManifest:
    return replace(
        row,
        confirmation=Confirmation.IMPLIED_BY,
        implied_by=EntitlementKind.SIGN_IN,
        read_scopes=("users:read",),
        write_scopes=(),
        plan="any",
    )


MANIFEST = manifest_for(Plan.BUSINESS_PLUS)
"""Until a probe has seen the plan."""
