"""`lastday demo`: four leavers of the emulated company, from HR's notice to the sealed record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.errors import BAD_INPUT, Refused
from cli.options import As, AsJson


def demo(
    home: Annotated[Path, typer.Option(help="Where everything goes; emptied first.")] = Path("var/demo"),
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running for the browser until Ctrl-C.")
    ] = False,
    kill: Annotated[
        bool, typer.Option("--kill", help="Kill -9 the run in the middle of the cut; the sweep finishes it.")
    ] = False,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """
    Rehearse the main job on emulated tenants with real sockets and the vendors' own SDKs, run by Prefect on this machine.

    Exits with 0 only if everything came as it should: the expected failure of one case included.
    """
    from cli.processes import StackFailed
    from cli.rehearse.story import Story
    from cli.rehearse.theatre import Occupied, VerbFailed, theatre

    if home.exists() and any(home.iterdir()) and not (home / "demo.env").exists():
        raise Refused(f"demo: {home} holds something else", "Choose an empty directory with --home.", BAD_INPUT)
    try:
        with theatre(home) as there:
            return Story(there, as_json=as_json, actor=actor or "it.operator").tell(keep=keep, kill=kill)
    except Occupied as exc:
        raise Refused(f"demo: {exc}", "Choose another directory with --home: records and trust go beside it.") from exc
    except (StackFailed, VerbFailed) as exc:
        raise Refused(str(exc), f"Read the logs in {home / 'prefect' / 'logs'}.", BAD_INPUT) from exc
