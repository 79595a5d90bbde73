"""The verbs of the stand-in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from casework.context import Context, change, note, read  # type: ignore[attr-defined]  # the stand-in's own context
from casework.errors import QuestionsOpen, StillOpen
from models.vocabulary import ConnectionId, Service
from tests.flows.personal import ADDRESS, KANJI, ROMAJI


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
    if read(case_id)["story"] == "explodes" and connection == Service.SLACK:
        cause = LookupError(f"no account of {KANJI}")
        cause.add_note(f"asked for {ADDRESS}")
        raise ValueError(f"cannot contain {ROMAJI} <{ADDRESS}>", {"name": KANJI}) from cause


async def deprovision(context: Context, case_id: str, connection: ConnectionId) -> None:
    assert connection in context.connectors
    note(case_id, f"deprovision {connection}")


async def observe_until_closed(context: Context, case_id: str) -> None:
    note(case_id, "observe")
    if read(case_id)["story"] == "breaks":
        raise ExceptionGroup(f"reading back {ROMAJI}", [OSError(f"{ADDRESS} refused"), KeyError(KANJI)])


def close(context: Context, case_id: str) -> None:
    case = read(case_id)
    if case["story"] == "asks" and not case.get("answered"):
        raise QuestionsOpen(["q-0123456789abcdef", KANJI])
    if case["story"] in {"explodes", "open"}:
        raise StillOpen({"still_open": 2, f"group of {KANJI}": 1})
    change(case_id, state="closed")
    note(case_id, "close")


@asynccontextmanager
async def claim(context: Context, case_id: str, runner: str) -> AsyncIterator[bool]:
    note(case_id, "claim")
    change(case_id, lease=time.time() + 45)
    try:
        yield True
    finally:
        change(case_id, lease=0, run_state="ended")


async def check_papers(context: Context, case_id: str) -> None:
    """Papers hold nothing up: here there are none."""
