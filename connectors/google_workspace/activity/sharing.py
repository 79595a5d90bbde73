"""Whether a change of access in Drive made a file public, shared it outside, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from connectors.kit.answers import text_of
from models.vocabulary import ActivityKind

Parameters: TypeAlias = "Mapping[str, Any]"

PUBLIC = frozenset({"people_with_link", "public_on_the_web"})
_OUTSIDE = PUBLIC | {"shared_externally"}
_INSIDE = frozenset({"private", "shared_internally", "people_within_domain_with_link", "public_in_the_domain"})
_RANKS = {
    "none": 0, "can_view": 1, "can_comment": 2, "commenter": 2, "can_edit": 3, "writer": 3, "can_edit_no_add": 3,
    "fileOrganizer": 4, "content_manager": 4, "organizer": 5, "manager": 5, "owner": 6,
}  # fmt: skip
_ANYONE = "all"
"""The `target_domain` of a link that needs no account."""


def classify(name: str, parameters: Parameters, own: frozenset[str]) -> tuple[ActivityKind, str | None]:
    """
    Return the kind and the recipient.  *own*: domains known to be the company's.

    Removing access, and changing nothing, are `other`.  So is a change of scope that is not public and names no recipient: another
    record names one.
    """
    target = text_of(parameters, "target_user", "new_owner", "target", "target_domain")
    if _became_public(parameters, target):
        return ActivityKind.PUBLIC_LINK, target
    external = _is_external(target, parameters, own)
    named = target not in {None, _ANYONE} or (name == "change_user_access" and external is True)
    shared = named and external is not False and _gains(parameters)
    return ActivityKind.EXTERNAL_SHARE if shared else ActivityKind.OTHER, target


def _is_external(target: str | None, parameters: Parameters, own: frozenset[str]) -> bool | None:
    """
    Whether *target* is outside: by its domain; for a domain not known as ours, by the file's visibility after the change.

    A company may have domains that we do not know; Google then calls the file shared internally.
    """
    if target is None:
        return True if parameters.get("visibility_change") == "external" else None
    if target == _ANYONE:
        return None
    if target.rpartition("@")[2].casefold() in own:
        return False
    if parameters.get("visibility_change") == "external" or parameters.get("visibility") in _OUTSIDE:
        return True
    return False if parameters.get("visibility") in _INSIDE else None


def _became_public(parameters: Parameters, target: str | None) -> bool:
    if target not in {None, _ANYONE}:
        return False
    scopes = {*_texts(parameters, "new_value"), parameters.get("visibility")}
    before = {*_texts(parameters, "old_value"), parameters.get("old_visibility")}
    if not PUBLIC.isdisjoint(scopes) and PUBLIC.isdisjoint(before):
        return True
    return target == _ANYONE and _rank(parameters, "old_value") is not None and _gains(parameters)


def _gains(parameters: Parameters) -> bool:
    """Whether the new role allows more than the old one; an unknown new role counts as more."""
    if parameters.get("membership_change_type") in {"remove_from_shared_drive", "remove"}:
        return False
    after, before = _rank(parameters, "new_value"), _rank(parameters, "old_value")
    return after is None or after > (before if before is not None else 0)


def _rank(parameters: Parameters, name: str) -> int | None:
    ranks = [_RANKS[text] for text in _texts(parameters, name) if text in _RANKS]
    return max(ranks, default=None)


def _texts(parameters: Parameters, name: str) -> tuple[str, ...]:
    value = parameters.get(name)
    values = value if isinstance(value, tuple) else (value,)
    return tuple(text for text in values if isinstance(text, str))
