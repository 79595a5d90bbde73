"""What the parts of a view have in common: frozen, typed, the same from a row of the database and from JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from sqlmodel import SQLModel

Instant = Annotated[
    AwareDatetime,
    PlainSerializer(datetime.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware instant, in JSON with its offset."""


def _name(who: Any) -> Any:
    return who["subject"] if isinstance(who, dict) else who


Who = Annotated[str, BeforeValidator(_name)]
"""Who acted, by name alone."""


class Part(BaseModel):
    """A frozen part of a view.  Where JSON's key is another word than the row's column, the key is the alias."""

    model_config = ConfigDict(
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        json_schema_serialization_defaults_required=True,
    )

    @classmethod
    def of(cls, row: SQLModel, /, **more: object) -> Self:
        """Return the part that *row*'s columns make; *more* adds to them, or stands in their place."""
        return cls.model_validate(row.model_dump() | more)
