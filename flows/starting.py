"""The start and the end of each long-lived process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from casework.errors import Misconfigured
from casework.private_files import refuse_open_files

_log = logging.getLogger("lastday.flows")


async def until_terminated(serve: Coroutine[Any, Any, None]) -> None:
    """
    Run *serve* until SIGINT or SIGTERM cancels it, at any point: it may wait for a Prefect that never answers.

    Exits with 2 if others may read a file of secrets that belongs to this user; warns if it belongs to another user.  Checks only at
    the start, so that a file's mode never stops a run that carries a cut.
    """
    serving = asyncio.ensure_future(serve)
    try:
        for file in refuse_open_files():
            _log.warning("%s. %s", file.text, file.remedy)
    except Misconfigured as exc:
        sys.stderr.write(f"lastday: {exc}\n  {exc.remedy}\n")
        sys.exit(2)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving
