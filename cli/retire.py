"""`lastday retire`: a tenant that is no longer in use is no longer looked for."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.cases import second_person
from cli.contexts import in_context
from cli.terminal import Terminal
from models.vocabulary import ConnectionId, as_fields, checked_connection


def retire(
    terminal: Terminal,
    service: Annotated[
        ConnectionId,
        typer.Argument(
            parser=checked_connection,
            metavar="SERVICE",
            help="What LASTDAY_SERVICES no longer names: slack, slack.acquired.",
        ),
    ],
    reason: Annotated[str, typer.Option(help="What became of the tenant, and of the accounts in it.")] = "",
) -> None:
    """Ask for a service to be retired; cases that had accounts there wait for it, until a second person has approved."""
    from casework.decisions.signatures import request_retirement

    request = in_context(lambda context: request_retirement(context, service, by=terminal.who, reason=reason))
    payload = {"request": request.id, **as_fields(service), "outcome": "requested"}
    terminal.answer(payload, second_person(request.id))
