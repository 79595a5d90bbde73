"""No papers to follow."""

from __future__ import annotations

from casework.desk import Desk


async def follow_up(desk: Desk) -> int:
    """Return that nothing was due."""
    return 0
