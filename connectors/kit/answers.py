"""Checking answers: a required property is there with the right type, or the answer is `Unintelligible`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from connectors.errors import ConnectorError, Unintelligible
from connectors.kit.exchange import Row
from models.vocabulary import Evidence

T = TypeVar("T")
_LONG = 20
"""Digits that no number of bytes has."""


def rows_of(who: str, value: object, name: str, evidence: Sequence[Evidence] = ()) -> list[Row]:
    """Return *value*, which must be a list of objects; *name* is the vendor's name for it."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Unintelligible(f"{who}: cannot read an answer: {name} is not a list of objects", evidence=evidence)
    return value


def need(who: str, row: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """Return a required property; a text must not be empty."""
    value = row.get(name)
    if not isinstance(value, kind) or value == "":
        raise Unintelligible(f"{who}: cannot read an answer: {name} is {type(value).__name__}, not {kind.__name__}")
    return value


def instant(who: str, value: object, name: str) -> datetime | None:
    """Return an RFC 3339 instant, with fractions of any length; None if *value* is empty.  Without a zone it is UTC."""
    if value in (None, ""):
        return None
    try:
        head, _, tail = str(value).replace("Z", "+00:00").partition(".")
        digits = len(tail) - len(tail.lstrip("0123456789"))
        read = datetime.fromisoformat(head + (f".{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}" if digits else ""))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise Unintelligible(f"{who}: cannot read an answer: {name} is not a time") from exc


def text_of(row: Mapping[str, Any], *names: str) -> str | None:
    """Return the first of the properties *names* that is a text and not empty."""
    return next((value for name in names if isinstance(value := row.get(name), str) and value), None)


def number_of(value: object) -> int | None:
    """Return *value* if it is a whole number, or one in digits that may be a number of bytes."""
    if isinstance(value, str) and value.isdecimal() and len(value) < _LONG:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def object_of(value: object) -> Row:
    """Return *value* if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[Row]:
    """Return the objects in *value*, none if it is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


@contextlib.contextmanager
def understood(who: str, trace: Sequence[Evidence]) -> Iterator[None]:
    """Turn an exception over an answer's shape into `Unintelligible`; add *trace* to every `ConnectorError`."""
    try:
        yield
    except ConnectorError as error:
        error.rest_on(trace)
        raise
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        text = f"{who}: cannot read an answer: {type(error).__name__} over its shape"
        raise Unintelligible(text, evidence=trace) from error
