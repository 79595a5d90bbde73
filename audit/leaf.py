"""
The exact bytes of one event: RFC 8785 JSON on one line, without personal data, chained per case.

Written bytes are stored and never serialised again: the tree, the chain and every proof are over these bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import rfc8785

from audit import fields as words
from audit.events import EventType
from audit.fields import Json

VERSION = 1
LONGEST = 65_535
"""Bytes: the longest entry of a C2SP tile, which older logs may hold."""
WIDEST = 4_096
"""Bytes: the longest leaf that is written.  A list that grows with a tenant becomes a count and a root: see `audit.exchanges`."""
FIRST_PREV = "0" * 64
SALT_SIZE = 32
_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)
LOG_CASE = "log"
"""The case reference of events that concern the log itself (anchors)."""
FRAME = frozenset({"actor", "case", "log", "prev", "seq", "time", "type", "v"})
"""The fields that every leaf has.  A leaf has `payload_commit` if its event has a payload."""


class LeafError(ValueError):
    """The bytes are not a leaf of ours, or a value cannot be written into a leaf."""


@dataclass(frozen=True, slots=True)
class Event:
    """
    An event, as its leaf will record it.

    *actor*: `svc:<component>`, `role:<role>` or `person:<random reference>`; the person's name goes to the payload.
    *case*: a random id.  *fields*: see `audit.fields`; a field of value None is left out.  Raises `ValueError` for a field that is
    not listed there: an intent that cannot be recorded so stops its action before it begins.
    """

    type: EventType
    case: str
    actor: str
    fields: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not words.case_ref(self.case) or not words.actor(self.actor):
            raise ValueError("trail: cannot record an event: case or actor is not an opaque reference")
        said: dict[str, Json] = {name: value for name, value in self.fields.items() if value is not None}
        words.refuse_unlisted(self.type, said)
        own: dict[str, Json] = json.loads(canonical(said))  # a copy: the caller cannot change it later
        object.__setattr__(self, "fields", MappingProxyType(own))


@dataclass(frozen=True, slots=True)
class LeafPosition:
    """The position of a leaf: its log, its place in the case's chain, its time (written by `stamp`)."""

    log: str
    seq: int
    prev: str
    time: str


def canonical(value: Json) -> bytes:
    """Return the RFC 8785 bytes.  Raises `LeafError` for values that JSON readers read differently (integers from 2^53, NaN)."""
    try:
        return _JSON.encode(value).encode() if _is_plain(value) else rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as exc:
        raise LeafError(f"trail: cannot write JSON: {type(exc).__name__}") from exc


def _is_plain(value: object) -> bool:
    """Whether Python's own encoder, four times as fast, writes the same bytes: no fraction, no large number, names that sort alike."""
    if isinstance(value, dict):
        return all(type(name) is str and name.isascii() and _is_plain(one) for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (str, bool)) or (type(value) is int and abs(value) < 2**53)


def stamp(when: datetime) -> str:
    """Return the leaf's form of an aware time: UTC, milliseconds (cut off, not rounded), `Z`."""
    if when.tzinfo is None:
        raise ValueError("trail: cannot stamp a time without a zone")
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def commitment(salt: bytes, payload: bytes) -> str:
    """Bind a payload without revealing it: `cat salt payload | sha256sum`.  Without the salt the payload cannot be guessed."""
    if len(salt) != SALT_SIZE:
        raise LeafError("trail: cannot commit to a payload: the salt is not 32 bytes")
    return hashlib.sha256(salt + payload).hexdigest()


def write(event: Event, frame: LeafPosition, payload_commit: str | None) -> bytes:
    """Return the leaf's bytes, without a newline.  Raises `LeafError` above 4,096 bytes, before anything is written."""
    said: dict[str, Json] = dict(event.fields)
    said |= {"actor": event.actor, "case": event.case, "type": event.type, "v": VERSION}
    said |= {"log": frame.log, "seq": frame.seq, "prev": frame.prev, "time": frame.time}
    if payload_commit is not None:
        said["payload_commit"] = payload_commit
    leaf = canonical(said)
    if len(leaf) > WIDEST:
        raise LeafError(f"trail: cannot write the leaf: {len(leaf)} bytes, {event.type} may have {WIDEST}")
    return leaf


def read(leaf: bytes) -> dict[str, Any]:
    """Return what the leaf says.  Raises `LeafError` unless it is canonical, whole and of this version."""
    try:
        said = json.loads(leaf)
        whole = isinstance(said, dict) and said.keys() >= FRAME and said["v"] == VERSION and canonical(said) == leaf
    except (ValueError, RecursionError) as exc:
        raise LeafError("trail: cannot read the leaf: not JSON") from exc
    if not whole:
        raise LeafError("trail: cannot read the leaf: not canonical, or not of this version")
    return dict(said)
