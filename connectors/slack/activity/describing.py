"""Slack's entries as `Activity`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.activity import Activity
from connectors.kit.answers import object_of
from connectors.slack.activity.records import moment
from connectors.slack.activity.words import ACCESS_LOGS, AUDIT_LOGS, FILES, INTEGRATION_LOGS, TAKES_ACCESS, kind_of
from models.vocabulary import ActivityKind as K
from models.vocabulary import Json


def describe(source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
    """See `ActivityLog.describe`.  Raises `TypeError` for an entry without a time, which `ActivityReader` never returns."""
    reader = {AUDIT_LOGS: _audit, ACCESS_LOGS: _access, INTEGRATION_LOGS: _integration, FILES: _file}[source]
    return reader(raw)


def _audit(raw: Mapping[str, Any]) -> tuple[Activity, ...]:
    action = _text(raw, "action") or "unknown"
    context, entity = object_of(raw.get("context")), object_of(raw.get("entity"))
    thing, app = object_of(entity.get(str(entity.get("type")))), object_of(context.get("app"))
    actor = object_of(object_of(raw.get("actor")).get("user"))
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
            by_program=bool(app) or kind is K.TOKEN_USE,
            ip=_text(context, "ip_address"),
            device=_text(context, "ua"),
        ),
    )


def _access(raw: Mapping[str, Any]) -> tuple[Activity, ...]:
    """Return the first and the last access of an entry, which counts many."""
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
            K.GRANT if change in TAKES_ACCESS else K.OTHER,
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
    return (uploaded, replace(uploaded, kind=K.PUBLIC_LINK, raw_name="file/public_url_shared", size=None))


def _text(of: Mapping[str, Any], name: str) -> str | None:
    found = of.get(name)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None
