"""The place of employee numbers in a tenant: a setting, since Google has several."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.kit.answers import object_of, objects_of
from connectors.kit.exchange import Row

_EXTERNAL = re.compile(r"externalIds\.(?P<type>account|customer|login_id|network|organization|custom:(?P<custom>.+))")
NONE = "none"
_SCHEMA = re.compile(r"customSchemas\.(?P<schema>\w+)\.(?P<field>\w+)")


@dataclass(frozen=True, slots=True)
class NumberField:
    """
    `externalIds.TYPE` (`organization` is the Admin console's "employee ID"), `externalIds.custom:NAME`,
    `customSchemas.SCHEMA.FIELD`, or `none`: the tenant has no numbers, or not HR's.  Raises `ValueError` for anything else.
    """

    place: str = "externalIds.organization"

    def __post_init__(self) -> None:
        if self.place != NONE and not (_EXTERNAL.fullmatch(self.place) or _SCHEMA.fullmatch(self.place)):
            raise ValueError("write externalIds.TYPE, externalIds.custom:NAME, customSchemas.SCHEMA.FIELD, or none")

    @property
    def schema(self) -> str | None:
        """The custom schema that each read must name, None if the number is in none."""
        found = _SCHEMA.fullmatch(self.place)
        return found["schema"] if found is not None else None

    @property
    def searched_as(self) -> str | None:
        """The field of the search language, None for `none`."""
        found = _SCHEMA.fullmatch(self.place)
        if found is not None:
            return f"{found['schema']}.{found['field']}"
        return "externalId" if self.place != NONE else None

    def read(self, row: Row) -> str | None:
        found = _SCHEMA.fullmatch(self.place)
        if found is None:
            value = self._external(row)
        else:
            value = object_of(object_of(row.get("customSchemas")).get(found["schema"])).get(found["field"])
        return str(value) if value else None

    def _external(self, row: Row) -> object:
        found, ids = _EXTERNAL.fullmatch(self.place), row.get("externalIds")
        if found is None:
            return None
        sort = "custom" if found["custom"] else found["type"]
        of_type = [one for one in objects_of(ids) if one.get("type") == sort]
        named = [one for one in of_type if not found["custom"] or one.get("customType") == found["custom"]]
        return next((one["value"] for one in named if one.get("value")), None)
