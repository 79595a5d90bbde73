"""The Reports API's raw records as `Activity`.  Pure; accepts any shape, since evidence is read years later too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.activity import Activity
from connectors.google_workspace.activity.records import PLACEHOLDER, happened_at
from connectors.google_workspace.activity.sharing import classify
from connectors.google_workspace.activity.words import SHARES, WORDS, Word
from connectors.kit.answers import number_of, object_of, objects_of, text_of
from models.vocabulary import ActivityKind, Json

_OTHER = Word(ActivityKind.OTHER)
_SIGN_INS = {ActivityKind.SIGN_IN, ActivityKind.SIGN_IN_FAILED}
_NOT_DONE = ("FAILED", "SKIPPED")
_SCOPE, _VISIBILITY = "change_document_access_scope", "change_document_visibility"


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all events of one record have in common.  *own*: the domains known to be the company's; *names*: all events'."""

    source: str
    activity: Activity
    own: frozenset[str]
    names: frozenset[str]
    resources: Mapping[str, Mapping[str, Any]]


def describe(source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
    """
    Return one `Activity` for each event of a record, at least one.  Raises `Unintelligible` only for a record without a time.

    One action may have several events; those with `primary_event` false are `other`, so that none counts twice.
    """
    events, actor = objects_of(raw.get("events")), object_of(raw.get("actor"))
    profile, addresses = text_of(actor, "profileId"), (raw.get("ownerDomain"), actor.get("email"))
    activity = Activity(
        ActivityKind.OTHER,
        happened_at(object_of(raw.get("id"))),
        source,
        actor_id=None if profile == PLACEHOLDER else profile,
        actor=text_of(actor, "email", "key"),
        by_program=_by_program(actor),
        ip=text_of(raw, "ipAddress"),
        device=text_of(object_of(raw.get("userDeviceInfo")), "deviceId", "deviceType"),
    )
    shared = _Shared(
        source,
        activity,
        own=frozenset(a.rpartition("@")[2].casefold() for a in addresses if isinstance(a, str) and a),
        names=frozenset(str(event.get("name")) for event in events),
        resources={str(resource.get("id")): resource for resource in objects_of(raw.get("resourceDetails"))},
    )
    return tuple(_activity(shared, event) for event in events or [{}])


def _activity(shared: _Shared, event: Mapping[str, Any]) -> Activity:
    name = text_of(event, "name") or "unnamed"
    parameters = {str(p.get("name")): _value(p) for p in objects_of(event.get("parameters"))}
    word = WORDS.get(shared.source, {}).get(name, _OTHER)
    kind, target = _meaning(shared, name, word, parameters)
    event_failed = object_of(event.get("status")).get("eventStatus") in _NOT_DONE
    if event_failed:
        kind = ActivityKind.SIGN_IN_FAILED if kind in _SIGN_INS else ActivityKind.OTHER
    object_id = text_of(parameters, *word.thing)
    resource = shared.resources.get(object_id or "", {})
    labels = filter(None, (text_of(label, "title") for label in objects_of(resource.get("appliedLabels"))))
    undone = event_failed or word is not _OTHER or parameters.get("primary_event") is False
    size = parameters.get(word.size) if word.size is not None else None
    return replace(
        shared.activity,
        kind=kind,
        raw_name=f"{shared.source}/{name}",
        object_id=object_id,
        title=text_of(parameters, "doc_title") or text_of(resource, "title"),
        folder=_folder(parameters),
        size=number_of(size) if isinstance(size, str) else None,
        label=", ".join(labels) or None,
        target=target,
        by_program=word.by_program if word.by_program is not None else shared.activity.by_program,
        undone=kind is ActivityKind.OTHER and undone,
    )


def _meaning(shared: _Shared, name: str, word: Word, parameters: Mapping[str, Any]) -> tuple[ActivityKind, str | None]:
    if shared.source == "drive" and name in SHARES:
        if name == _VISIBILITY and _SCOPE in shared.names:
            return ActivityKind.OTHER, None  # the record has the same change a second time
        return classify(name, parameters, shared.own)
    target = text_of(parameters, *word.target)
    undone = word.unless is not None and parameters.get(word.unless[0]) in word.unless[1]
    return ActivityKind.OTHER if undone or parameters.get("primary_event") is False else word.kind, target


def _by_program(actor: Mapping[str, Any]) -> bool | None:
    """Return True if Google names an application as the actor, None if it does not say."""
    application = object_of(actor.get("applicationInfo"))
    named = application.get("oauthClientId") is not None or application.get("impersonation") is True
    return True if named or actor.get("callerType") == "KEY" else None


def _folder(parameters: Mapping[str, Any]) -> str | None:
    """Return the folder that a file was moved to, else the shared drive; Google names no other folder."""
    in_drive = parameters.get("owner_is_shared_drive", parameters.get("owner_is_team_drive")) is True
    return text_of(parameters, "destination_folder_title", *(("owner",) if in_drive else ()))


def _value(parameter: Mapping[str, Any]) -> Any:
    """Return a parameter's value, several values as a tuple, None for nested messages."""
    for field in ("value", "boolValue", "intValue", "multiValue", "multiIntValue"):
        if field in parameter:
            value = parameter[field]
            return tuple(filter(_is_plain, value)) if isinstance(value, list) else value if _is_plain(value) else None
    return None


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int)
