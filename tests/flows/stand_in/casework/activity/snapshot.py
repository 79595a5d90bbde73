"""The stand-in's services keep no logs."""

from __future__ import annotations

from casework.desk import Desk
from models.vocabulary import Service


async def before_the_cut(desk: Desk, case_id: str) -> None:
    """There is nothing to read."""


async def take(desk: Desk, case_id: str, service: Service) -> None:
    """There is nothing to read."""


async def conclude(desk: Desk, case_id: str) -> None:
    """There is nothing to weigh."""
