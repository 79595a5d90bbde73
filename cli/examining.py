"""The checks of `lastday doctor`, a row each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from audit.keys import KeyRefused
from casework.bootstrap import evidence_key
from casework.matching.numbers import without_numbers
from casework.policy import load_policy
from casework.private_files import find_open_files
from casework.settings import CaseworkSettings
from cli.contexts import log_signers, only_store
from cli.examining_anchors import examine_anchors
from cli.examining_prefect import examine_prefect
from cli.rows import Row, examined, failed, row
from cli.terminal import Step, advice
from connectors.nda.registry import open_registers
from connectors.registry import open_connectors
from connectors.settings import prefix_of
from models.vocabulary import ConnectionId, as_fields

if TYPE_CHECKING:
    from connectors.contract import Ability, Capabilities, Connector


def examine_house(settings: CaseworkSettings) -> list[Row]:
    """Check what is on our side: database and schema, policy, the trail's key and its anchors, evidence, numbers, Prefect, files."""
    return [
        examined("database", _database),
        examined("policy", lambda: row("policy", detail=f"sha256 {load_policy(settings.policy_file).sha256}")),
        _trail_key(settings),
        examine_anchors(settings),
        examined("evidence", lambda: _evidence(settings), "amber"),  # what cannot be written holds up no cut
        examined("employee numbers", _numbers, "amber"),
        examine_prefect(),
        *_files(settings),
    ]


def _database() -> Row:
    with only_store():
        return row("database")


def _trail_key(settings: CaseworkSettings) -> Row:
    try:
        return row("trail key", detail=log_signers()[0].verifier.vkey)
    except KeyRefused as exc:
        state = "missing" if settings.audit_key_uri is None and not settings.audit_key_file.exists() else "failed"
        return row("trail key", state, *advice(f"trail_key_{state}", why=exc))


def _evidence(settings: CaseworkSettings) -> Row:
    folder = settings.evidence_folder.resolve()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return row("evidence", "amber", *advice("evidence_folder"))
    with only_store() as store:
        evidence_key(settings, store).check()
    return row("evidence")


def _numbers() -> Row:
    """Amber where a service's employee numbers turned out not to be HR's: accounts are found, with a fact less."""
    with only_store() as store, store.read() as session:
        found = without_numbers(session)
    if not found:
        return row("employee numbers")
    told = "; ".join(
        f"{one.connection}: agree with none of {one.compared} known people, and count as none" for one in found
    )
    places = ", ".join(f"{prefix_of(one.connection)}NUMBER_FIELD" for one in found)
    return row("employee numbers", "amber", told, f"Set {places} to the field with HR's numbers, or to none.")


def _files(settings: CaseworkSettings) -> list[Row]:
    """Tell of each file of secrets that others may read: "failed" for one of ours, "amber" for one not ours to change."""
    found = find_open_files(settings)
    rows = [row(f"file: {file.path}", "failed" if file.ours else "amber", file.text, file.remedy) for file in found]
    return rows or [row("files")]


async def examine_registers() -> list[Row]:
    """Check the registers of confidentiality papers.  One that cannot be read is amber: papers never hold up a cut."""
    try:
        async with open_registers() as opened:
            return [_register(name, await register.probe()) for name, register in opened.items()]
    except Exception as exc:  # noqa: BLE001  # told if it was foreseen, raised again if not
        return [failed("papers", exc)]


def _register(name: str, problems: tuple[tuple[str, str], ...]) -> Row:
    if not problems:
        return row(f"papers: {name}")
    told, remedies = zip(*problems, strict=True)
    return row(f"papers: {name}", "amber", "; ".join(told), " ".join(dict.fromkeys(remedies)))


async def examine_services(connections: Iterable[ConnectionId], step: Step) -> list[Row]:
    """Probe each connection, all at once, each for itself: one that cannot be opened does not hide the others."""

    async def one(connection: ConnectionId) -> Row:
        found = await _connection(connection)
        step(connection)
        return found

    return await asyncio.gather(*(one(connection) for connection in connections))


async def _connection(connection: ConnectionId) -> Row:
    found: Row = {**as_fields(connection), "kinds": [], "problems": [], "own_accounts": []}
    try:
        async with open_connectors([connection]) as opened:
            told = _told(opened[connection], await opened[connection].probe())
            return found | _verdict(connection, told["kinds"]) | told
    except Exception as exc:  # noqa: BLE001  # told if it was foreseen, raised again if not
        return found | failed(connection, exc)


def _verdict(connection: ConnectionId, kinds: list[Row]) -> Row:
    """A connection in which not one kind can be listed is out of our reach, whatever the reason."""
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
