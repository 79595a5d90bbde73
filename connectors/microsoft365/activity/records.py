"""Rows of a page as records, and constants of all logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from connectors.activity import ActivityRecord, Window
from connectors.errors import ConnectorError, Unintelligible
from connectors.kit.answers import instant, need
from connectors.kit.exchange import Row
from connectors.microsoft365.answers import WHO
from models.vocabulary import Json

PAGE = 999
"""Rows a page; the vendor's largest."""
STAMP = "createdDateTime"
"""The property with a record's time, in the unified audit log and in Entra's sign-ins."""
REFUSED = frozenset({400, 404, 410})
"""Statuses that may mean that a page's token is too old; Microsoft documents none."""


def records_of(rows: Iterable[Row], window: Window, stamp: str) -> tuple[ActivityRecord, ...]:
    """Return the records in *window*, each once; raises `Unintelligible` for a row without id or time."""
    inside = (one for one in (record_of(row, stamp) for row in rows) if window.from_at <= one.at < window.until_at)
    return tuple({one.id: one for one in inside}.values())


def record_of(row: Mapping[str, Json], stamp: str) -> ActivityRecord:
    """Return a row as a record; raises `Unintelligible` for one without id or time."""
    at = instant(WHO, row.get(stamp), stamp)
    if at is None:
        raise Unintelligible(f"microsoft365: cannot read {stamp}: it is missing")
    return ActivityRecord(need(WHO, row, "id", str), at, row)


def status_of(error: ConnectorError) -> int | None:
    """Return the status of the answer behind *error*, None without one."""
    return error.evidence[-1].status if error.evidence else None


def zulu(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
