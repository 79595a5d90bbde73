"""Opens the stand-in's context."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from casework.context import Context


@asynccontextmanager
async def open_context(*, connected: bool = True) -> AsyncIterator[Context]:
    yield Context() if connected else Context({})  # type: ignore[arg-type,call-arg]  # the stand-in's own context
