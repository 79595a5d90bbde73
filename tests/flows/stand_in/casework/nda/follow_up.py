"""No papers to follow."""

from __future__ import annotations

from casework.context import Context


async def follow_up(context: Context) -> dict[str, int]:
    """Return that nothing was due."""
    return {"followed": 0}
