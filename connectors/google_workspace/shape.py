"""Reading answers: what must be there is there in the right form, or the answer is unintelligible."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

from connectors.errors import Unintelligible

Row: TypeAlias = "dict[str, Any]"


def rows_of(body: Row, key: str, doing: str) -> list[Row]:
    """Return the objects under *key*.  Google leaves an empty collection's key out."""
    rows = body.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unintelligible(f"google_workspace: cannot {doing}: {key} is not a list of objects")
    return rows


def listed(body: Row, key: str, doing: str) -> list[Row]:
    """
    Return the objects of an answer that is a list.

    An empty one has nothing but plain texts beside the missing key; where something else stands, as an error under 200 or a
    list under another name, nothing says that there are none.
    """
    beside = (value for name, value in body.items() if name != "nextPageToken")
    if key not in body and ("error" in body or any(isinstance(value, dict | list) for value in beside)):
        raise Unintelligible(f"google_workspace: cannot {doing}: the answer has no {key}, but something else")
    return rows_of(body, key, doing)


def text(row: Row, key: str) -> str:
    """Return a required text."""
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise Unintelligible(f"google_workspace: cannot read an answer: {key} is missing")
    return value


def texts(row: Row, key: str) -> tuple[str, ...]:
    """Return an optional list of texts."""
    values = row.get(key, [])
    if not isinstance(values, list):
        raise Unintelligible(f"google_workspace: cannot read an answer: {key} is not a list")
    return tuple(value for value in values if isinstance(value, str))


def spelled(at: datetime) -> str:
    """Return an instant as Google takes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def same_id_if_told(row: Row, key: str, asked: str) -> None:
    """As `same_id`, for an answer that need not name whom it is about."""
    if key in row:
        same_id(row, key, asked)


def same_id(row: Row, key: str, asked: str) -> None:
    """Raise `Unintelligible` if the answer is about somebody else: mixed up answers have been seen."""
    if row.get(key) != asked:
        raise Unintelligible(f"google_workspace: cannot trust an answer: asked for {asked}, {key} is another")
