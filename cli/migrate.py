"""`lastday migrate`: the database gets the schema that this version needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.contexts import log_signers, only_store
from cli.errors import Refused
from cli.terminal import Terminal

if TYPE_CHECKING:
    from casework.settings import CaseworkSettings


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
    from casework import schema
    from casework.settings import read_settings
    from casework.trail.trust import publish

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


def _trail_key(settings: CaseworkSettings) -> str:
    """Make the log's key file if it is missing, unless a key store has the key; return its public text."""
    from audit import keys

    if settings.audit_key_uri is None:
        settings.audit_key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        keys.open_or_create(settings.audit_key_file, settings.audit_origin)
    return log_signers()[0].verifier.vkey
