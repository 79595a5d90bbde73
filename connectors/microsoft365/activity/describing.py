"""Microsoft's raw records as `Activity`.  Pure; leaves out properties of an unexpected shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from connectors.activity import Activity
from connectors.kit.answers import instant, object_of, text_of
from connectors.microsoft365.activity import words
from connectors.microsoft365.activity.sources import BACKGROUND, DIRECTORY, PURVIEW
from connectors.microsoft365.answers import WHO
from models.vocabulary import ActivityKind, Json

Raw: TypeAlias = "Mapping[str, Json]"
_SYNC_MAIL = "Sync"
_LONG = 20
"""Digits that no number of bytes has."""
_SIGN_INS = {ActivityKind.SIGN_IN, ActivityKind.SIGN_IN_FAILED}


def describe(source: str, raw: Raw) -> tuple[Activity, ...]:
    """See `ActivityLog.describe`.  One record is one `Activity`."""
    if source == PURVIEW:
        return (_audited(raw),)
    if source == DIRECTORY:
        return (_changed(raw),)
    return (_signed_in(raw, background=source == BACKGROUND),)


# -- the unified audit log


def _audited(raw: Raw) -> Activity:
    told = object_of(raw.get("auditData"))
    name = text_of(raw.get("operation")) or text_of(told.get("Operation")) or "unknown"
    kind = _kind(name, told)
    return Activity(
        kind=kind,
        at=_at(raw, "createdDateTime"),
        raw_name=name,
        actor_id=text_of(raw.get("userId")) or text_of(told.get("UserId")),
        object_id=text_of(told.get("ListItemUniqueId"))
        or text_of(raw.get("objectId"))
        or text_of(told.get("ObjectId")),
        title=text_of(told.get("SourceFileName")) or _last(text_of(raw.get("objectId"))),
        folder=_folder(told),
        size=_size(told),
        label=text_of(told.get("SensitivityLabelName")) or text_of(told.get("SensitivityLabelId")),
        target=_target(kind, raw, told),
        by_program=_by_program(kind, told),
        ip=text_of(raw.get("clientIp")) or text_of(told.get("ClientIP")),
        undone=kind is ActivityKind.OTHER and _undone(told),
        device=text_of(told.get("DeviceDisplayName"))
        or text_of(told.get("DeviceName"))
        or text_of(told.get("MachineId")),
    )


def _kind(name: str, told: Raw) -> ActivityKind:
    kind = words.OPERATIONS.get(name, ActivityKind.OTHER)
    if _undone(told):
        return ActivityKind.SIGN_IN_FAILED if kind in _SIGN_INS else ActivityKind.OTHER
    match kind:
        case ActivityKind.EXTERNAL_SHARE if _is_inside(told):
            return ActivityKind.OTHER
        case ActivityKind.FORWARD if _is_inside(told) or _sent_on_to(told) is None:
            return ActivityKind.OTHER
        case ActivityKind.VIEW if name == "MailItemsAccessed" and _named(told, "MailAccessType") == _SYNC_MAIL:
            return ActivityKind.SYNC
        case ActivityKind.VIEW if name.startswith("FileAccessed") and _by_program(kind, told):
            return ActivityKind.VIEW_AS_DOWNLOAD
        case _:
            return kind


def _undone(told: Raw) -> bool:
    """Whether the record is of an attempt that did not succeed."""
    return str(told.get("ResultStatus", "Success")).casefold() in {"failure", "failed", "false"}


def _is_inside(told: Raw) -> bool:
    """Whether the record names a recipient in the company."""
    whom = text_of(told.get("TargetUserOrGroupName")) or ""
    return text_of(told.get("TargetUserOrGroupType")) in words.INSIDERS and "#ext#" not in whom.casefold()


def _by_program(kind: ActivityKind, told: Raw) -> bool | None:
    """Whether a program did it: by the application's id, else by the client's User-Agent; None if neither is there."""
    if kind is ActivityKind.SYNC:
        return True
    context = object_of(told.get("AppAccessContext"))
    application = (
        text_of(context.get("ClientAppId")) or text_of(told.get("ClientAppId")) or text_of(told.get("ApplicationId"))
    )
    if application is not None and application.casefold() not in words.BY_HAND:
        return True
    agent = text_of(told.get("UserAgent"))
    if agent is not None:
        return not agent.startswith("Mozilla/")
    return None if application is None else False


def _target(kind: ActivityKind, raw: Raw, told: Raw) -> str | None:
    match kind:
        case ActivityKind.FORWARD:
            return _sent_on_to(told)
        case ActivityKind.DELEGATE:
            return _named(told, "User") or _named(told, "Trustee") or text_of(told.get("ObjectId"))
        case ActivityKind.GRANT | ActivityKind.DEVICE:
            return text_of(told.get("ApplicationName")) or text_of(raw.get("objectId"))
        case _:
            return text_of(told.get("TargetUserOrGroupName"))


def _sent_on_to(told: Raw) -> str | None:
    """Return where mail is forwarded to; None for a record without forwarding, and for a rule that was removed."""
    if (_named(told, "RuleOperation") or "").startswith(("Remove", "Delete")):
        return None
    for name, value in _pairs(told):
        if name in words.FORWARDING and value not in {"", "$null"}:
            return value.removeprefix("smtp:")
        if name == "RuleActions" and any(word in value for word in words.FORWARDING_ACTIONS):
            return value
    return None


def _pairs(told: Raw) -> Iterator[tuple[str, str]]:
    """Yield the names and values of Exchange's parameters and properties, from each place where a record may have them."""
    for place in ("Parameters", "OperationProperties", "ModifiedProperties"):
        rows = told.get(place)
        for row in rows if isinstance(rows, list) else ():
            pair = object_of(row)
            name, value = text_of(pair.get("Name")), pair.get("Value", pair.get("NewValue"))
            if name is not None and value is not None:
                yield name, str(value)


def _named(told: Raw, name: str) -> str | None:
    return next((value for found, value in _pairs(told) if found == name), None)


def _folder(told: Raw) -> str | None:
    site, path = text_of(told.get("SiteUrl")), text_of(told.get("SourceRelativeUrl"))
    if site is None:
        return path
    return site if path is None else f"{site.rstrip('/')}/{path}"


def _size(told: Raw) -> int | None:
    for name in ("FileSizeBytes", "FileSize"):
        value = told.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isdecimal() and len(value) < _LONG:
            return int(value)
    return None


# -- Entra's own logs


def _signed_in(raw: Raw, *, background: bool) -> Activity:
    error = object_of(raw.get("status")).get("errorCode")
    good = ActivityKind.TOKEN_USE if background else ActivityKind.SIGN_IN
    device = object_of(raw.get("deviceDetail"))
    return Activity(
        kind=ActivityKind.SIGN_IN_FAILED if error else good,  # without a code it counts as successful
        at=_at(raw, "createdDateTime"),
        raw_name=f"signIn/{text_of(raw.get('clientAppUsed')) or 'unknown'}",
        actor_id=text_of(raw.get("userId")),
        target=text_of(raw.get("appDisplayName")) or text_of(raw.get("appId")),
        by_program=True if background else None,
        ip=text_of(raw.get("ipAddress")),
        device=text_of(device.get("displayName")) or text_of(device.get("deviceId")) or _system(device),
    )


def _system(device: Raw) -> str | None:
    parts = [part for part in (text_of(device.get("operatingSystem")), text_of(device.get("browser"))) if part]
    return " ".join(parts) or None


def _changed(raw: Raw) -> Activity:
    name = text_of(raw.get("activityDisplayName")) or "unknown"
    initiator = object_of(raw.get("initiatedBy"))
    by, app = object_of(initiator.get("user")), object_of(initiator.get("app"))
    named = by.get("userPrincipalName"), by.get("displayName"), app.get("displayName"), app.get("appId")
    targets = raw.get("targetResources")
    first = object_of(targets[0]) if isinstance(targets, list) and targets else {}
    done = raw.get("result") == "success"
    return Activity(
        kind=words.DIRECTORY.get(name, ActivityKind.OTHER) if done else ActivityKind.OTHER,
        at=_at(raw, "activityDateTime"),
        raw_name=name,
        actor_id=text_of(by.get("id")),
        actor=next(filter(None, map(text_of, named)), None),
        object_id=text_of(first.get("id")),
        target=text_of(first.get("displayName")) or text_of(first.get("userPrincipalName")),
        ip=text_of(by.get("ipAddress")),
    )


# -- reading properties of any shape


def _last(address: str | None) -> str | None:
    return address.rstrip("/").rsplit("/", 1)[-1] or None if address else None


def _at(raw: Raw, stamp: str) -> datetime:
    return instant(WHO, raw.get(stamp), stamp) or datetime.fromtimestamp(0, UTC)
