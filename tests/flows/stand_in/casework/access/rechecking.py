"""The stand-in has nothing to look at again."""

from __future__ import annotations

from casework.context import Context


async def look_again(context: Context) -> dict[str, list[str]]:
    return {"looked": [], "not_looked": [], "reopened": []}


async def collect_again(context: Context) -> dict[str, int]:
    return {"news": 0, "reopened": 0}
