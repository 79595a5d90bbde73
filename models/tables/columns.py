"""What every table is made of: its name, and column types that hold what the house means: aware instants, enum values, JSON."""

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
    """A row of a table that is named as its class is, `KindRead` as `kind_read`, where the class does not say otherwise."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  # SQLAlchemy calls it with the class
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant.  Naive ones raise `ValueError`; SQLite, which has no zones, stores and gives back UTC."""

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
    """Who acted, as JSON; nothing for nobody."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Actor | None, dialect: Dialect) -> Any:  # noqa: ARG002  # the signature is SQLAlchemy's
        return None if value is None else value.payload

    def process_result_value(self, value: Any, dialect: Dialect) -> Actor | None:  # noqa: ARG002  # the signature is SQLAlchemy's
        return None if value is None else Actor(**value)


def instant(**options: Any) -> Any:
    """Return an instant column, empty by default."""
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
    """Return a column that holds who acted, empty by default."""
    return Field(**({"default": None} | options), sa_type=ActorColumn)
