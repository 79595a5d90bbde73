"""`lastday tenants`: an emulated company to try everything on.  `lastday demo`: four of its leavers, from notice to sealed record."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import DONE, REMAINS, CommandRefused
from cli.terminal import Terminal, advice, err, out, sentence, write_json
from emulators.tenants import ENV_FILE
from emulators.tenants import tenants as opened
from rehearsal.environment import rehearsal
from rehearsal.scenario import Scenario


def demo(
    terminal: Terminal,
    context: typer.Context,
    home: Annotated[Path, typer.Option(help="Where everything goes; emptied first.")] = Path("var/demo"),
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running for the browser until Ctrl-C.")] = False,
    kill: Annotated[bool, typer.Option("--kill", help="Kill -9 the run in the middle of the cut; the sweep finishes it.")] = False,
) -> int:  # fmt: skip
    """
    Rehearse the main job on emulated tenants with real sockets and the vendors' own SDKs, run by Prefect on this machine.

    Exits with 0 only if every expectation held, the expected failure of one case included.
    """
    with rehearsal(home) as there:
        played = Scenario(there, context.obj, err() if terminal.as_json else out()).play(keep=keep, kill=kill)
    if terminal.as_json:
        write_json(played)
    return DONE if played["held"] else REMAINS


def tenants(
    terminal: Terminal,
    directory: Annotated[Path, typer.Option(help="Where keys, certificates and tenants.env are written.")] = Path(
        "var/tenants"
    ),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the first tenant, the others follow it; 0 takes free ones.")
    ] = 9101,
) -> None:
    """Open Hoshizora Trading's three tenants on this machine until interrupted, and print the settings for them."""
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
        raise CommandRefused(*advice("tenants_closed", why=exc.strerror)) from exc
