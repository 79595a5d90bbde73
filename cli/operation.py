"""For operators: the schema (`lastday migrate`), the processes (`up`), and whether the cut is guaranteed now (`health`)."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Annotated

import typer

from audit import keys
from casework import health as alarms
from casework import schema
from casework.messages import message
from casework.settings import CaseworkSettings, read_settings
from casework.trail.adopting import adopt
from casework.trail.signing import log_signers
from casework.trail.trust import publish
from cli.contexts import in_context, only_store
from cli.doctor_checks import Row, examined, row
from cli.errors import BAD_INPUT, DONE, REMAINS, CommandRefused
from cli.tables import table
from cli.terminal import Terminal, say, sentence
from stack.environments import settings_here
from stack.processes import local_stack

_CODES = {"ok": DONE, "amber": REMAINS, "red": BAD_INPUT}


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
    """
    Bring the database to the newest schema, seal the cases of earlier versions, make the trail's key if there is none, publish its
    public half.  Safe to repeat.
    """
    settings = read_settings()
    with only_store(check=False) as store:
        before = schema.current(store.engine)
        schema.migrate(store.engine)
        after = schema.current(store.engine)
        try:
            schema.grant(store.engine, writer, reader)
        except ValueError as exc:
            raise CommandRefused(str(exc), 'See docs/keys.md, "The database\'s roles".') from exc
        with terminal.progress(None, sentence("adopting")) as bar:
            adopted = adopt(store, bar.reach)
    vkey = _trail_key(settings)
    terminal.report(
        "migrated", before=before, schema=after, adopted=adopted, trail_key=vkey, trust=str(publish(settings))
    )


def up(
    terminal: Terminal,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of Prefect's API and page; 0 takes a free one.")] = 4200,
    home: Annotated[Path, typer.Option(help="Where Prefect's database and the logs are.")] = Path("var/prefect"),
) -> None:
    """Run Prefect's server, the worker, the serving and the watching process until interrupted."""
    in_context(lambda _: None)  # raises for an old schema before anything is started
    with local_stack(home, port, env=settings_here()) as stack:
        places = {"logs": str(stack.logs), "key_file": str(stack.key_file)}
        terminal.report(
            "up", health=read_settings().health_address, api_url=stack.api_url, ui_url=stack.ui_url, **places
        )
        with contextlib.suppress(KeyboardInterrupt):
            stack.supervise(threading.Event())


def health(terminal: Terminal) -> int:
    """
    List overdue cuts, silent or failing processes, backlogs, and questions near their instant.  Answers within a second, from the
    database alone.

    Exits with 2 if a cut is late or not guaranteed, with 1 for any other alarm.
    """
    found = _look()
    rows = (one.values() for one in _rows(found))
    terminal.answer(found.payload, table("Check", "State", "Problem", "Remedy", rows=rows))
    return _CODES[found.state]


def _trail_key(settings: CaseworkSettings) -> str:
    """Make the log's key file if it is missing, unless a key store has the key; return its vkey."""
    if settings.audit_key_uri is None:
        settings.audit_key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        keys.open_or_create(settings.audit_key_file, settings.audit_origin)
    return log_signers(settings)[0].verifier.vkey


def examine_health() -> list[Row]:
    """Return a row for each alarm, or one row if the database cannot be opened."""
    return examined("health", lambda: _rows(_look()))


def _look() -> alarms.Health:
    settings = read_settings()
    return in_context(lambda context: alarms.health_soon(lambda: alarms.health(context, settings)))


def _rows(found: alarms.Health) -> list[Row]:
    told = [(alarm.state, message(alarm.code, **alarm.facts)) for alarm in found.alarms]
    return [row("health", state, say(*one.said), say(*one.remedy)) for state, one in told] or [row("health")]
