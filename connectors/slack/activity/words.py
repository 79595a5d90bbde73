"""Slack's entries in the house's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.activity import Activity
from models.vocabulary import ActivityKind, Json

K = ActivityKind
AUDIT_LOGS = "audit_logs"
ACCESS_LOGS = "access_logs"
INTEGRATION_LOGS = "integration_logs"
FILES = "files"
"""The logs' names."""

ACTIONS: Mapping[str, ActivityKind] = {
    "file_downloaded": K.VIEW_AS_DOWNLOAD,
    "canvas_downloaded": K.DOWNLOAD,
    "list_downloaded": K.DOWNLOAD,
    "workflow_responses_csv_download": K.DOWNLOAD,
    "file_uploaded": K.UPLOAD,
    "file_public_link_created": K.PUBLIC_LINK,
    "external_shared_channel_invite_created": K.EXTERNAL_SHARE,
    "external_shared_channel_invite_sent": K.EXTERNAL_SHARE,
    "external_shared_channel_connected": K.EXTERNAL_SHARE,
    "guest_created": K.EXTERNAL_SHARE,
    "private_message_forwarded": K.FORWARD,
    "app_installed": K.GRANT,
    "app_scopes_expanded": K.GRANT,
    "org_app_workspace_added": K.GRANT,
    "user_login": K.SIGN_IN,
    "user_login_failed": K.SIGN_IN_FAILED,
    "user_logout": K.SIGN_OUT,
    "user_reactivated": K.ENABLED,
    "guest_reactivated": K.ENABLED,
}
"""The Audit Logs' actions that have a word of ours; the families below come on top."""

ENABLING = tuple(action for action, kind in ACTIONS.items() if kind is K.ENABLED)
_FAMILIES = (
    (
        re.compile(r"(?:manual|scheduled|channels|manual_user|channel_audit)_export_(?:started|completed|downloaded)"),
        K.TAKEOUT,
    ),
    (re.compile(r"(?:audit_logs|search_query_audit_logs)_export_[a-z]+_started"), K.TAKEOUT),
    (re.compile(r"mcp_slack_[a-z_]+_tool_called"), K.TOKEN_USE),
)
TOLD = frozenset({*ACTIONS.values(), *(kind for _, kind in _FAMILIES)})
"""The kinds that the Audit Logs tell."""
_TAKES_ACCESS = frozenset({"added", "enabled", "updated", "expanded"})


def kind_of(action: str) -> ActivityKind:
    """Return the house's word for an action of the Audit Logs, `other` where there is none."""
    found = ACTIONS.get(action)
    if found is not None:
        return found
    return next((kind for family, kind in _FAMILIES if family.fullmatch(action)), K.OTHER)


def describe(source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
    """Return what an entry tells.  Raises `TypeError` for one without a time, which no reading gives out."""
    reader = {AUDIT_LOGS: _audit, ACCESS_LOGS: _access, INTEGRATION_LOGS: _integration, FILES: _file}[source]
    return reader(raw)


def _audit(raw: Mapping[str, Any]) -> tuple[Activity, ...]:
    action = _text(raw, "action") or "unknown"
    context, entity = _part(raw, "context"), _part(raw, "entity")
    thing, app = _part(entity, str(entity.get("type"))), _part(context, "app")
    actor = _part(_part(raw, "actor"), "user")
    kind = kind_of(action)
    return (
        Activity(
            kind,
            moment(raw.get("date_create")),
            action,
            actor_id=_text(actor, "id"),
            actor=_text(actor, "email") or _text(actor, "name"),
            object_id=_text(thing, "id"),
            title=_text(thing, "title") or _text(thing, "name"),
            target=_text(thing, "name") or _text(thing, "id") if kind is K.GRANT else _text(thing, "email"),
            external=True if kind in {K.EXTERNAL_SHARE, K.PUBLIC_LINK} else None,
            by_program=bool(app) or kind is K.TOKEN_USE,
            ip=_text(context, "ip_address"),
            device=_text(context, "ua"),
        ),
    )


def _access(raw: Mapping[str, Any]) -> tuple[Activity, ...]:
    """Return the first and the last of the accesses that one entry stands for."""
    times = sorted({moment(raw.get("date_first")), moment(raw.get("date_last"))})
    return tuple(
        Activity(
            K.SIGN_IN,
            at,
            "access_log",
            actor_id=_text(raw, "user_id"),
            ip=_text(raw, "ip"),
            device=_text(raw, "user_agent"),
        )
        for at in times
    )


def _integration(raw: Mapping[str, Any]) -> tuple[Activity, ...]:
    change = _text(raw, "change_type") or "unknown"
    return (
        Activity(
            K.GRANT if change in _TAKES_ACCESS else K.OTHER,
            moment(raw.get("date")),
            f"integration_{change}",
            actor_id=_text(raw, "user_id"),
            object_id=_text(raw, "app_id") or _text(raw, "service_id"),
            target=_text(raw, "app_type") or _text(raw, "service_type"),
        ),
    )


def _file(raw: Mapping[str, Any]) -> tuple[Activity, ...]:
    size = raw.get("size")
    uploaded = Activity(
        K.UPLOAD,
        moment(raw.get("created")),
        "file",
        actor_id=_text(raw, "user"),
        object_id=_text(raw, "id"),
        title=_text(raw, "title") or _text(raw, "name"),
        size=size if isinstance(size, int) else None,
    )
    if raw.get("public_url_shared") is not True:
        return (uploaded,)
    link = Activity(
        K.PUBLIC_LINK, uploaded.at, "file/public_url_shared", uploaded.actor_id, uploaded.object_id, uploaded.title,
        external=True,
    )  # fmt: skip
    return (uploaded, link)


def moment(seconds: object) -> datetime:
    """Return the instant of Slack's seconds, given as a number or as text.  Raises `TypeError` for anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        raise TypeError("no seconds")
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise TypeError("no seconds") from exc


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _text(of: Mapping[str, Any], name: str) -> str | None:
    found = of.get(name)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None
