"""A record of the Reports API: its id and its instant."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.activity import Record
from connectors.errors import Unintelligible
from connectors.google_workspace.shape import Row, text

WHO = "google_workspace"
PLACEHOLDER = "105250506097979753968"
"""The profile id that Google writes for an actor who has none."""


def record(row: Row) -> Record:
    """Return the record; its id is what Google documents as unique together.  The qualifier may be negative."""
    held = row.get("id")
    if not isinstance(held, dict):
        raise Unintelligible(f"{WHO}: cannot read a record: it has no id")
    told, application = text(held, "time"), text(held, "applicationName")
    qualifier = held.get("uniqueQualifier")
    if qualifier is None:
        raise Unintelligible(f"{WHO}: cannot read a record: uniqueQualifier is missing")
    return Record(f"{told}/{qualifier}/{application}/{held.get('customerId', '')}", instant(told), row)


def instant(told: str) -> datetime:
    try:
        at = datetime.fromisoformat(told)
    except ValueError as exc:
        raise Unintelligible(f"{WHO}: cannot read a record: its time is none") from exc
    if at.tzinfo is None:
        raise Unintelligible(f"{WHO}: cannot read a record: its time has no zone")
    return at.astimezone(UTC)
