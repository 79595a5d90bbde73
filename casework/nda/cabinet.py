"""What the work on papers needs beside the context: the registers, and a reader that bounds strangers' files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from casework.context import Context
from connectors.errors import ConnectorError
from connectors.nda.apart import examine_apart
from connectors.nda.contract import Examined, Register
from connectors.nda.registry import open_registers
from connectors.nda.settings import Settings


@dataclass(frozen=True)
class Cabinet:
    """
    The open *registers* by name, and those that could not be opened with the reason: one that is down or misconfigured
    makes its papers unreadable, it never stops a run.
    """

    context: Context
    registers: Mapping[str, Register]
    closed: Mapping[str, ConnectorError] = field(default_factory=dict)
    examine: Callable[[bytes], Awaitable[Examined]] = examine_apart


@asynccontextmanager
async def open_cabinet(context: Context) -> AsyncIterator[Cabinet]:
    """Open every register of `LASTDAY_NDA_REGISTERS`; never raises for one that cannot be opened."""
    registers: dict[str, Register] = {}
    closed: dict[str, ConnectorError] = {}
    async with AsyncExitStack() as stack:
        for name in Settings().registers:
            try:
                registers |= await stack.enter_async_context(open_registers([name]))
            except ConnectorError as error:
                closed[name] = error
        yield Cabinet(context, registers, closed)
