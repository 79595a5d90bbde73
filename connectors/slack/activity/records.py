"""Slack's entries as records: an id, an instant, and the entry as it came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.activity import ActivityRecord
from connectors.slack.activity.words import ACCESS_LOGS, AUDIT_LOGS, FILES, INTEGRATION_LOGS

_STAMPS = {AUDIT_LOGS: "date_create", ACCESS_LOGS: "date_last", INTEGRATION_LOGS: "date", FILES: "created"}
_WITHOUT_AN_ID = frozenset({ACCESS_LOGS, INTEGRATION_LOGS})


def record(source: str, raw: Mapping[str, Any]) -> ActivityRecord:
    its = _digest(raw) if source in _WITHOUT_AN_ID else raw["id"]
    if not isinstance(its, str) or not its:
        raise TypeError("an entry without an id")
    return ActivityRecord(its, moment(raw[_STAMPS[source]]), raw)


def _digest(row: Mapping[str, Any]) -> str:
    """Return an id for an entry without one.  An entry whose count has grown since gets another id."""
    return hashlib.sha256(json.dumps(dict(row), sort_keys=True).encode()).hexdigest()[:32]


def moment(seconds: object) -> datetime:
    """Return the instant of *seconds* (Unix time, a number or text); raises `TypeError` for anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        raise TypeError("no seconds")
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise TypeError("no seconds") from exc
