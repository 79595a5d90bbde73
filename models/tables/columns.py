"""The base of every table: its name, and column types for aware instants, enum values, actors and JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Enum, TypeDecorator
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from models.actor import Actor


class Table(SQLModel):
    """A row.  Its table is named after the class (`KindRead`: `kind_read`), unless the class sets another name."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  # SQLAlchemy calls it with the class
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant.  A naive one raises `ValueError`.  SQLite has no zones: it stores UTC, and reads are aware again."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # the signature is SQLAlchemy's
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # the signature is SQLAlchemy's
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ActorColumn(TypeDecorator[Actor]):
    """An actor as JSON, or NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Actor | None, dialect: Dialect) -> Any:  # noqa: ARG002  # the signature is SQLAlchemy's
        return None if value is None else value.payload

    def process_result_value(self, value: Any, dialect: Dialect) -> Actor | None:  # noqa: ARG002  # the signature is SQLAlchemy's
        return None if value is None else Actor(**value)


def instant(**options: Any) -> Any:
    """Return an instant column, NULL by default."""
    return Field(**({"default": None} | options), sa_type=Instant)


def word(kind: type[StrEnum], **options: Any) -> Any:
    """
    Return a column that stores an enum's values as text.

    No CHECK constraint: a new word needs no migration, and an unknown one read back raises `LookupError`.
    """
    stored = Enum(kind, native_enum=False, length=40, values_callable=lambda e: [m.value for m in e])
    return Field(**options, sa_type=stored)


def json_column(**options: Any) -> Any:
    return Field(**options, sa_type=JSON)


def actor(**options: Any) -> Any:
    """Return an actor column, NULL by default."""
    return Field(**({"default": None} | options), sa_type=ActorColumn)
