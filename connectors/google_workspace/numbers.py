"""The place of employee numbers in a tenant: a setting, since Google has several."""

from __future__ import annotations

import re

from connectors.kit.answers import object_of, objects_of
from connectors.kit.exchange import Row

_EXTERNAL = re.compile(r"externalIds\.(?P<type>account|customer|login_id|network|organization|custom:(?P<custom>.+))")
_SCHEMA = re.compile(r"customSchemas\.(?P<schema>\w+)\.(?P<field>\w+)")


class NumberField:
    """
    `externalIds.TYPE` (`organization` is the Admin console's "employee ID"), `externalIds.custom:NAME`,
    `customSchemas.SCHEMA.FIELD`, or `none`: the tenant has no numbers, or not HR's.  Raises `ValueError` for anything else.

    *schema*: the custom schema that each read must name, if the number is in one.  *searched_as*: the field of the search
    language, None for `none`.
    """

    def __init__(self, place: str = "externalIds.organization") -> None:
        self.place = place
        self._external, custom = _EXTERNAL.fullmatch(place), _SCHEMA.fullmatch(place)
        if place != "none" and self._external is None and custom is None:
            raise ValueError("write externalIds.TYPE, externalIds.custom:NAME, customSchemas.SCHEMA.FIELD, or none")
        self.schema: str | None = custom["schema"] if custom else None
        self._field: str = custom["field"] if custom else ""
        self.searched_as = f"{self.schema}.{self._field}" if custom else "externalId" if self._external else None

    def read(self, row: Row) -> str | None:
        value: object = None
        if self.schema is not None:
            value = object_of(object_of(row.get("customSchemas")).get(self.schema)).get(self._field)
        elif self._external is not None:
            custom, sort = self._external["custom"], self._external["type"]
            of_type = [e for e in objects_of(row.get("externalIds")) if e.get("type") == ("custom" if custom else sort)]
            named = [e for e in of_type if not custom or e.get("customType") == custom]
            value = next((e["value"] for e in named if e.get("value")), None)
        return str(value) if value else None
