"""What the work on papers needs beside casework's context: the registers, and a reader that bounds strangers' files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from casework.context import Context
from casework.errors import BadRequest
from casework.policy import Nda
from connectors.errors import ConnectorError, Unreachable
from connectors.nda.apart import examine_apart
from connectors.nda.contract import Examined, Register
from connectors.nda.registry import open_registers
from connectors.nda.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class NdaContext:
    """
    The open *registers* by name, and those that could not be opened with the reason: one that is down or misconfigured
    makes its papers unreadable, it never stops a run.
    """

    context: Context
    registers: Mapping[str, Register]
    closed: Mapping[str, ConnectorError] = field(default_factory=dict)
    examine: Callable[[bytes], Awaitable[Examined]] = examine_apart

    @property
    def policy(self) -> Nda:
        """What policy says of papers."""
        return self.context.policy.nda

    def register(self, name: str) -> Register:
        """Return the open register; raises why it could not be opened, and `BadRequest` for one that is not configured."""
        if name in self.registers:
            return self.registers[name]
        if name in self.closed:
            raise self.closed[name]
        remedy = "Name it in LASTDAY_NDA_REGISTERS, or correct `sender` in policy.toml."
        raise BadRequest(f"nda: {name or 'its register'} is not configured", remedy)

    async def within(self, name: str, call: Coroutine[Any, Any, T], *, times: int = 1) -> T:
        """Await *call* of *name*; raises `Unreachable` where it takes longer than *times* what policy lets one call take."""
        seconds = times * self.policy.seconds
        try:
            async with asyncio.timeout(seconds):
                return await call
        except TimeoutError as exc:
            raise Unreachable(f"{name}: cannot answer within {seconds:g} s") from exc


@asynccontextmanager
async def open_nda_context(context: Context) -> AsyncIterator[NdaContext]:
    """Open every register of `LASTDAY_NDA_REGISTERS`; never raises for one that cannot be opened."""
    registers: dict[str, Register] = {}
    closed: dict[str, ConnectorError] = {}
    async with AsyncExitStack() as stack:
        for name in Settings().registers:
            try:
                registers |= await stack.enter_async_context(open_registers([name]))
            except ConnectorError as error:
                closed[name] = error
        yield NdaContext(context, registers, closed)
