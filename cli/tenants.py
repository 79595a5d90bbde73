"""`lastday tenants`: the emulated company, to try everything out on."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import Refused
from cli.terminal import Terminal


def tenants(
    terminal: Terminal,
    directory: Annotated[Path, typer.Option(help="Where keys, certificates and tenants.env are written.")] = Path(
        "var/tenants"
    ),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the first tenant, the others follow it; 0 takes free ones.")
    ] = 9101,
    slack_plan: Annotated[str, typer.Option(help="pro, business_plus or enterprise.")] = "enterprise",
    slack_numbers: Annotated[bool, typer.Option(help="Whether Slack knows employee numbers.")] = True,
    entra_plan: Annotated[str, typer.Option(help="P2, P1 or free.")] = "P2",
    sync_every: Annotated[float | None, typer.Option(help="Seconds between directory synchronisations.")] = None,
    spare_owners: Annotated[bool, typer.Option("--spare-owners", help="Each group has a second owner.")] = False,
) -> None:
    """Open Hoshizora Trading's three tenants on this machine and print the settings that lead there, until interrupted."""
    from emulators.tenants import ENV_FILE
    from emulators.tenants import tenants as opened

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    company = opened(
        directory,
        port=port,
        sync_every=sync_every,
        spare_owners=spare_owners,
        trust=directory.with_name("trust"),
        slack_options={"plan": slack_plan, "employee_numbers": slack_numbers},
        microsoft={"plan": entra_plan},
    )
    try:
        with company as there, contextlib.suppress(KeyboardInterrupt):
            terminal.answer(there.env, *(f"{name}={value}" for name, value in there.env.items()))
            written = directory / ENV_FILE
            terminal.say(f"Written to {written}: copy it to .env, then `lastday migrate`.  End with Ctrl-C.")
            terminal.say(
                "The witness and the time-stamping authority here are a rehearsal, worthless against the operator.",
                "ここの証人と時刻認証局はリハーサル用で、運用者に対する証明力はありません。",
            )
            threading.Event().wait()
    except ValueError as exc:
        raise Refused(f"tenants: {exc}", "See `lastday tenants --help`.") from exc
    except OSError as exc:
        raise Refused(f"tenants: cannot open: {exc.strerror}", "Choose another --port or --directory.") from exc
