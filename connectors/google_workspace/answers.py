"""Checking Google's answers: an empty collection has no key, and an answer may be about another user."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.errors import Unintelligible
from connectors.google_workspace.errors import WHO
from connectors.kit.answers import rows_of
from connectors.kit.exchange import Row


def listed(body: Row, key: str, doing: str) -> list[Row]:
    """
    Return the objects of an answer that is a list.

    An empty list has no *key*, and only plain values beside it.  Raises `Unintelligible` if *key* is missing and there is an
    object or another list instead, as an error with status 200.
    """
    beside = (value for name, value in body.items() if name != "nextPageToken")
    if key not in body and ("error" in body or any(isinstance(value, dict | list) for value in beside)):
        raise Unintelligible(f"{WHO}: cannot {doing}: the answer has no {key}, but something else")
    return rows_of(WHO, body.get(key, []), key)


def texts(row: Row, key: str) -> tuple[str, ...]:
    values = row.get(key, [])
    if not isinstance(values, list):
        raise Unintelligible(f"{WHO}: cannot read an answer: {key} is not a list")
    return tuple(value for value in values if isinstance(value, str))


def rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def same_id(row: Row, key: str, asked: str) -> None:
    """Raise `Unintelligible` if the answer is about another object: Google was seen to mix up answers."""
    if row.get(key) != asked:
        raise Unintelligible(f"{WHO}: cannot trust an answer: asked for {asked}, {key} is another")
