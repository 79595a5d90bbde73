"""The stand-in's services keep no logs."""

from __future__ import annotations

from casework.context import Context, note  # type: ignore[attr-defined]  # the stand-in's own context
from models.vocabulary import ConnectionId


async def before_the_cut(context: Context, case_id: str) -> None:
    note(case_id, "collect early")


async def after_the_cut(context: Context, case_id: str, connection: ConnectionId) -> None:
    note(case_id, f"collect {connection}")


async def conclude(context: Context, case_id: str) -> None:
    note(case_id, "summarise")
