"""Microsoft's raw records as `Activity`.  Pure; leaves out properties of an unexpected shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from connectors.activity import Activity
from connectors.kit.answers import instant, number_of, object_of, objects_of, text_of
from connectors.microsoft365.activity import words
from connectors.microsoft365.activity.sources import BACKGROUND, DIRECTORY, PURVIEW
from connectors.microsoft365.answers import WHO
from models.vocabulary import ActivityKind, Json

Raw: TypeAlias = "Mapping[str, Json]"
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
    name = text_of(raw, "operation") or text_of(told, "Operation") or "unknown"
    kind, sizes = _kind(name, told), (number_of(told.get("FileSizeBytes")), number_of(told.get("FileSize")))
    return Activity(
        kind=kind,
        at=_at(raw, "createdDateTime"),
        raw_name=name,
        actor_id=text_of(raw, "userId") or text_of(told, "UserId"),
        object_id=text_of(told, "ListItemUniqueId") or text_of(raw, "objectId") or text_of(told, "ObjectId"),
        title=text_of(told, "SourceFileName") or _last(text_of(raw, "objectId")),
        folder=_folder(told),
        size=next((size for size in sizes if size is not None), None),
        label=text_of(told, "SensitivityLabelName", "SensitivityLabelId"),
        target=_target(kind, raw, told),
        by_program=_by_program(kind, told),
        ip=text_of(raw, "clientIp") or text_of(told, "ClientIP"),
        undone=kind is ActivityKind.OTHER and _undone(told),
        device=text_of(told, "DeviceDisplayName", "DeviceName", "MachineId"),
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
        case ActivityKind.VIEW if name == "MailItemsAccessed" and _named(told, "MailAccessType") == "Sync":
            return ActivityKind.SYNC
        case ActivityKind.VIEW if name.startswith("FileAccessed") and _by_program(kind, told):
            return ActivityKind.VIEW_AS_DOWNLOAD
        case _:
            return kind


def _undone(told: Raw) -> bool:
    return str(told.get("ResultStatus", "Success")).casefold() in {"failure", "failed", "false"}


def _is_inside(told: Raw) -> bool:
    """Whether the record names a recipient in the company."""
    whom = text_of(told, "TargetUserOrGroupName") or ""
    return text_of(told, "TargetUserOrGroupType") in words.INSIDERS and "#ext#" not in whom.casefold()


def _by_program(kind: ActivityKind, told: Raw) -> bool | None:
    """Whether a program did it: by the application's id, else by the client's User-Agent; None if neither is there."""
    if kind is ActivityKind.SYNC:
        return True
    context = object_of(told.get("AppAccessContext"))
    application = text_of(context, "ClientAppId") or text_of(told, "ClientAppId", "ApplicationId")
    if application is not None and application.casefold() not in words.BY_HAND:
        return True
    agent = text_of(told, "UserAgent")
    if agent is not None:
        return not agent.startswith("Mozilla/")
    return None if application is None else False


def _target(kind: ActivityKind, raw: Raw, told: Raw) -> str | None:
    match kind:
        case ActivityKind.FORWARD:
            return _sent_on_to(told)
        case ActivityKind.DELEGATE:
            return _named(told, "User") or _named(told, "Trustee") or text_of(told, "ObjectId")
        case ActivityKind.GRANT | ActivityKind.DEVICE:
            return text_of(told, "ApplicationName") or text_of(raw, "objectId")
        case _:
            return text_of(told, "TargetUserOrGroupName")


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
        for pair in objects_of(told.get(place)):
            name, value = text_of(pair, "Name"), pair.get("Value", pair.get("NewValue"))
            if name is not None and value is not None:
                yield name, str(value)


def _named(told: Raw, name: str) -> str | None:
    return next((value for found, value in _pairs(told) if found == name), None)


def _folder(told: Raw) -> str | None:
    site, path = text_of(told, "SiteUrl"), text_of(told, "SourceRelativeUrl")
    if site is None:
        return path
    return site if path is None else f"{site.rstrip('/')}/{path}"


# -- Entra's own logs


def _signed_in(raw: Raw, *, background: bool) -> Activity:
    error = object_of(raw.get("status")).get("errorCode")
    good = ActivityKind.TOKEN_USE if background else ActivityKind.SIGN_IN
    device = object_of(raw.get("deviceDetail"))
    system = text_of(device, "operatingSystem"), text_of(device, "browser")
    return Activity(
        kind=ActivityKind.SIGN_IN_FAILED if error else good,  # without a code it counts as successful
        at=_at(raw, "createdDateTime"),
        raw_name=f"signIn/{text_of(raw, 'clientAppUsed') or 'unknown'}",
        actor_id=text_of(raw, "userId"),
        target=text_of(raw, "appDisplayName", "appId"),
        by_program=True if background else None,
        ip=text_of(raw, "ipAddress"),
        device=text_of(device, "displayName", "deviceId") or " ".join(filter(None, system)) or None,
    )


def _changed(raw: Raw) -> Activity:
    name = text_of(raw, "activityDisplayName") or "unknown"
    initiator = object_of(raw.get("initiatedBy"))
    by, app = object_of(initiator.get("user")), object_of(initiator.get("app"))
    targets = raw.get("targetResources")
    first = object_of(targets[0]) if isinstance(targets, list) and targets else {}
    done = raw.get("result") == "success"
    return Activity(
        kind=words.DIRECTORY.get(name, ActivityKind.OTHER) if done else ActivityKind.OTHER,
        at=_at(raw, "activityDateTime"),
        raw_name=name,
        actor_id=text_of(by, "id"),
        actor=text_of(by, "userPrincipalName", "displayName") or text_of(app, "displayName", "appId"),
        object_id=text_of(first, "id"),
        target=text_of(first, "displayName", "userPrincipalName"),
        ip=text_of(by, "ipAddress"),
    )


def _last(address: str | None) -> str | None:
    return address.rstrip("/").rsplit("/", 1)[-1] or None if address else None


def _at(raw: Raw, stamp: str) -> datetime:
    return instant(WHO, raw.get(stamp), stamp) or datetime.fromtimestamp(0, UTC)
