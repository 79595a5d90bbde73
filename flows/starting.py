"""How each long-lived process of ours starts and ends."""

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
    Run *serve* until SIGINT or SIGTERM cuts it short, wherever it is: it may wait for a Prefect that never answers.

    Exits with 2 if others may read a file of secrets that is ours; warns of one that is not ours to change.  At the start alone: a run
    that carries a cut is never stopped by a file's mode.
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
