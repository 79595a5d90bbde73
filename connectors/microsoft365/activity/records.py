"""Rows of a vendor's page as records, and the cursors' common ground."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.activity import Record, Window
from connectors.errors import ConnectorError, Unintelligible
from connectors.microsoft365.answers import Row, instant, need

PAGE = 999
"""As many rows as the vendor gives at most."""
REFUSED = frozenset({400, 404, 410})
"""How a page's token that is too old is answered: no page of Microsoft's names the code."""


def records_of(rows: Iterable[Row], window: Window, stamp: str) -> tuple[Record, ...]:
    """Return what lies in *window*, each record once; raises `Unintelligible` for a row without id or time."""
    found: dict[str, Record] = {}
    for row in rows:
        at = instant(row, stamp)
        if at is None:
            raise Unintelligible(f"microsoft365: cannot read {stamp}: it is missing")
        if window.from_at <= at < window.until_at:
            name = need(row, "id", str)
            found[name] = Record(name, at, row)
    return tuple(found.values())


def status_of(error: ConnectorError) -> int | None:
    """Return the status of the answer that *error* stands for."""
    return error.evidence[-1].status if error.evidence else None


def zulu(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
