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
    page_size: Annotated[
        int | None, typer.Option(help="The most entries of a page, whatever a client asks for.")
    ] = None,
    latency: Annotated[float, typer.Option(help="Seconds before each answer.")] = 0.0,
    slack_plan: Annotated[str, typer.Option(help="pro, business_plus or enterprise.")] = "enterprise",
    slack_lag: Annotated[float, typer.Option(help="Seconds until a deactivation shows.")] = 0.0,
    slack_numbers: Annotated[bool, typer.Option(help="Whether Slack knows employee numbers.")] = True,
    entra_plan: Annotated[str, typer.Option(help="P2, P1 or free.")] = "P2",
    sync_every: Annotated[float | None, typer.Option(help="Seconds between directory synchronisations.")] = None,
    spare_owners: Annotated[bool, typer.Option("--spare-owners", help="Each group has a second owner.")] = False,
) -> None:
    """Open Hoshizora Trading's three tenants on this machine and print the settings that lead there, until interrupted."""
    from emulators.tenants import ENV_FILE
    from emulators.tenants import tenants as opened

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    slack = {"plan": slack_plan, "deactivation_lag": slack_lag, "employee_numbers": slack_numbers}
    company = opened(
        directory,
        port=port,
        page_size=page_size,
        latency=latency,
        sync_every=sync_every,
        spare_owners=spare_owners,
        trust=directory.with_name("trust"),
        slack_options=slack,
        microsoft={"plan": entra_plan},
    )
    try:
        with company as there, contextlib.suppress(KeyboardInterrupt):
            lines = "\n".join(f"{name}={value}" for name, value in there.env.items())
            terminal.answer(there.env, lines)
            terminal.say(
                f"Written to {directory / ENV_FILE}: copy it to .env, then `lastday migrate`.  End with Ctrl-C."
            )
            terminal.say(
                "The witness and the time-stamping authority here are a rehearsal, worthless against the operator.",
                "ここの証人と時刻認証局はリハーサル用で、運用者に対する証明力はありません。",
            )
            threading.Event().wait()
    except ValueError as exc:
        raise Refused(f"tenants: {exc}", "See `lastday tenants --help`.") from exc
    except OSError as exc:
        raise Refused(f"tenants: cannot open: {exc.strerror}", "Choose another --port or --directory.") from exc
