"""A desk for one verb: opened, used, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from cli.private_files import refuse_open_files

if TYPE_CHECKING:
    from casework.desk import Desk
    from casework.nda.cabinet import Cabinet

T = TypeVar("T")

ACTOR = "svc:terminal"
"""How the trail names us: who sat there goes into payloads, which can be erased."""


def at_desk(work: Callable[[Desk], T]) -> T:
    """Do *work* on the database alone.  Raises what `casework.desk.open_desk` raises, and `refuse_open_files`."""

    async def quick(desk: Desk) -> T:
        return work(desk)

    return asyncio.run(_with_desk(quick, connected=False))


def at_connected_desk(work: Callable[[Desk], Awaitable[T]]) -> T:
    """Do *work* with every configured service open."""
    return asyncio.run(_with_desk(work, connected=True))


def at_cabinet(work: Callable[[Cabinet], Awaitable[T]]) -> T:
    """Do *work* with every register of papers open that can be opened, and no service."""

    async def opened(desk: Desk) -> T:
        from casework.nda.cabinet import open_cabinet

        async with open_cabinet(desk) as cabinet:
            return await work(cabinet)

    return asyncio.run(_with_desk(opened, connected=False))


async def _with_desk(work: Callable[[Desk], Awaitable[T]], *, connected: bool) -> T:
    from casework.desk import open_desk

    refuse_open_files()
    async with open_desk(actor=ACTOR, connected=connected) as desk:
        return await work(desk)
