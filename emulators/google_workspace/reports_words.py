"""Activity in Google's words: which log has a verb, and the form of the record."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from emulators.activity_profiles import Deed, Verb, folder, mixed, size, title
from emulators.company import DOMAIN, PARTNER_DOMAIN
from emulators.google_workspace.state import CUSTOMER, User, digits
from emulators.google_workspace.times import rfc3339

CLIENT_ID = f"{digits('rclone', 12)}-{digits('rclone', 8)}.apps.googleusercontent.com"
"""A program of the leaver's own that was let in."""
APP = "rclone"
FORWARD_TO = "private.box@mail.example"
PARTNER = f"partner@{PARTNER_DOMAIN}"
DRIVE_WEB = "691301496089"

_IPS = ("203.0.113.25", "198.51.100.{}", "192.0.2.77")
_REGIONS = (("JP", "JP-13"), ("JP", "JP-14"), ("DE", "DE-BE"))
_DOC_TYPES = ("msexcel", "pdf", "msword", "unknown")

Event: TypeAlias = "dict[str, Any]"


def parameter(name: str, value: Any) -> dict[str, Any]:
    """Return a parameter in the field of its type: whole numbers are sent as text."""
    if isinstance(value, bool):
        return {"name": name, "boolValue": value}
    if isinstance(value, int):
        return {"name": name, "intValue": str(value)}
    if isinstance(value, list | tuple):
        return {"name": name, "multiValue": list(value)}
    return {"name": name, "value": value}


def event(kind: str, name: str, parameters: Mapping[str, Any]) -> Event:
    return {"type": kind, "name": name, "parameters": [parameter(key, value) for key, value in parameters.items()]}


@functools.lru_cache(64)
def doc_id(object_no: int) -> str:
    return f"1{mixed(9, object_no):016x}{object_no:027}"


def _drive(deed: Deed, name: str, *, kind: str = "access", primary: bool = True, **more: Any) -> Event:
    parameters: list[dict[str, Any]] = [
        {"name": "primary_event", "boolValue": primary},
        {"name": "billable", "boolValue": True},
        {"name": "doc_id", "value": doc_id(deed.object_no)},
        {"name": "doc_title", "value": title(deed.object_no)},
        {"name": "doc_type", "value": _DOC_TYPES[deed.object_no % 4]},
        {"name": "is_encrypted", "boolValue": False},
        {"name": "visibility", "value": more.pop("visibility", "shared_internally")},
        {"name": "originating_app_id", "value": DRIVE_WEB},
        {"name": "actor_is_collaborator_account", "boolValue": False},
        {"name": "owner", "value": folder(deed.folder_no)},
        {"name": "owner_is_shared_drive", "boolValue": True},
        {"name": "shared_drive_id", "value": f"0AK{deed.folder_no:013}Uk9PVA"},
    ]
    parameters += [parameter(key, value) for key, value in more.items()]
    return {"type": kind, "name": name, "parameters": parameters}


def _view(deed: Deed, _: User) -> list[Event]:
    """Every tenth view is a preview: for it Google also writes a download, which is not the primary event."""
    if deed.object_no % 10 != 3:
        return [_drive(deed, "view")]
    return [_drive(deed, "preview"), _drive(deed, "download", primary=False)]


def _share(deed: Deed, _: User) -> list[Event]:
    change: dict[str, Any] = {
        "visibility": "shared_externally",
        "old_visibility": "private",
        "visibility_change": "external",
    }
    given: dict[str, Any] = {"target_user": PARTNER, "old_value": ["none"], "new_value": ["can_view"]}
    return [_drive(deed, "change_user_access", kind="acl_change", **change, **given)]


def _publish(deed: Deed, _: User) -> list[Event]:
    """Return the two events that Google writes for one change of scope."""
    change: dict[str, Any] = {
        "visibility": "people_with_link",
        "old_visibility": "private",
        "visibility_change": "external",
    }
    given: dict[str, Any] = {"target_domain": "all", "old_value": ["private"], "new_value": ["people_with_link"]}
    return [
        _drive(deed, "change_document_access_scope", kind="acl_change", **change, **given),
        _drive(deed, "change_document_visibility", kind="acl_change", primary=False, **change, **given),
    ]


def _authorize(deed: Deed, _: User) -> list[Event]:
    scopes = ["https://www.googleapis.com/auth/drive.readonly", "openid"]
    return [
        event("auth", "authorize", {"client_id": CLIENT_ID, "app_name": APP, "client_type": "NATIVE", "scope": scopes})
    ]


def _token_use(deed: Deed, _: User) -> list[Event]:
    used = {"api_name": "drive", "method_name": "drive.files.get", "num_response_bytes": size(deed.object_no)}
    app = {"client_id": CLIENT_ID, "app_name": APP, "client_type": "NATIVE", "product_bucket": "DRIVE"}
    return [event("auth", "activity", app | used)]


def _sign_in(deed: Deed, _: User) -> list[Event]:
    asked = {"login_type": "google_password", "login_challenge_method": ["password"], "is_suspicious": deed.place == 2}
    return [event("login", "login_success", asked)]


def _takeout(deed: Deed, user: User) -> list[Event]:
    told = {
        "TAKEOUT_ID": f"takeout-{deed.no}",
        "USER_EMAIL": user.email,
        "INITIATED_BY": user.email,
        "PRODUCTS_REQUESTED": "drive, mail",
        "TAKEOUT_DESTINATION": "EMAIL",
        "TAKEOUT_STATUS": "COMPLETED",
        "COMPLETION_TIME": int(deed.at.timestamp()),
    }
    return [event("USER_TAKEOUT", "COMPLETED_USER_TAKEOUT", told)]


def _forward(deed: Deed, _: User) -> list[Event]:
    to = {"email_forwarding_destination_address": FORWARD_TO}
    return [event("email_forwarding_change", "email_forwarding_out_of_domain", to)]


Telling: TypeAlias = "Callable[[Deed, User], list[Event]]"

WORDS: Mapping[str, Mapping[Verb, Telling]] = {
    "drive": {
        Verb.VIEW: _view,
        Verb.EDIT: lambda d, _: [_drive(d, "edit"), _drive(d, "view", primary=False)],
        Verb.UPLOAD: lambda d, _: [_drive(d, "upload")],
        Verb.DOWNLOAD: lambda d, _: [_drive(d, "download")],
        Verb.SYNC: lambda d, _: [_drive(d, "download"), _drive(d, "sync_item_content")],
        Verb.COPY: lambda d, _: [_drive(d, "copy", copy_type="internal")],
        Verb.PRINT: lambda d, _: [_drive(d, "print")],
        Verb.PROGRAM_READ: lambda d, _: [_drive(d, "access_item_content", api_method="drive.files.get")],
        Verb.SHARE_OUTSIDE: _share,
        Verb.MAKE_PUBLIC: _publish,
    },
    "token": {Verb.GRANT: _authorize, Verb.PROGRAM_READ: _token_use},
    "login": {
        Verb.SIGN_IN: _sign_in,
        Verb.NEW_DEVICE: lambda _, __: [event("account_warning", "passkey_enrolled", {})],
    },
    "user_accounts": {Verb.FORWARD: _forward},
    "takeout": {Verb.TAKEOUT: _takeout},
}
"""
By application, then by verb.  Google does not log app passwords and mail delegates made by users, so no log has those verbs.
"""


def as_activity(application: str, deed: Deed, user: User) -> dict[str, Any]:
    """Return the whole record of one deed."""
    region, part = _REGIONS[deed.place]
    shown: dict[str, Any] = {
        "kind": "admin#reports#activity",
        "id": identity(application, rfc3339(deed.at), mixed(int(user.id) % 2**61, deed.no) - 2**63),
        "etag": f'"{user.id}/{deed.no}"',
        "actor": {"callerType": "USER", "email": user.email, "profileId": user.id},
        "ownerDomain": DOMAIN,
        "ipAddress": _IPS[deed.place].format(int(user.id[-3:]) % 250 + 1),
        "networkInfo": {"ipAsn": [64500 + deed.place], "regionCode": region, "subdivisionCode": part},
        "events": WORDS[application][deed.verb](deed, user),
    }
    if application == "drive":
        shown["resourceDetails"] = [_resource(deed)]
    if deed.verb is Verb.PROGRAM_READ:
        shown["actor"]["applicationInfo"] = {"oauthClientId": CLIENT_ID, "applicationName": APP, "impersonation": False}
    return shown


def _resource(deed: Deed) -> dict[str, Any]:
    """Return the file; every fiftieth file has a label of the tenant's."""
    found: dict[str, Any] = {
        "id": doc_id(deed.object_no),
        "title": title(deed.object_no),
        "type": "DRIVE_ITEM",
        "relation": "DRIVE_PRIMARY",
    }
    if deed.object_no % 50 == 0:
        found["appliedLabels"] = [{"id": "label-1", "title": "社外秘"}]
    return found


def identity(application: str, at: str, qualifier: int) -> dict[str, str]:
    """Return a record's id.  The qualifier is a signed number: half of them are negative."""
    return {
        "time": at,
        "uniqueQualifier": str(qualifier),
        "applicationName": application,
        "customerId": CUSTOMER,
    }
