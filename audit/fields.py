"""
What a leaf may say: the fields of each type of event, and the shape of each field.

Leaves can never be erased, so a leaf may say nothing about a person.  Two rules ensure it.  A field that is not listed here is
refused.  A listed field takes only words, counts, times, digests and random references, never free text.
Vendors' ids of people belong to the payload: no vendor's id has the form of a reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from audit.events import EventType

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Shape: TypeAlias = "Callable[[Json], bool]"

INTEGERS_END = 2**53
"""The first integer that a JSON reader with binary64 numbers may not hold exactly."""


def _matching(pattern: str) -> Shape:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _one_of(*words: str) -> Shape:
    return lambda value: isinstance(value, str) and value in words


def _count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < INTEGERS_END


def _flag(value: Json) -> bool:
    return isinstance(value, bool)


def time(value: Json) -> bool:
    """Return whether it is a time as leaves write it (UTC, milliseconds): such strings sort in the order of time."""
    if not _TIME_FORM(value):
        return False
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False


def _counts(value: Json) -> bool:
    return isinstance(value, dict) and all(word(key) and _count(item) for key, item in value.items())


def _words(value: Json) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(word(item) for item in value)


def _indices(value: Json) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(_count(item) for item in value)


def _exchanges(value: Json) -> bool:
    """
    Return whether it is a list of files, a list of exchanges (older leaves; each has at least one listed field), or what
    `audit.exchanges.bind` returns.
    """
    if isinstance(value, dict):
        return value.keys() == {"count", "root"} and _count(value["count"]) and digest(value["root"])
    return isinstance(value, list) and len(value) > 0 and all(_exchange(item) for item in value)


def _exchange(value: Json) -> bool:
    if not isinstance(value, dict) or not value:
        return False
    return all(key in EVIDENCE and EVIDENCE[key](item) for key, item in value.items())


_TIME_FORM = _matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
word = _matching(r"[a-z][a-z0-9_]{0,47}")
reference = _matching(r"[0-9a-f]{32}|[a-z]{1,16}-[0-9a-f]{16,32}")
"""32 hexadecimal digits, or a word, a hyphen and 16 to 32 of them: `acct-9f2c41d07b3e5a68`."""
digest = _matching(r"[0-9a-f]{64}")
code = _matching(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,95}")
case_ref = _matching(r"[a-z0-9][a-z0-9-]{0,63}")
actor = _matching(r"(?:svc|role):[a-z][a-z0-9_.-]{0,47}|person:(?:[0-9a-f]{32}|[a-z]{1,16}-[0-9a-f]{16,32})")

EVIDENCE: Mapping[str, Shape] = {
    "name": _matching(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*){0,7}"),
    "sha256": digest,
    "content_sha256": digest,
    "size": _count,
    "request_sha256": digest,
    "response_sha256": digest,
    "status": _count,
    "code": code,
    "sent_at": time,
    "received_at": time,
    "vendor_at": time,
}
"""One recorded exchange or file.  Its path with the vendor's ids belongs to the payload."""

SHAPES: Mapping[str, Shape] = {
    # what it is about: random references made by casework; the payload has their meaning
    **dict.fromkeys(("op", "account", "entitlement", "question", "waiver", "departure", "pause"), reference),
    # words of the vocabulary
    **dict.fromkeys(
        ("service", "kind", "state", "confirmation", "reason", "choice", "scope", "finding",
         "from_state", "guard", "basis", "source"),
        word,
    ),
    "connection": _matching(r"[a-z][a-z0-9_]{0,47}\.[a-z][a-z0-9]{0,19}"),
    "result": _one_of("commanded", "already_absent", "refused", "failed", "unknown"),
    "verb": _one_of("revoke", "freeze", "restore"),
    "code": code,
    **dict.fromkeys(("plan_sha256", "policy_sha256", "checkpoint_sha256", "tsr_sha256", "person_commitment"), digest),
    **dict.fromkeys(
        ("due_at", "previous_due_at", "last_working_at", "commanded_at", "observed_at", "ended_at", "cut_effective_by",
         "from_at", "until_at", "tsa_time", "since_at", "wanted_by", "retain_until", "moved_at"),
        time,
    ),
    **dict.fromkeys(
        ("count", "accounts", "entitlements", "findings", "attempt", "status", "records", "pages", "exposure_minutes",
         "notice_late_minutes", "revision", "size", "from_size"),
        _count,
    ),
    **dict.fromkeys(("for_real", "complete", "quorum"), _flag),
    **dict.fromkeys(("counts", "states"), _counts),
    "evidence": _exchanges,
    "corrected": _words,
    "idx": _indices,
    "root": _matching(r"[A-Za-z0-9+/]{43}="),
    **dict.fromkeys(("next_log", "previous_log"), _matching(r"[a-z0-9][a-z0-9.-]{0,127}(?:/[a-z0-9][a-z0-9.-]{0,31}){1,4}")),
    **dict.fromkeys(("from_key", "to_key"), _matching(r"file-[0-9a-f]{16}")),
    "vkey": _matching(r"[A-Za-z0-9._/-]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The fields that a type of event must and may have."""

    required: frozenset[str]
    optional: frozenset[str]


def _rule(required: str, optional: str) -> FieldRule:
    return FieldRule(frozenset(required.split()), frozenset(optional.split()))


_ROW = "service connection account kind entitlement"


def _family(name: str, required: str, optional: str) -> dict[EventType, FieldRule]:
    return dict.fromkeys((kind for kind in EventType if kind.family == name), _rule(required, optional))


RULES: Mapping[EventType, FieldRule] = {
    **_family(
        "case",
        "",
        f"{_ROW} state from_state states reason departure due_at previous_due_at last_working_at until_at for_real revision"
        " plan_sha256 policy_sha256 count counts accounts entitlements findings exposure_minutes cut_effective_by"
        " notice_late_minutes person_commitment corrected"
        " finding question waiver pause scope choice evidence wanted_by retain_until moved_at from_at",
    ),
    **_family(
        "finding",
        "",
        f"{_ROW} op finding question waiver state reason guard code status until_at count counts evidence revision wanted_by",
    ),
    **_family(
        "nda",
        "",
        "op kind state source reason choice result code status attempt count evidence until_at question revision",
    ),
    EventType.PLAN_SEALED: _rule(
        "plan_sha256",
        "policy_sha256 scope service connection accounts entitlements count counts due_at for_real revision evidence",
    ),
    EventType.REVOKE_INTENT: _rule("op", f"{_ROW} verb attempt plan_sha256 due_at reason"),
    EventType.REVOKE_OUTCOME: _rule(
        "op result", f"{_ROW} verb attempt code status evidence commanded_at cut_effective_by reason guard"
    ),
    EventType.OBSERVE_SEEN: _rule(
        "state",
        f"{_ROW} op confirmation code status evidence observed_at commanded_at ended_at cut_effective_by count counts"
        " reason source",
    ),
    EventType.OBSERVE_OPENER: _rule("state", f"{_ROW} evidence"),
    EventType.ANSWER_RECORDED: _rule(
        "question", f"{_ROW} choice finding count counts scope reason until_at evidence revision"
    ),
    EventType.EVIDENCE_BOUND: _rule(
        "evidence",
        "service connection account source scope from_at until_at records pages count counts complete reason",
    ),
    EventType.NDA_CHECKED: _rule("state", "kind source reason count counts states evidence until_at"),
    EventType.PAYLOAD_ERASED: _rule("idx basis", "count reason"),
    EventType.ANCHOR_RECORDED: _rule("size root checkpoint_sha256", "tsr_sha256 tsa_time source count quorum"),
    EventType.ANCHOR_FAILED: _rule("size checkpoint_sha256 reason", "count"),
    EventType.ANCHOR_CLEARED: _rule("count", "reason"),
    EventType.LOG_CLOSED: _rule("next_log", ""),
    EventType.LOG_OPENED: _rule("previous_log size root checkpoint_sha256 reason", ""),
    EventType.LOG_KEY_ADDED: _rule("vkey", ""),
    EventType.LOG_KEY_RETIRED: _rule("vkey", ""),
    EventType.LOG_KEY_COMPROMISED: _rule("vkey since_at", "reason"),
    EventType.LOG_EVIDENCE_REWRAPPED: _rule("from_key to_key count", ""),
    EventType.TRAIL_EPOCH: _rule("from_size size root checkpoint_sha256 reason", ""),
}


def refuse_unlisted(kind: EventType, fields: Mapping[str, Json]) -> None:
    """Raise `ValueError` unless *fields* suit the rule and their shapes.  The message names the field and never its value."""
    rule = RULES[EventType(kind)]
    for missing in sorted(rule.required - fields.keys()):
        raise ValueError(f"trail: cannot record {kind}: {missing} is missing")
    for name, value in fields.items():
        if name not in rule.required | rule.optional:
            raise ValueError(f"trail: cannot record {kind}: a field is not listed for it")
        if not SHAPES[name](value):
            raise ValueError(f"trail: cannot record {kind}: {name} has not the shape of its field")
