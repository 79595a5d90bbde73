"""A record of the Reports API: its id and its instant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.activity import ActivityRecord
from connectors.errors import Unintelligible
from connectors.google_workspace.errors import WHO
from connectors.kit.answers import instant, need, objects_of
from connectors.kit.exchange import Row
from models.vocabulary import Json

PLACEHOLDER = "105250506097979753968"
"""The profile id that Google writes for an actor who has none."""


def record(row: Row) -> ActivityRecord:
    """Return the record; its id joins the properties that Google documents as unique together."""
    held = row.get("id")
    if not isinstance(held, dict):
        raise Unintelligible(f"{WHO}: cannot read a record: it has no id")
    told, application = need(WHO, held, "time", str), need(WHO, held, "applicationName", str)
    qualifier = held.get("uniqueQualifier")
    if qualifier is None:
        raise Unintelligible(f"{WHO}: cannot read a record: uniqueQualifier is missing")
    return ActivityRecord(f"{told}/{qualifier}/{application}/{held.get('customerId', '')}", happened_at(held), row)


def happened_at(held: Mapping[str, Any]) -> datetime:
    return need(WHO, {"time": instant(WHO, held.get("time"), "time")}, "time", datetime)


def names(row: Mapping[str, Json], parameter: str, address: str) -> bool:
    """
    Whether an event of *row* has *address* as its *parameter*.

    The query has this filter already, but Google ignores a filter on a parameter that it does not know, and then gives all
    users' records.
    """
    told = (p for event in objects_of(row.get("events")) for p in objects_of(event.get("parameters")))
    return any(p.get("name") == parameter and str(p.get("value")).casefold() == address.casefold() for p in told)
