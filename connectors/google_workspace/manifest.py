"""What lastday can do about each kind in Google Workspace, with the scopes."""

from __future__ import annotations

from datetime import timedelta

from connectors.contract import KindManifest, Manifest
from models.vocabulary import Confirmation, Restorability, Service
from models.vocabulary import EntitlementKind as K

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

STAMPS: dict[K, tuple[str, ...]] = {
    K.SESSION: ("RESET_SIGNIN_COOKIES", "SUSPEND_USER"),
    K.PASSWORD: ("CHANGE_PASSWORD",),
}
"""
The events of the admin log that end a kind.  Suspending resets the sign-in cookies as well.  A table, because Google
renames its events.
"""
STAMPING = frozenset({*STAMPS, K.SIGN_IN})
"""The kinds whose revocation leaves one of these events in the admin log."""
ADMIN_LAG = timedelta(minutes=15)
"""How late a record of the admin log is, except rarely (Admin Help 7061566)."""

_WEB_SESSIONS = timedelta(minutes=60)
MANIFEST = Manifest.of(Service.GOOGLE_WORKSPACE, (
    KindManifest(
        K.PASSWORD, -30, Confirmation.AUDIT_EVENT, (USER_READ, AUDIT_READ), (USER_WRITE,), restores=Restorability.RE_ENROL,
        frozen=True, stamped=True, residual=_WEB_SESSIONS, source="Directory users.update; Admin Help 6328616",
    ),
    KindManifest(
        K.RECOVERY, -30, Confirmation.READ, (USER_READ,), (USER_WRITE,), restores=Restorability.RE_ENROL,
        frozen=True, source="Directory users.update",
    ),
    KindManifest(
        K.SESSION, -20, Confirmation.AUDIT_EVENT, (USER_READ, AUDIT_READ), (SECURITY,), restores=Restorability.RE_ENROL,
        stamped=True, residual=_WEB_SESSIONS, source="Directory users.signOut; Admin Help 178854, 9565376",
    ),
    KindManifest(
        K.GRANT, -10, Confirmation.READ, (SECURITY,), (SECURITY,), restores=Restorability.RE_ENROL,
        source="Directory tokens",
    ),
    KindManifest(
        K.APP_PASSWORD, -10, Confirmation.READ, (SECURITY,), (SECURITY,), restores=Restorability.RE_ENROL,
        source="Directory asps",
    ),
    KindManifest(
        K.BACKUP_CODE, -10, Confirmation.READ, (SECURITY,), (SECURITY,), restores=Restorability.RE_ENROL,
        dies_with_block=True, source="Directory verificationCodes",
    ),
    KindManifest(
        K.SIGN_IN, 0, Confirmation.READ, (USER_READ,), (USER_WRITE,),
        residual=_WEB_SESSIONS, source="Directory users.update; Admin Help 33312",
    ),
    KindManifest(
        K.ROLE, 20, Confirmation.READ, (ROLE_READ, USER_READ), (ROLE_WRITE, USER_WRITE),
        source="Directory roleAssignments, users.makeAdmin",
    ),
    KindManifest(
        K.GROUP, 30, Confirmation.READ, (GROUP_READ,), (MEMBER_WRITE,), source="Directory groups, members",
    ),
))  # fmt: skip
