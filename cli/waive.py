"""`lastday waive`: a named person accepts a finding until a date."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.cases import parse_day, second_person
from cli.contexts import in_context
from cli.errors import Refused
from cli.terminal import Terminal
from models.vocabulary import ConnectionId, EntitlementKind, OpenReason, checked_connection


def waive(
    terminal: Terminal,
    case: Annotated[str | None, typer.Argument(metavar="[CASE]", help="The case; without it, --tenant.")] = None,
    entitlement: Annotated[
        str | None, typer.Argument(metavar="[ENTITLEMENT]", help="The entitlement of the case.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it is acceptable.")] = "",
    until: Annotated[str, typer.Option(metavar="DATE", help="The last day on which it counts.")] = "",
    compensating: Annotated[str, typer.Option(help="The control that stands in for it.")] = "",
    tenant: Annotated[
        bool, typer.Option("--tenant", help="A standing waiver: what this tenant can never do or see.")
    ] = False,
    service: Annotated[
        ConnectionId | None,
        typer.Option(parser=checked_connection, metavar="SERVICE", help="With --tenant: slack, slack.acquired."),
    ] = None,
    kind: Annotated[EntitlementKind | None, typer.Option(help="With --tenant: the kind of entitlement.")] = None,
    accepts: Annotated[OpenReason, typer.Option(help="With --tenant: why the kind is open.")] = OpenReason.NO_API,
) -> None:
    """Ask for a waiver; it counts once a second person has approved it."""
    from casework.decisions import signatures

    signed: dict[str, Any] = {
        "reason": reason, "until": parse_day("--until", until), "by": terminal.who, "compensating": compensating,
    }  # fmt: skip
    if tenant and case is None and service and kind:
        waiver = in_context(
            lambda context: signatures.waive_for_tenant(
                context, connection=service, kind=kind, accepts=accepts, **signed
            )
        )
    elif case is not None and entitlement is not None and not (tenant or service or kind):
        waiver = in_context(
            lambda context: signatures.waive(context, entitlement_id=entitlement, case_id=case, **signed)
        )
    else:
        raise Refused(
            "waive: needs CASE and ENTITLEMENT, or --tenant with --service and --kind", "See `lastday waive --help`."
        )
    payload = {"waiver": waiver.id, "until": str(waiver.until), "outcome": "requested"}
    terminal.answer(payload, second_person(waiver.id))
