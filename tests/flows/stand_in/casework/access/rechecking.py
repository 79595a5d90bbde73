"""The stand-in has nothing to look at again."""

from __future__ import annotations

from dataclasses import dataclass, field

from casework.context import Context


@dataclass(slots=True)
class LookReport:
    looked: list[str] = field(default_factory=list)
    not_looked: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)


async def look_again(context: Context) -> LookReport:
    return LookReport()


async def collect_again(context: Context) -> tuple[int, int]:
    return 0, 0
