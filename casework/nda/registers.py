"""The registers of papers: opened for a check, each call with a time limit; strangers' files are examined in a subprocess."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from casework.call_budget import DatabaseLedger
from casework.context import Context
from casework.errors import BadRequest
from casework.nda.papers.examination import Examination
from casework.nda.papers.examiner import examine_in_subprocess
from connectors.errors import ConnectorError, Unreachable
from connectors.nda.contract import Register
from connectors.nda.registry import open_registers
from connectors.nda.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class NdaContext:
    """
    The context of work on papers: casework's, and the *registers* by name.  A register that could not be opened is its error:
    its papers are unreadable, and no run stops.
    """

    context: Context
    registers: Mapping[str, Register | ConnectorError]
    examine: Callable[[bytes], Awaitable[Examination]] = examine_in_subprocess

    def register(self, name: str) -> Register:
        """Return the open register.  Raises its error if it could not be opened, `BadRequest` if it is not configured."""
        register = self.registers.get(name)
        if isinstance(register, ConnectorError):
            raise register
        if register is None:
            remedy = "Name it in LASTDAY_NDA_REGISTERS, or correct `sender` in policy.toml."
            raise BadRequest(f"nda: {name or 'its register'} is not configured", remedy)
        return register

    async def within(self, name: str, call: Coroutine[Any, Any, T], *, times: int = 1) -> T:
        """Await *call* of register *name*; raises `Unreachable` after *times* policy's limit for one call (`nda.seconds`)."""
        seconds = times * self.context.policy.nda.seconds
        try:
            async with asyncio.timeout(seconds):
                return await call
        except TimeoutError as exc:
            raise Unreachable(f"{name}: cannot answer within {seconds:g} s") from exc


@asynccontextmanager
async def open_nda_context(context: Context) -> AsyncIterator[NdaContext]:
    """Open every register of `LASTDAY_NDA_REGISTERS`; never raises for one that cannot be opened."""
    registers: dict[str, Register | ConnectorError] = {}
    ledger = DatabaseLedger(context.store)
    async with AsyncExitStack() as stack:
        stack.callback(ledger.close)
        for name in Settings().registers:
            try:
                registers |= await stack.enter_async_context(open_registers([name], ledger=ledger))
            except ConnectorError as error:
                registers[name] = error
        yield NdaContext(context, registers)
