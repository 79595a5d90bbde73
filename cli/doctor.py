"""`lastday doctor`: is everything there, and what does each tenant let us do?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cli.errors import BAD_INPUT, DONE, REMAINS
from cli.tables import table
from cli.terminal import Terminal, sentence

if TYPE_CHECKING:
    from rich.console import RenderableType


def doctor(terminal: Terminal) -> int:
    """
    Check settings, database, schema, policy, the trail's key and anchors, Prefect, files, registers and services.  Reads only.

    Exits with 2 if something is missing or red, with 1 if anchors are late or a tenant does not let us list or revoke a kind.
    """
    from casework.settings import read_settings
    from cli.examining import examine_house, examine_registers, examine_services

    settings = read_settings()
    with terminal.progress(1 + len(settings.services), sentence("checking")) as step:
        checks = examine_house(settings) + asyncio.run(examine_registers())
        step(sentence("asking_services"))
        services = asyncio.run(examine_services(settings.services, step))
    payload = {"checks": checks, "services": services}
    terminal.answer(payload, *_page(payload))
    states = {check["state"] for check in [*checks, *services]}
    if states - {"ok", "amber"}:
        return BAD_INPUT
    lacking = any(service["problems"] or _lacking(service) for service in services)
    return REMAINS if lacking or "amber" in states else DONE


def _lacking(service: dict[str, Any]) -> bool:
    return any(not (kind["list"] and kind["revoke"]) and not kind["by_nature"] for kind in service["kinds"])


def _page(payload: dict[str, Any]) -> Iterator[RenderableType]:
    checks = ((row["check"], row["state"], row["detail"], row["remedy"]) for row in payload["checks"])
    yield table("Check", "State", "Problem", "Remedy", rows=checks)
    for service in payload["services"]:
        yield from _service(service)


def _service(service: dict[str, Any]) -> Iterator[RenderableType]:
    place = service.get("connection", service["service"])
    if service["state"] != "ok":
        row = (place, service["state"], service["detail"], service["remedy"])
        yield table("Service", "State", "Problem", "Remedy", rows=[row])
        return
    own = ", ".join(service["own_accounts"]) or "-"
    title = sentence("tenant", place=place, tenant=service["tenant"], plan=service["plan"], own=own)
    heads = ("Kind", "List", "Revoke", "Scopes to read", "Scopes to write", "Problem", "Remedy")
    yield table(*heads, title=title, rows=map(_kind, service["kinds"]))
    yield from (f"{row['problem']}  {row['remedy']}" for row in service["problems"])


def _kind(kind: dict[str, Any]) -> tuple[object, ...]:
    scopes = ("\n".join(map(_short, kind[tier])) for tier in ("read_scopes", "write_scopes"))
    return kind["kind"], kind["list"], kind["revoke"], *scopes, kind["problem"], kind["remedy"]


def _short(scope: str) -> str:
    """Return a scope without the part that all of Google's share."""
    return scope.removeprefix("https://www.googleapis.com/auth/")
