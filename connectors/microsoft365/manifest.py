"""What this connector can do about each kind, and the least permissions for it, as data."""

from __future__ import annotations

from datetime import timedelta

from connectors.contract import KindManifest, Manifest
from models.vocabulary import Confirmation, Restorability, Service
from models.vocabulary import EntitlementKind as K

READ_USERS = ("User.Read.All",)
READ_GROUPS = ("Directory.Read.All", "GroupMember.Read.All", "User.Read.All")
READ_GRANTS = ("Directory.Read.All",)
READ_ROLES = ("RoleManagement.Read.Directory",)
READ_ELIGIBLE = ("RoleEligibilitySchedule.Read.Directory",)
READ_APPLICATIONS = ("Application.Read.All",)
READ_LICENCES = ("LicenseAssignment.Read.All",)

DISABLE = ("User.EnableDisableAccount.All", "User.Read.All")
END_SESSIONS = ("User.RevokeSessions.All",)
WRITE_GRANTS = ("DelegatedPermissionGrant.ReadWrite.All",)
WRITE_APP_ROLES = ("AppRoleAssignment.ReadWrite.All",)
WRITE_ROLES = ("RoleManagement.ReadWrite.Directory",)
WRITE_ELIGIBLE = ("RoleEligibilitySchedule.ReadWrite.Directory",)
WRITE_MEMBERS = ("GroupMember.ReadWrite.All",)
WRITE_OWNERS = ("Group.ReadWrite.All",)

SUPERSEDED = {
    "GroupMember.Read.All": frozenset({"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All"}),
    "RoleManagement.Read.Directory": frozenset({"RoleManagement.ReadWrite.Directory"}),
    "RoleEligibilitySchedule.Read.Directory": frozenset({"RoleEligibilitySchedule.ReadWrite.Directory"}),
    "User.EnableDisableAccount.All": frozenset({"User.ReadWrite.All"}),
    "User.Read.All": frozenset({"User.ReadWrite.All"}),
}
"""Wider permissions that contain a needed one: with these, the needed one does not count as missing."""

_TOKENS_LIVE = timedelta(hours=1)
"""About; apps with continuous access evaluation refuse them within 15 minutes."""
_CALLS = "learn.microsoft.com/graph/api/"

MANIFEST = Manifest.of(Service.MICROSOFT365, (
    KindManifest(
        K.SIGN_IN, 0, Confirmation.READ, READ_USERS, DISABLE, residual=_TOKENS_LIVE, source=f"{_CALLS}user-update",
    ),
    KindManifest(
        K.SESSION, 10, Confirmation.READ, READ_USERS, END_SESSIONS, restores=Restorability.RE_ENROL,
        stamped=True, residual=_TOKENS_LIVE, source=f"{_CALLS}user-revokesigninsessions",
    ),
    KindManifest(
        K.GRANT, 20, Confirmation.READ, READ_GRANTS, WRITE_GRANTS + WRITE_APP_ROLES, restores=Restorability.RE_ENROL,
        residual=_TOKENS_LIVE, source=f"{_CALLS}oauth2permissiongrant-delete",
    ),
    KindManifest(
        K.ROLE, 25, Confirmation.READ, READ_ROLES + READ_ELIGIBLE, WRITE_ROLES + WRITE_ELIGIBLE,
        plan="any; eligible roles need Entra ID P2 or ID Governance", source=f"{_CALLS}unifiedroleassignment-delete",
    ),
    KindManifest(
        K.GROUP, 30, Confirmation.READ, READ_GROUPS, WRITE_MEMBERS + WRITE_OWNERS,
        source=f"{_CALLS}group-delete-members",
    ),
))  # fmt: skip
