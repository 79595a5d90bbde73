"""`lastday migrate` and `lastday up`: the database gets the schema that this version needs, and the processes are started."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Annotated

import typer

from audit import keys
from casework import schema
from casework.settings import CaseworkSettings, read_settings
from casework.trail.signing import log_signers
from casework.trail.trust import publish
from cli.contexts import in_context, only_store
from cli.errors import Refused
from cli.terminal import Terminal
from stack.environments import settings_here
from stack.processes import local_stack


def migrate(
    terminal: Terminal,
    writer: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="PostgreSQL: it works, and may append to the trail, not change it."),
    ] = None,
    reader: Annotated[
        str | None, typer.Option(metavar="ROLE", help="PostgreSQL: it may read the trail's leaves, which name nobody.")
    ] = None,
) -> None:
    """Bring the database to the newest schema and make the trail's key if there is none; publish its public half.  Twice is safe."""
    settings = read_settings()
    with only_store(check=False) as store:
        before = schema.current(store.engine)
        schema.migrate(store.engine)
        after = schema.current(store.engine)
        try:
            schema.grant(store.engine, writer, reader)
        except ValueError as exc:
            raise Refused(str(exc), 'See docs/keys.md, "The database\'s roles".') from exc
    vkey = _trail_key(settings)
    terminal.report("migrated", before=before, schema=after, trail_key=vkey, trust=str(publish(settings)))


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


def _trail_key(settings: CaseworkSettings) -> str:
    """Make the log's key file if it is missing, unless a key store has the key; return its public text."""
    if settings.audit_key_uri is None:
        settings.audit_key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        keys.open_or_create(settings.audit_key_file, settings.audit_origin)
    return log_signers(settings)[0].verifier.vkey
