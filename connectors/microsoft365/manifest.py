"""What this connector can do about each kind, and the least permissions for it, as data."""

from __future__ import annotations

from datetime import timedelta

from connectors.contract import KindManifest, Manifest
from models.vocabulary import Confirmation, EntitlementKind, Restores, Service

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

MANIFEST = Manifest.of(
    Service.MICROSOFT365,
    [
        KindManifest(
            EntitlementKind.SIGN_IN,
            order=0,
            confirmation=Confirmation.READ,
            read_scopes=READ_USERS,
            write_scopes=DISABLE,
            # access tokens live about an hour; apps with continuous access evaluation refuse within 15 minutes
            residual=timedelta(hours=1),
            source="learn.microsoft.com/graph/api/user-update",
        ),
        KindManifest(
            EntitlementKind.SESSION,
            order=10,
            confirmation=Confirmation.READ,
            read_scopes=READ_USERS,
            write_scopes=END_SESSIONS,
            stamped=True,
            restores=Restores.RE_ENROL,
            residual=timedelta(hours=1),
            source="learn.microsoft.com/graph/api/user-revokesigninsessions",
        ),
        KindManifest(
            EntitlementKind.GRANT,
            order=20,
            confirmation=Confirmation.READ,
            read_scopes=READ_GRANTS,
            write_scopes=WRITE_GRANTS + WRITE_APP_ROLES,
            restores=Restores.RE_ENROL,
            residual=timedelta(hours=1),
            source="learn.microsoft.com/graph/api/oauth2permissiongrant-delete",
        ),
        KindManifest(
            EntitlementKind.ROLE,
            order=25,
            confirmation=Confirmation.READ,
            read_scopes=READ_ROLES + READ_ELIGIBLE,
            write_scopes=WRITE_ROLES + WRITE_ELIGIBLE,
            plan="any; eligible roles need Entra ID P2 or ID Governance",
            source="learn.microsoft.com/graph/api/unifiedroleassignment-delete",
        ),
        KindManifest(
            EntitlementKind.GROUP,
            order=30,
            confirmation=Confirmation.READ,
            read_scopes=READ_GROUPS,
            write_scopes=WRITE_MEMBERS + WRITE_OWNERS,
            source="learn.microsoft.com/graph/api/group-delete-members",
        ),
    ],
)
