"""The base of a view's parts: frozen, typed, the same from a row of the database and from JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    computed_field,
)
from sqlmodel import SQLModel

from models.actor import Actor
from models.vocabulary import ConnectionId, Service, vendor_of

Instant = Annotated[
    AwareDatetime,
    PlainSerializer(datetime.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware instant, in JSON with its offset."""

Who = Annotated[str, BeforeValidator(lambda who: who.subject if isinstance(who, Actor) else who)]
"""Who acted, by name alone."""


class Part(BaseModel):
    """A frozen part of a view.  If JSON's key differs from the row's column, the key is the alias."""

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        json_schema_serialization_defaults_required=True,
    )

    @classmethod
    def of(cls, row: SQLModel, /, **more: object) -> Self:
        """Return the part with *row*'s columns; *more* adds to them or replaces them."""
        return cls.model_validate(dict(row) | more)


_EITHER = AliasChoices("connection", "service")


def _is_first(connection: ConnectionId | None) -> bool:
    return connection is None or "." not in connection


class ConnectionPart(Part):
    """A part about one connection.  JSON has its vendor as `service`, and `connection` only for a vendor's further tenants."""

    connection: ConnectionId = Field(validation_alias=_EITHER, exclude_if=_is_first)

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator on top of a property
    @property
    def service(self) -> Service:
        """The vendor."""
        return vendor_of(self.connection)


class CaseOrConnectionPart(Part):
    """A part about one connection, or about the case as a whole."""

    connection: ConnectionId | None = Field(default=None, validation_alias=_EITHER, exclude_if=_is_first)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def service(self) -> Service | None:
        """The vendor."""
        return None if self.connection is None else vendor_of(self.connection)
