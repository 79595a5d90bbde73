"""Slack's actions, and our kinds for them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from models.vocabulary import ActivityKind

K = ActivityKind
AUDIT_LOGS = "audit_logs"
ACCESS_LOGS = "access_logs"
INTEGRATION_LOGS = "integration_logs"
FILES = "files"
"""The logs' names."""

_NAMES: Mapping[ActivityKind, tuple[str, ...]] = {
    K.VIEW_AS_DOWNLOAD: ("file_downloaded",),
    K.DOWNLOAD: ("canvas_downloaded", "list_downloaded", "workflow_responses_csv_download"),
    K.UPLOAD: ("file_uploaded",),
    K.PUBLIC_LINK: ("file_public_link_created",),
    K.EXTERNAL_SHARE: (
        "external_shared_channel_invite_created", "external_shared_channel_invite_sent",
        "external_shared_channel_connected", "guest_created",
    ),
    K.FORWARD: ("private_message_forwarded",),
    K.GRANT: ("app_installed", "app_scopes_expanded", "org_app_workspace_added"),
    K.SIGN_IN: ("user_login",),
    K.SIGN_IN_FAILED: ("user_login_failed",),
    K.SIGN_OUT: ("user_logout",),
    K.ENABLED: ("user_reactivated", "guest_reactivated"),
}  # fmt: skip
ACTIONS = {name: kind for kind, names in _NAMES.items() for name in names}
"""The Audit Logs' actions that have a kind of ours, besides the families below."""

ENABLING = _NAMES[K.ENABLED]
_FAMILIES = (
    (
        re.compile(r"(manual|scheduled|channels|manual_user|channel_audit)_export_(started|completed|downloaded)"),
        K.TAKEOUT,
    ),
    (re.compile(r"(audit_logs|search_query_audit_logs)_export_[a-z]+_started"), K.TAKEOUT),
    (re.compile(r"mcp_slack_[a-z_]+_tool_called"), K.TOKEN_USE),
)
TOLD = frozenset({*ACTIONS.values(), *(kind for _, kind in _FAMILIES)})
"""The kinds that the Audit Logs record."""
TAKES_ACCESS = frozenset({"added", "enabled", "updated", "expanded"})
"""The changes of an application after which it may do more."""


def kind_of(action: str) -> ActivityKind:
    family = next((kind for pattern, kind in _FAMILIES if pattern.fullmatch(action)), K.OTHER)
    return ACTIONS.get(action, family)
