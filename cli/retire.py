"""`lastday retire`: a tenant that is no longer in use is no longer looked for."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.errors import DONE
from cli.options import As, AsJson
from cli.terminal import Terminal, say
from models.vocabulary import Service


def retire(
    service: Annotated[Service, typer.Argument(help="A service that LASTDAY_SERVICES no longer names.")],
    reason: Annotated[str, typer.Option(help="What became of the tenant, and of the accounts in it.")] = "",
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Ask for a service to be retired; cases that had accounts there wait for it, until a second person has approved."""
    from casework.decisions.retiring import request_retirement
    from cli.contexts import in_context

    terminal = Terminal.of(as_json=as_json, actor=actor)
    request = in_context(lambda context: request_retirement(context, service, by=terminal.actor, reason=reason))
    asked = say(
        f"Asked for.  A second person runs: lastday approve {request.id}", f"第二者が実行: lastday approve {request.id}"
    )
    terminal.answer({"request": request.id, "service": str(service), "outcome": "requested"}, asked)
    return DONE
