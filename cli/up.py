"""`lastday up`: Prefect's server, a worker, the serving and the watching process, on this machine."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Annotated

import typer

from cli.contexts import in_context
from cli.terminal import Terminal, say


def up(
    terminal: Terminal,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of Prefect's API and page; 0 takes a free one.")] = 4200,
    home: Annotated[Path, typer.Option(help="Where Prefect's database and the logs are.")] = Path("var/prefect"),
) -> None:
    """Start everything that carries cases out, until interrupted."""
    from cli.processes import LocalStack

    in_context(lambda _: None)  # refuses an old schema before anything is started
    local = LocalStack(home, port, env=settings_here())
    with local as stack:
        told = say(
            f"Prefect: {stack.ui_url}   logs: {stack.logs}   end with Ctrl-C\nIts page asks for the key in {stack.key_file}",
            f"Prefect: {stack.ui_url}   Ctrl-Cで終了\n画面で求められるキー: {stack.key_file} の内容",
        )
        places = {"ui_url": stack.ui_url, "logs": str(stack.logs), "key_file": str(stack.key_file)}
        environment = f"PREFECT_API_URL={stack.api_url}\nLASTDAY_PREFECT_KEY_FILE={stack.key_file}"
        terminal.answer({"api_url": stack.api_url, **places}, told, environment)
        with contextlib.suppress(KeyboardInterrupt):
            local.supervise(threading.Event())


def settings_here() -> dict[str, str]:
    """
    Return the settings in force in this folder, `.env` included, with absolute paths.

    The processes work in the checkout: without this they would read another `.env`, and another database.
    """
    from dotenv import dotenv_values  # what pydantic-settings reads `.env` with

    from casework.settings import read_settings
    from casework.store import parse_url

    settings = read_settings()
    given = {**dotenv_values(".env"), **os.environ}
    here = {name: value for name, value in given.items() if name.startswith("LASTDAY_") and value}
    defaults = {f"LASTDAY_{name.upper()}": value for name, value in settings if isinstance(value, Path)}
    here |= {name: str(value) for name, value in defaults.items()}
    paths = {name: value for name, value in here.items() if name.endswith(("_FILE", "_BUNDLE", "_FOLDER"))}
    here |= {name: str(Path(value).resolve()) for name, value in paths.items()}
    url = parse_url(settings.database_url.get_secret_value())
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(Path(url.database).resolve()))
    here["LASTDAY_DATABASE_URL"] = url.render_as_string(hide_password=False)
    return here
