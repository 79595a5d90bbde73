"""A record of Google's logs, as tests write it."""

from __future__ import annotations

from typing import Any


def raw(name: str, source: str = "drive", *, more: Any = (), **parameters: Any) -> dict[str, Any]:
    """Return a record as Google writes it, with one event (and *more*)."""
    listed = [_parameter(key, value) for key, value in parameters.items()]
    return {
        "kind": "admin#reports#activity",
        "id": {"time": "2026-11-18T17:42:09.364Z", "uniqueQualifier": "-48172533", "applicationName": source},
        "actor": {"email": "leaver@example.com", "profileId": "112233445566778899001"},
        "ownerDomain": "example.com",
        "ipAddress": "203.0.113.25",
        "events": [{"type": "access", "name": name, "parameters": listed}, *more],
    }


def _parameter(key: str, value: Any) -> dict[str, Any]:
    field = "boolValue" if isinstance(value, bool) else "multiValue" if isinstance(value, list) else "value"
    return {"name": key, field: value}
