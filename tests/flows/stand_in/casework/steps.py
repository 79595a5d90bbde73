"""The steps of the stand-in, in the order of the real runbook."""

from __future__ import annotations

import asyncio
import time

from casework.context import Context, note, read  # type: ignore[attr-defined]  # the stand-in's own context
from models.vocabulary import ConnectionId, Service
from tests.flows.personal import ADDRESS, KANJI, ROMAJI


async def plan_if_none(context: Context, case_id: str) -> None:
    """Each is planned already."""


async def make_plan(context: Context, case_id: str) -> None:
    note(case_id, "plan")


async def take_early(context: Context, case_id: str) -> None:
    note(case_id, "early")


async def wait_until_due(context: Context, case_id: str) -> None:
    while (left := read(case_id)["due_at"] - time.time()) > 0:
        await asyncio.sleep(min(left, 0.2))


async def contain(context: Context, case_id: str, connection: ConnectionId) -> None:
    assert connection in context.connectors
    note(case_id, f"contain {connection}")
    if read(case_id)["story"] == "lingers":
        await asyncio.sleep(8)
    if read(case_id)["story"] == "explodes" and connection == Service.SLACK:
        cause = LookupError(f"no account of {KANJI}")
        cause.add_note(f"asked for {ADDRESS}")
        raise ValueError(f"cannot contain {ROMAJI} <{ADDRESS}>", {"name": KANJI}) from cause


async def deprovision(context: Context, case_id: str, connection: ConnectionId) -> None:
    assert connection in context.connectors
    note(case_id, f"deprovision {connection}")
