"""What Slack lets us do about each kind, on each plan."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from connectors.contract import KindManifest, Manifest
from models.vocabulary import Confirmation, Restorability, Service
from models.vocabulary import EntitlementKind as K


class SlackPlan(StrEnum):
    """Slack's plans as far as they differ for us.  Free counts as Pro: neither has SCIM."""

    PRO = "pro"
    BUSINESS_PLUS = "business_plus"
    ENTERPRISE = "enterprise"


NO_TOKENS = (
    "Slack lists nobody's tokens or apps. The tokens of the person end with the deactivation; bots, incoming webhooks "
    "and slash commands that the person made stay alive."
)
_CALLS = "docs.slack.dev/reference/methods/"
_SIGN_IN = KindManifest(
    K.SIGN_IN, 0, Confirmation.READ, ("users:read", "admin"), ("admin",),
    plan="business_plus", source="docs.slack.dev/admins/scim-api",
)  # fmt: skip
_SESSION = KindManifest(
    K.SESSION, 10, Confirmation.READ, ("users:read", "admin.users:read", "admin.teams:read"), ("admin.users:write",),
    plan="enterprise", restores=Restorability.RE_ENROL, source=f"{_CALLS}admin.users.session.reset",
)  # fmt: skip
_ROLE = KindManifest(
    K.ROLE, 20, Confirmation.READ, ("admin.roles:read",), ("admin.roles:write",),
    plan="enterprise", source=f"{_CALLS}admin.roles.removeAssignments",
)  # fmt: skip
_GROUP = KindManifest(
    K.GROUP, 30, Confirmation.READ, ("usergroups:read", "users:read"), ("usergroups:write",),
    source=f"{_CALLS}usergroups.users.update",
)  # fmt: skip
_GRANT = KindManifest(
    K.GRANT, 40, restores=Restorability.RE_ENROL, no_api=NO_TOKENS, source="slack.com/help/articles/360000446446"
)


def manifest_for(plan: SlackPlan) -> Manifest:
    """
    Return the manifest of *plan*.

    Below Enterprise there is no session or role API: Slack documents that a deactivation signs the person out on all
    devices (help article 204475027), and an account's own rank ends with the account.
    """
    if plan is SlackPlan.ENTERPRISE:
        group = replace(_GROUP, read_scopes=(*_GROUP.read_scopes, "admin.teams:read"))
        return Manifest.of(Service.SLACK, (_SIGN_IN, _SESSION, _ROLE, group, _GRANT))
    # Slack does not document whether a reactivated account has its old rank, and no request gives it back
    rank = replace(_implied(_ROLE), restores=Restorability.NOT_RESTORABLE)
    return Manifest.of(Service.SLACK, (_SIGN_IN, _implied(_SESSION), rank, _GROUP, _GRANT))


def _implied(row: KindManifest) -> KindManifest:
    return replace(
        row, confirmation=Confirmation.IMPLIED_BY, implied_by=K.SIGN_IN,
        read_scopes=("users:read",), write_scopes=(), plan="any",
    )  # fmt: skip


MANIFEST = manifest_for(SlackPlan.BUSINESS_PLUS)
"""Until a probe has seen the plan."""
