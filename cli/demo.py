"""`lastday demo`: four leavers of the emulated company, from HR's notice to the sealed record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.errors import DONE, REMAINS
from cli.terminal import Terminal, err, out, write_json
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

    Exits with 0 only if everything came as it should: the expected failure of one case included.
    """
    with rehearsal(home) as there:
        played = Scenario(there, context.obj, err() if terminal.as_json else out()).play(keep=keep, kill=kill)
    if terminal.as_json:
        write_json(played)
    return DONE if played["held"] else REMAINS
