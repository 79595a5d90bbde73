"""The stand-in's services keep no logs."""

from __future__ import annotations

from casework.context import Context
from models.vocabulary import ConnectionId


async def before_the_cut(context: Context, case_id: str) -> None:
    """There is nothing to read."""


async def after_the_cut(context: Context, case_id: str, connection: ConnectionId) -> None:
    """There is nothing to read."""


async def conclude(context: Context, case_id: str) -> None:
    """There is nothing to summarise."""
