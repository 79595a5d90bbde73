"""The stand-in restores nothing."""

from __future__ import annotations

from casework.context import Context


def lifted(context: Context) -> list[str]:
    return []


async def block_interrupted(context: Context) -> int:
    return 0
