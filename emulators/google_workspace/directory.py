"""Users: suspension, password, sign-out, grants, app passwords, backup codes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from emulators.google_workspace.calls import Call, Method, page
from emulators.google_workspace.errors import VendorRefusal, bad_token, invalid, not_found
from emulators.google_workspace.query import matcher
from emulators.google_workspace.state import CREATED, CUSTOMER, User
from emulators.google_workspace.times import rfc3339


def as_json(user: User) -> dict[str, Any]:
    """Return the User resource as an administrator sees it."""
    shown: dict[str, Any] = {
        "kind": "admin#directory#user",
        "id": user.id,
        "etag": f'"{hashlib.sha256(repr(user).encode()).hexdigest()[:16]}"',
        "primaryEmail": user.email,
        "name": {"givenName": user.given, "familyName": user.family, "fullName": f"{user.given} {user.family}"},
        "isAdmin": user.is_admin,
        "isDelegatedAdmin": user.is_delegated_admin,
        "lastLoginTime": rfc3339(CREATED),
        "creationTime": rfc3339(CREATED),
        "agreedToTerms": True,
        "suspended": user.suspended,
        "archived": user.archived,
        "changePasswordAtNextLogin": user.change_password,
        "ipWhitelisted": False,
        "emails": [{"address": a, "primary": a == user.email} for a in (user.email, *user.aliases)],
        "customerId": CUSTOMER,
        "orgUnitPath": "/",
        "isMailboxSetup": True,
        "isEnrolledIn2Sv": user.codes > 0,
        "isEnforcedIn2Sv": False,
        "includeInGlobalAddressList": True,
    }
    if user.employee_no:
        shown["externalIds"] = [{"value": user.employee_no, "type": "organization"}]
    if user.aliases:
        shown["aliases"] = list(user.aliases)
    if user.is_guest:
        shown["isGuestUser"] = True
    if user.suspended_at is not None:
        shown |= {"suspensionReason": user.suspension_reason, "suspensionTime": rfc3339(user.suspended_at)}
    if user.recovery_email:
        shown["recoveryEmail"] = user.recovery_email
    if user.recovery_phone:
        shown["recoveryPhone"] = user.recovery_phone
    return shown


def users_get(call: Call) -> dict[str, Any]:
    return as_json(call.tenant.as_read(call.user()))


def users_list(call: Call) -> dict[str, Any]:
    if ("customer" in call.query) == ("domain" in call.query):
        raise VendorRefusal(400, "badRequest", "Bad Request")
    call.check_customer(call.query.get("customer", CUSTOMER))
    if call.query.get("showDeleted") == "true":
        return {"kind": "admin#directory#users"}
    fits = matcher(call.query.get("query", ""))
    seen = (call.tenant.as_read(user) for user in call.tenant.users.values())
    rows = sorted((as_json(user) for user in seen if fits(user)), key=lambda shown: str(shown["primaryEmail"]))
    return {"kind": "admin#directory#users"} | page(call, rows, "users", default=100)


def users_update(call: Call) -> dict[str, Any]:
    """PUT with the semantics of a patch: omitted fields stay.  The answer has only the sent fields."""
    user, wanted = call.changeable_user(), call.body or {}
    unknown = wanted.keys() - _CHANGES.keys()
    if unknown or ("primaryEmail" in wanted and "suspended" in wanted):
        raise invalid(", ".join(sorted(unknown)) or "primaryEmail")
    call.tenant.before_change(user)
    for name, change in _CHANGES.items():  # in this order, not the body's
        if name in wanted:
            change(call, user, wanted)
    shown = as_json(user)
    return {key: shown[key] for key in ("kind", "id", "etag", "primaryEmail", *wanted) if key in shown}


def _suspend(call: Call, user: User, wanted: Mapping[str, Any]) -> None:
    suspended = wanted["suspended"]
    if suspended is user.suspended:
        return
    if not suspended and user.suspension_reason == "ABUSE":
        raise VendorRefusal(412, "adminCannotUnsuspend", "Cannot restore a user suspended for abuse.")
    call.tenant.suspend(user, call.actor, suspended=suspended)


def _password(call: Call, user: User, wanted: Mapping[str, Any]) -> None:
    password = wanted["password"]
    if not password.isascii() or not 8 <= len(password) <= 100:
        raise invalid("Invalid Password")
    user.password_sha256 = hashlib.sha256(password.encode()).hexdigest()
    for client_id in [g.client_id for g in user.grants.values() if "https://mail.google.com/" in g.scopes]:
        del user.grants[client_id]  # mail-scoped grants die with the password, app passwords do not
    call.tenant.record(call.actor, "CHANGE_PASSWORD", user)


def _change_password(call: Call, user: User, wanted: Mapping[str, Any]) -> None:
    user.change_password = wanted["changePasswordAtNextLogin"]
    if user.change_password:
        call.tenant.record(call.actor, "CHANGE_PASSWORD_ON_NEXT_LOGIN", user)


def _recovery_email(call: Call, user: User, wanted: Mapping[str, Any]) -> None:
    gone = user.recovery_email and not wanted["recoveryEmail"]
    user.recovery_email = wanted["recoveryEmail"] or ""
    if gone:
        call.tenant.record(call.actor, "REMOVE_RECOVERY_EMAIL", user)


def _recovery_phone(call: Call, user: User, wanted: Mapping[str, Any]) -> None:
    gone = user.recovery_phone and not wanted["recoveryPhone"]
    user.recovery_phone = wanted["recoveryPhone"] or ""
    if gone:
        call.tenant.record(call.actor, "REMOVE_RECOVERY_PHONE", user)


def _primary_email(call: Call, user: User, wanted: Mapping[str, Any]) -> None:
    """A former primary address stays as an alias."""
    user.aliases.append(user.email)
    user.email = wanted["primaryEmail"]


_CHANGES = {
    "primaryEmail": _primary_email,
    "password": _password,
    "changePasswordAtNextLogin": _change_password,
    "recoveryEmail": _recovery_email,
    "recoveryPhone": _recovery_phone,
    "suspended": _suspend,
}


def users_sign_out(call: Call) -> None:
    user = call.changeable_user()
    user.sessions = 0
    if call.tenant.options.sign_out_logged:
        call.tenant.record(call.actor, "RESET_SIGNIN_COOKIES", user)


def tokens_list(call: Call) -> dict[str, Any]:
    """List grants.  For suspended accounts, reports from the field differ (401, or the list): the tenant's option decides."""
    user = call.user()
    if user.suspended and call.tenant.options.tokens_after_suspension == "401":
        raise bad_token()
    rows = [
        {
            "kind": "admin#directory#token",
            "clientId": grant.client_id,
            "displayText": grant.name,
            "anonymous": False,
            "nativeApp": grant.native,
            "userKey": user.id,
            "scopes": list(grant.scopes),
        }
        for grant in user.grants.values()
    ]
    return {"kind": "admin#directory#tokenList"} | ({"items": rows} if rows else {})


def tokens_delete(call: Call) -> None:
    user = call.changeable_user()
    if user.suspended and call.tenant.options.tokens_after_suspension == "401":
        raise bad_token()
    grant = user.grants.pop(call.path["clientId"], None)
    if grant is None:
        raise not_found("clientId")
    call.tenant.record(call.actor, "REVOKE_3LO_TOKEN", user, APP_ID=grant.client_id)
    call.tenant.record_token(user, "revoke", grant.client_id)


def asps_list(call: Call) -> dict[str, Any]:
    user = call.user()
    rows = [
        {
            "kind": "admin#directory#asp",
            "codeId": asp.code_id,
            "name": asp.name,
            "creationTime": "1585699200000",
            "lastTimeUsed": "0",
            "userKey": user.id,
        }
        for asp in user.app_passwords.values()
    ]
    return {"kind": "admin#directory#aspList"} | ({"items": rows} if rows else {})


def asps_delete(call: Call) -> None:
    user, code_id = call.changeable_user(), int(call.path["codeId"])
    if user.app_passwords.pop(code_id, None) is None:
        raise invalid("codeId")
    call.tenant.record(call.actor, "REVOKE_ASP", user, ASP_ID=str(code_id))


def codes_list(call: Call) -> dict[str, Any]:
    user = call.user()
    rows = [
        {"kind": "admin#directory#verificationCode", "userId": user.id, "verificationCode": f"{17 * n:08}"}
        for n in range(1, user.codes + 1)
    ]
    return {"kind": "admin#directory#verificationCodesList"} | ({"items": rows} if rows else {})


def codes_invalidate(call: Call) -> None:
    user = call.changeable_user()
    if user.suspended:
        raise invalid()
    if user.codes:
        call.tenant.record(call.actor, "DELETE_2SV_SCRATCH_CODES", user)
    user.codes = 0


METHODS: dict[str, Method] = {
    "directory.users.get": users_get,
    "directory.users.list": users_list,
    "directory.users.update": users_update,
    "directory.users.signOut": users_sign_out,
    "directory.tokens.list": tokens_list,
    "directory.tokens.delete": tokens_delete,
    "directory.asps.list": asps_list,
    "directory.asps.delete": asps_delete,
    "directory.verificationCodes.list": codes_list,
    "directory.verificationCodes.invalidate": codes_invalidate,
}
