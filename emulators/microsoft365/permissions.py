"""
Which app permissions open which call, as data.

Lists only the least permission of Microsoft's table and its writing counterpart: an emulator that is stricter than the
tenant is safe, a laxer one proves nothing.
"""

from __future__ import annotations

from typing import TypeAlias

Alternatives: TypeAlias = "tuple[frozenset[str], ...]"


def _any(*names: str) -> Alternatives:
    return tuple(frozenset(name.split("+")) for name in names)


READ_USERS = _any("User.Read.All", "User.ReadWrite.All")
READ_MEMBER_OF = _any("Directory.Read.All", "User.Read.All")
READ_GROUPS = _any("GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All")
READ_GRANTS = _any("Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All")
READ_APP_ROLES = _any("Directory.Read.All", "AppRoleAssignment.ReadWrite.All")
READ_ROLES = _any("RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory")
READ_ELIGIBLE = _any("RoleEligibilitySchedule.Read.Directory", "RoleEligibilitySchedule.ReadWrite.Directory")
READ_APPLICATIONS = _any("Application.Read.All", "Directory.Read.All")
READ_LICENCES = _any("LicenseAssignment.Read.All", "Directory.Read.All")
READ_TENANT = _any("Directory.Read.All", "User.Read.All")
READ_AUDIT = _any("AuditLogsQuery.Read.All")
READ_LOGS = _any("AuditLog.Read.All")

ENABLE_DISABLE = _any("User.EnableDisableAccount.All+User.Read.All", "User.ReadWrite.All")
WRITE_USERS = _any("User.ReadWrite.All")
REVOKE_SESSIONS = _any("User.RevokeSessions.All")
WRITE_MEMBERS = _any("GroupMember.ReadWrite.All", "Group.ReadWrite.All")
WRITE_OWNERS = _any("Group.ReadWrite.All")
WRITE_ROLES = _any("RoleManagement.ReadWrite.Directory")
WRITE_ELIGIBLE = _any("RoleEligibilitySchedule.ReadWrite.Directory")
WRITE_GRANTS = _any("DelegatedPermissionGrant.ReadWrite.All")
WRITE_APP_ROLES = _any("AppRoleAssignment.ReadWrite.All")

READ_TIER = frozenset(
    {
        "User.Read.All",
        "GroupMember.Read.All",
        "Directory.Read.All",
        "RoleManagement.Read.Directory",
        "RoleEligibilitySchedule.Read.Directory",
        "Application.Read.All",
        "LicenseAssignment.Read.All",
        "AuditLogsQuery.Read.All",
        "AuditLog.Read.All",
    }
)
WRITE_TIER = frozenset(
    {
        "User.Read.All",
        "User.EnableDisableAccount.All",
        "User.RevokeSessions.All",
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "RoleManagement.ReadWrite.Directory",
        "RoleEligibilitySchedule.ReadWrite.Directory",
        "DelegatedPermissionGrant.ReadWrite.All",
        "AppRoleAssignment.ReadWrite.All",
    }
)
KNOWN = READ_TIER | WRITE_TIER | {"User.ReadWrite.All", "RoleEligibilitySchedule.Remove.Directory"}


def opens(alternatives: Alternatives, held: frozenset[str]) -> bool:
    """Whether *held* contains one of *alternatives* whole."""
    return any(needed <= held for needed in alternatives)
