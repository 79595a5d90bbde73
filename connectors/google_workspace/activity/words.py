"""The kinds of Google's events, as data.  An event that no table has is `other`, with Google's name kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from models.vocabulary import ActivityKind


@dataclass(frozen=True, slots=True)
class Word:
    """
    What an event means.

    *unless*: a parameter and those of its values with which the event is `other`.  *by_program*: if the event itself says so.
    *target*, *thing*: the parameters with recipient and object, the first present one counts; *size*: the one with the bytes.
    """

    kind: ActivityKind
    by_program: bool | None = None
    target: tuple[str, ...] = ()
    thing: tuple[str, ...] = ("doc_id",)
    size: str | None = None
    unless: tuple[str, frozenset[str]] | None = None


_K = ActivityKind
_FORWARD = Word(_K.FORWARD, target=("email_forwarding_destination_address",))
_BLOCKED = Word(_K.SIGN_IN_FAILED, target=("affected_email_address",))
_EDITS = ("create", "edit", "rename", "move", "add_to_folder", "remove_from_folder", "trash", "untrash")
_APP = Word(_K.GRANT, target=("app_name", "client_id"), thing=("client_id",))
_PASSKEY = Word(_K.DEVICE)
_ENABLED = Word(_K.ENABLED, thing=("USER_EMAIL",))
_EXPORT = Word(
    _K.TAKEOUT, target=("TAKEOUT_DESTINATION",), thing=("TAKEOUT_ID",),
    unless=("TAKEOUT_STATUS", frozenset({"CANCELED", "FAILED"})),
)  # fmt: skip

EXPORTS = tuple(f"{stage}_USER_TAKEOUT" for stage in ("STARTED", "COMPLETED", "DOWNLOADED", "SCHEDULED"))
"""An account's own exports, in the log of Takeout."""

WORDS: Mapping[str, Mapping[str, Word]] = {
    "drive": {
        "download": Word(_K.DOWNLOAD),
        "download_forms_response": Word(_K.DOWNLOAD),
        "access_item_content": Word(_K.DOWNLOAD, by_program=True),
        "sync_item_content": Word(_K.SYNC, by_program=True),
        "copy": Word(_K.COPY),
        "source_copy": Word(_K.COPY),
        "email_as_attachment": Word(_K.COPY),
        "print": Word(_K.PRINT),
        "upload": Word(_K.UPLOAD),
        "view": Word(_K.VIEW),
        "preview": Word(_K.VIEW),
        **dict.fromkeys(_EDITS, Word(_K.EDIT)),
        "delete": Word(_K.EDIT, unless=("deletion_reason", frozenset({"user_account_delete"}))),
    },
    "token": {
        "authorize": _APP,
        "activity": replace(_APP, kind=_K.TOKEN_USE, by_program=True, size="num_response_bytes"),
    },
    "login": {
        "login_success": Word(_K.SIGN_IN),
        "login_failure": Word(_K.SIGN_IN_FAILED),
        "logout": Word(_K.SIGN_OUT),
        "suspicious_login": _BLOCKED,
        "suspicious_login_less_secure_app": _BLOCKED,
        "suspicious_programmatic_login": replace(_BLOCKED, by_program=True),
        "passkey_enrolled": _PASSKEY,
        "email_forwarding_out_of_domain": _FORWARD,
    },
    "user_accounts": {"passkey_enrolled": _PASSKEY, "email_forwarding_out_of_domain": _FORWARD},
    "takeout": dict.fromkeys(EXPORTS, _EXPORT),
    "admin": {
        "UNSUSPEND_USER": _ENABLED,
        "UNARCHIVE_USER": _ENABLED,
        "UNDELETE_USER": _ENABLED,
        "CREATE_EMAIL_MONITOR": Word(_K.FORWARD, target=("EMAIL_MONITOR_DEST_EMAIL",), thing=()),
        "CUSTOMER_TAKEOUT_CREATED": Word(_K.TAKEOUT, thing=()),
        "CUSTOMER_TAKEOUT_SUCCEEDED": Word(_K.TAKEOUT, thing=()),
    },
}
"""
By application, then by event.

`suspicious_…` are attempts that Google blocked; a suspicious one that succeeded is a `login_success`.  Left out:
`prefetch_item_content`, which no person does, and `*_hierarchy_reconciled`, which follows a folder's own change.
"""

SHARES = frozenset({
    "change_user_access", "change_document_access_scope", "change_document_visibility", "change_acl_editors",
    "change_owner", "publish_change", "shared_drive_membership_change",
})  # fmt: skip
"""Drive's changes of access to a file: their kind depends on their parameters, see `sharing`."""


def tells(source: str) -> frozenset[ActivityKind]:
    shares = {_K.EXTERNAL_SHARE, _K.PUBLIC_LINK} if source == "drive" else set()
    return frozenset({word.kind for word in WORDS[source].values()} | shares)
