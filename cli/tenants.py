"""`lastday tenants`: the emulated company, to try everything out on."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import Refused
from cli.terminal import Terminal, advice, sentence
from emulators.tenants import ENV_FILE
from emulators.tenants import tenants as opened


def tenants(
    terminal: Terminal,
    directory: Annotated[Path, typer.Option(help="Where keys, certificates and tenants.env are written.")] = Path(
        "var/tenants"
    ),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the first tenant, the others follow it; 0 takes free ones.")
    ] = 9101,
) -> None:
    """Open Hoshizora Trading's three tenants on this machine and print the settings that lead there, until interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (
            opened(directory, port=port, trust=directory.with_name("trust")) as there,
            contextlib.suppress(KeyboardInterrupt),
        ):
            terminal.answer(there.env, *(f"{name}={value}" for name, value in there.env.items()))
            written = directory / ENV_FILE
            terminal.say(sentence("tenants_written", written=written))
            terminal.say(sentence("tenants_are_rehearsal"))
            threading.Event().wait()
    except OSError as exc:
        raise Refused(*advice("tenants_closed", why=exc.strerror)) from exc
