"""What one verb works with: opened, used, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from audit.note import Signer
    from casework.context import Context
    from casework.nda.registers import NdaContext
    from casework.store import Store

P = ParamSpec("P")
T = TypeVar("T")

ACTOR = "svc:terminal"
"""How the trail names us: who sat there goes into payloads, which can be erased."""


def in_context(work: Callable[Concatenate[Context, P], T], *given: P.args, **named: P.kwargs) -> T:
    """Do *work* on the database alone.  Raises what `casework.bootstrap.open_context` raises."""

    async def quick(context: Context) -> T:
        return work(context, *given, **named)

    return in_open_context(quick)


def in_open_context(work: Callable[[Context], Awaitable[T]], *, connected: bool = False) -> T:
    """Do *work* that waits for others; *connected*: every service is open that can be opened, or `NotConfigured` raised."""

    async def opened() -> T:
        from casework.bootstrap import open_context
        from connectors.unopened import require_one

        async with open_context(actor=ACTOR, connected=connected) as context:
            if connected:
                require_one(context.connectors)
            return await work(context)

    return asyncio.run(opened())


def in_nda_context(work: Callable[Concatenate[NdaContext, P], Awaitable[T]], *given: P.args, **named: P.kwargs) -> T:
    """Do *work* with every register of papers open that can be opened, and no service."""

    async def opened(context: Context) -> T:
        from casework.nda.registers import open_nda_context

        async with open_nda_context(context) as nda:
            return await work(nda, *given, **named)

    return in_open_context(opened)


@contextmanager
def only_store(*, check: bool = True) -> Iterator[Store]:
    """Open the database and nothing else.  Raises `Misconfigured` if *check* finds an old or missing schema."""
    from casework.bootstrap import open_store
    from casework.settings import read_settings

    store = open_store(read_settings(), check=check)
    try:
        yield store
    finally:
        store.engine.dispose()


def log_signers() -> list[Signer]:
    """Return who signs the log now, the present key first."""
    from casework.settings import read_settings
    from casework.trail import signing

    return signing.log_signers(read_settings())
