"""`lastday doctor`: check the installation, and what each tenant lets us do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from rich.console import RenderableType

from casework.settings import read_settings
from cli.doctor_checks import Row, examine_house, examine_prefect, examined, failed, row
from cli.errors import BAD_INPUT, DONE, REMAINS
from cli.operation import examine_health
from cli.tables import table
from cli.terminal import Step, Terminal, sentence
from connectors.contract import Ability, Capabilities, Connector
from connectors.nda.registry import open_registers
from connectors.registry import open_connectors
from models.vocabulary import ConnectionId, as_fields

_OF_ALL_GOOGLE_S = "https://www.googleapis.com/auth/"
"""The prefix of each of Google's scopes."""


def doctor(terminal: Terminal) -> int:
    """
    Check settings, database, schema, policy, the trail's key and anchors, Prefect, files, registers and services.  Reads only.

    Exits with 2 if something is missing or red, with 1 if anchors are late or a tenant does not let us list or revoke a kind.
    """
    settings = read_settings()
    with terminal.progress(1 + len(settings.services), sentence("checking")) as step:
        papers = examined("papers", lambda: asyncio.run(_registers()))
        checks = [*examine_house(settings), examine_prefect(), *examine_health(), *papers]
        step(sentence("asking_services"))
        services = asyncio.run(_services(settings.services, step))
    checked = table("Check", "State", "Problem", "Remedy", rows=(check.values() for check in checks))
    terminal.answer({"checks": checks, "services": services}, checked, *chain.from_iterable(map(_service, services)))
    states = {check["state"] for check in [*checks, *services]}
    if states - {"ok", "amber"}:
        return BAD_INPUT
    lacking = any(service["problems"] or _lacking(service) for service in services)
    return REMAINS if lacking or "amber" in states else DONE


async def _registers() -> list[Row]:
    """Check the registers of confidentiality papers.  A register that cannot be read is amber: papers never delay a cut."""
    async with open_registers() as opened:
        return [_register(name, await register.probe()) for name, register in opened.items()]


def _register(name: str, problems: tuple[tuple[str, str], ...]) -> Row:
    if not problems:
        return row(f"papers: {name}")
    told, remedies = zip(*problems, strict=True)
    return row(f"papers: {name}", "amber", "; ".join(told), " ".join(dict.fromkeys(remedies)))


async def _services(connections: Iterable[ConnectionId], step: Step) -> list[Row]:
    """Probe all connections at once and independently: one that cannot be opened does not hide the others."""
    return await asyncio.gather(*(_connection(connection, step) for connection in connections))


async def _connection(connection: ConnectionId, step: Step) -> Row:
    found: Row = {**as_fields(connection), "kinds": [], "problems": [], "own_accounts": []}
    try:
        async with open_connectors([connection]) as opened:
            told = _told(opened[connection], await opened[connection].probe())
            return found | _verdict(connection, told["kinds"]) | told
    except Exception as exc:  # noqa: BLE001  # `failed` raises an unforeseen error again
        return found | failed(connection, exc)
    finally:
        step(connection)


def _verdict(connection: ConnectionId, kinds: list[Row]) -> Row:
    """Return the connection's state: "failed", with its first problem, if no kind can be listed."""
    if any(kind["list"] for kind in kinds):
        return row(connection)
    first: Row = kinds[0] if kinds else {"problem": "it offers nothing", "remedy": None}
    return row(connection, "failed", first["problem"], first["remedy"])


def _told(connector: Connector, found: Capabilities) -> Row:
    return {
        "plan": found.plan,
        "tenant": found.tenant,
        "own_accounts": sorted(found.own_account_ids),
        "problems": [{"problem": problem, "remedy": remedy} for problem, remedy in found.problems],
        "kinds": [_kind(connector, ability) for ability in found.abilities],
    }


def _kind(connector: Connector, ability: Ability) -> Row:
    manifest = connector.manifest.kinds[ability.kind]
    return {
        "kind": ability.kind,
        "list": ability.can_list,
        "revoke": ability.can_revoke,
        "problem": ability.problem or manifest.no_api,
        "remedy": ability.remedy,
        "by_nature": manifest.no_api is not None or manifest.implied_by is not None,
        "confirmation": manifest.confirmation,
        "read_scopes": manifest.read_scopes,
        "write_scopes": manifest.write_scopes,
    }


def _lacking(service: dict[str, Any]) -> bool:
    return any(not (kind["list"] and kind["revoke"]) and not kind["by_nature"] for kind in service["kinds"])


def _service(service: dict[str, Any]) -> Iterator[RenderableType]:
    place = service.get("connection", service["service"])
    if service["state"] != "ok":
        problem = (place, service["state"], service["detail"], service["remedy"])
        yield table("Service", "State", "Problem", "Remedy", rows=[problem])
        return
    own = ", ".join(service["own_accounts"]) or "-"
    title = sentence("tenant", place=place, tenant=service["tenant"], plan=service["plan"], own=own)
    heads = ("Kind", "List", "Revoke", "Scopes to read", "Scopes to write", "Problem", "Remedy")
    yield table(*heads, title=title, rows=map(_shown_kind, service["kinds"]))
    yield from (f"{one['problem']}  {one['remedy']}" for one in service["problems"])


def _shown_kind(kind: dict[str, Any]) -> tuple[object, ...]:
    scopes = ("\n".join(kind[tier]).replace(_OF_ALL_GOOGLE_S, "") for tier in ("read_scopes", "write_scopes"))
    return kind["kind"], kind["list"], kind["revoke"], *scopes, kind["problem"], kind["remedy"]
