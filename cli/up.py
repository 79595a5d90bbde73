"""`lastday up`: Prefect's server, a worker and the sweep, on this machine."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import DONE, Refused
from cli.options import As, AsJson
from cli.terminal import Terminal, say


def up(
    port: Annotated[int, typer.Option(help="Of Prefect's API and page; 0 takes a free one.")] = 4200,
    home: Annotated[Path, typer.Option(help="Where Prefect's database and the logs are.")] = Path("var/prefect"),
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Start everything that carries cases out, until interrupted."""
    from cli.desks import at_desk
    from cli.processes import LocalStack, StackFailed

    terminal = Terminal.of(as_json=as_json, actor=actor)
    at_desk(lambda _: None)  # refuses an old schema before anything is started
    try:
        with LocalStack(home, port) as stack:
            told = say(
                f"Prefect: {stack.ui_url}   logs: {stack.logs}   end with Ctrl-C",
                f"Prefect: {stack.ui_url}   Ctrl-Cで終了",
            )
            environment = f"PREFECT_API_URL={stack.api_url}"
            terminal.answer(
                {"api_url": stack.api_url, "ui_url": stack.ui_url, "logs": str(stack.logs)}, told, environment
            )
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
    except StackFailed as exc:
        raise Refused(str(exc), "Read the log that is named; another process may hold the port (--port).") from exc
    return DONE
