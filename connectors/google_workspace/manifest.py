"""What lastday can do about each kind in Google Workspace, with the scopes."""

from __future__ import annotations

from datetime import timedelta

from connectors.contract import KindManifest, Manifest
from models.vocabulary import Confirmation, EntitlementKind, Restores, Service

_AUTH = "https://www.googleapis.com/auth/"
USER_READ = _AUTH + "admin.directory.user.readonly"
USER_WRITE = _AUTH + "admin.directory.user"
SECURITY = _AUTH + "admin.directory.user.security"
"""Grants, app passwords, backup codes, sign-out: there is no read-only variant."""
GROUP_READ = _AUTH + "admin.directory.group.readonly"
MEMBER_WRITE = _AUTH + "admin.directory.group.member"
ROLE_READ = _AUTH + "admin.directory.rolemanagement.readonly"
ROLE_WRITE = _AUTH + "admin.directory.rolemanagement"
AUDIT_READ = _AUTH + "admin.reports.audit.readonly"

STAMPS: dict[EntitlementKind, tuple[str, ...]] = {
    EntitlementKind.SESSION: ("RESET_SIGNIN_COOKIES", "SUSPEND_USER"),
    EntitlementKind.PASSWORD: ("CHANGE_PASSWORD",),
}
"""
The events of the admin log that end a kind.  Suspending resets the sign-in cookies as well.  A table, because Google
renames its events.
"""
STAMPING = frozenset({*STAMPS, EntitlementKind.SIGN_IN})
"""The kinds whose revocation leaves one of these events in the admin log."""
ADMIN_LAG = timedelta(minutes=15)
"""How late a record of the admin log is, except rarely (Admin Help 7061566)."""

_WEB_SESSIONS = timedelta(minutes=60)

MANIFEST = Manifest.of(
    Service.GOOGLE_WORKSPACE,
    (
        KindManifest(
            EntitlementKind.PASSWORD,
            order=-30,
            confirmation=Confirmation.AUDIT_EVENT,
            read_scopes=(USER_READ, AUDIT_READ),
            write_scopes=(USER_WRITE,),
            restores=Restores.RE_ENROL,
            frozen=True,
            stamped=True,
            residual=_WEB_SESSIONS,
            source="Directory users.update; Admin Help 6328616",
        ),
        KindManifest(
            EntitlementKind.RECOVERY,
            order=-30,
            confirmation=Confirmation.READ,
            read_scopes=(USER_READ,),
            write_scopes=(USER_WRITE,),
            restores=Restores.RE_ENROL,
            frozen=True,
            source="Directory users.update",
        ),
        KindManifest(
            EntitlementKind.SESSION,
            order=-20,
            confirmation=Confirmation.AUDIT_EVENT,
            read_scopes=(USER_READ, AUDIT_READ),
            write_scopes=(SECURITY,),
            restores=Restores.RE_ENROL,
            stamped=True,
            residual=_WEB_SESSIONS,
            source="Directory users.signOut; Admin Help 178854, 9565376",
        ),
        KindManifest(
            EntitlementKind.GRANT,
            order=-10,
            confirmation=Confirmation.READ,
            read_scopes=(SECURITY,),
            write_scopes=(SECURITY,),
            restores=Restores.RE_ENROL,
            source="Directory tokens",
        ),
        KindManifest(
            EntitlementKind.APP_PASSWORD,
            order=-10,
            confirmation=Confirmation.READ,
            read_scopes=(SECURITY,),
            write_scopes=(SECURITY,),
            restores=Restores.RE_ENROL,
            source="Directory asps",
        ),
        KindManifest(
            EntitlementKind.BACKUP_CODE,
            order=-10,
            confirmation=Confirmation.READ,
            read_scopes=(SECURITY,),
            write_scopes=(SECURITY,),
            restores=Restores.RE_ENROL,
            dies_with_block=True,
            source="Directory verificationCodes",
        ),
        KindManifest(
            EntitlementKind.SIGN_IN,
            order=0,
            confirmation=Confirmation.READ,
            read_scopes=(USER_READ,),
            write_scopes=(USER_WRITE,),
            residual=_WEB_SESSIONS,
            source="Directory users.update; Admin Help 33312",
        ),
        KindManifest(
            EntitlementKind.ROLE,
            order=20,
            confirmation=Confirmation.READ,
            read_scopes=(ROLE_READ, USER_READ),
            write_scopes=(ROLE_WRITE, USER_WRITE),
            source="Directory roleAssignments, users.makeAdmin",
        ),
        KindManifest(
            EntitlementKind.GROUP,
            order=30,
            confirmation=Confirmation.READ,
            read_scopes=(GROUP_READ,),
            write_scopes=(MEMBER_WRITE,),
            source="Directory groups, members",
        ),
    ),
)
