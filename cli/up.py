"""`lastday up`: Prefect's server, a worker, the serving and the watching process, on this machine."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Annotated

import typer

from casework.settings import read_settings
from cli.contexts import in_context
from cli.terminal import Terminal
from stack.environments import settings_here
from stack.processes import local_stack


def up(
    terminal: Terminal,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of Prefect's API and page; 0 takes a free one.")] = 4200,
    home: Annotated[Path, typer.Option(help="Where Prefect's database and the logs are.")] = Path("var/prefect"),
) -> None:
    """Start everything that carries cases out, until interrupted."""
    in_context(lambda _: None)  # refuses an old schema before anything is started
    with local_stack(home, port, env=settings_here()) as stack:
        places = {"logs": str(stack.logs), "key_file": str(stack.key_file)}
        terminal.report(
            "up", health=read_settings().health_address, api_url=stack.api_url, ui_url=stack.ui_url, **places
        )
        with contextlib.suppress(KeyboardInterrupt):
            stack.supervise(threading.Event())
