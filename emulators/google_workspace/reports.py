"""The tenant's own audit log, append-only, and the API that reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from emulators.google_workspace.calls import Call, Method, find_user, page
from emulators.google_workspace.state import CUSTOMER
from emulators.google_workspace.times import rfc3339

KEEPS = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of a log.  The actor did it; whom it was done to stands in the parameters."""

    at: datetime
    application: str
    type: str
    name: str
    actor_id: str
    actor_email: str
    parameters: Mapping[str, str]
    number: int


def activities_list(call: Call) -> dict[str, Any]:
    """
    Newest first.  What is younger than the tenant's *audit_lag* is not there yet.

    A filter on a parameter that an event does not have finds nothing, and says nothing.
    """
    tenant, query = call.tenant, call.query
    newest = tenant.now() - timedelta(seconds=tenant.options.audit_lag)
    rows = [e for e in tenant.events if e.application == call.path["applicationName"]]
    rows = [e for e in rows if tenant.now() - KEEPS <= e.at <= newest]
    if call.path["userKey"] != "all":
        actor = find_user(tenant, call.path["userKey"])
        rows = [e for e in rows if e.actor_id == actor.id]
    if "eventName" in query:
        rows = [e for e in rows if e.name == query["eventName"]]
    if "startTime" in query:
        rows = [e for e in rows if e.at >= _instant(query["startTime"])]
    if "endTime" in query:
        rows = [e for e in rows if e.at < _instant(query["endTime"])]
    if "filters" in query:
        rows = [e for e in rows if _passes(e, query["filters"])]
    shown = [_as_json(e) for e in sorted(rows, key=lambda e: (e.at, e.number), reverse=True)]
    return {"kind": "admin#reports#activities"} | page(call, shown, "items", default=1000)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _passes(event: AuditEvent, filters: str) -> bool:
    for clause in filters.split(","):
        name, operator, value = re.split(r"(==|<>|<=|>=|<|>)", clause, maxsplit=1)
        held = event.parameters.get(name)
        same = held is not None and held.casefold() == value.casefold()
        if held is None or (operator == "==") is not same:
            return False
    return True


def _as_json(event: AuditEvent) -> dict[str, Any]:
    return {
        "kind": "admin#reports#activity",
        "id": {
            "time": rfc3339(event.at),
            "uniqueQualifier": str((event.number * 2654435761) % 2**62 - 2**61),
            "applicationName": event.application,
            "customerId": CUSTOMER,
        },
        "actor": {"callerType": "USER", "email": event.actor_email, "profileId": event.actor_id},
        "ipAddress": "203.0.113.25",
        "events": [
            {
                "type": event.type,
                "name": event.name,
                "parameters": [{"name": key, "value": value} for key, value in event.parameters.items()],
            }
        ],
    }


METHODS: dict[str, Method] = {"reports.activities.list": activities_list}
