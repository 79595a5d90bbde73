"""`lastday waive`: a named person accepts a finding until a date."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import DONE, Refused
from cli.options import As, AsJson
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from casework.context import Context
    from models.tables import Waiver


def waive(
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
    service: Annotated[str | None, typer.Option(help="With --tenant: google_workspace, slack or microsoft365.")] = None,
    kind: Annotated[str | None, typer.Option(help="With --tenant: the kind of entitlement.")] = None,
    accepts: Annotated[
        str,
        typer.Option(help="With --tenant: why the kind is open: no_api, not_on_plan, unreadable, dynamic, inherited …"),
    ] = "no_api",
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Ask for a waiver; it counts once a second person has approved it."""
    from cli.cases import parse_day
    from cli.contexts import in_context

    terminal = Terminal.of(as_json=as_json, actor=actor)
    end = parse_day("--until", until)
    signed = (reason, end, terminal.actor, compensating)
    if tenant and case is None:
        waiver = in_context(lambda context: _standing(context, service, kind, accepts, *signed))
    elif case is not None and entitlement is not None and not (tenant or service or kind):
        waiver = in_context(lambda context: _single(context, case, entitlement, *signed))
    else:
        raise Refused(
            "waive: needs CASE and ENTITLEMENT, or --tenant with --service and --kind", "See `lastday waive --help`."
        )
    asked = say(
        f"Asked for.  A second person runs: lastday approve {waiver.id}", f"第二者が実行: lastday approve {waiver.id}"
    )
    terminal.answer({"waiver": waiver.id, "until": str(waiver.until), "outcome": "requested"}, asked)
    return DONE


def _single(
    context: Context, case: str, entitlement: str, reason: str, until: date, by: str, compensating: str
) -> Waiver:
    from casework.decisions import signatures as waiving

    return waiving.waive(
        context, entitlement_id=entitlement, case_id=case, reason=reason, until=until, by=by, compensating=compensating
    )


def _standing(
    context: Context,
    service: str | None,
    kind: str | None,
    accepts: str,
    reason: str,
    until: date,
    by: str,
    compensating: str,
) -> Waiver:
    from casework.decisions import signatures as waiving
    from models.vocabulary import STANDING_REASONS, EntitlementKind, OpenReason, Service

    try:
        place = (Service(service or ""), EntitlementKind(kind or ""), OpenReason(accepts))
    except ValueError as exc:
        services, kinds = ", ".join(Service), ", ".join(EntitlementKind)
        reasons = ", ".join(sorted(STANDING_REASONS))
        raise Refused(f"waive: {exc}", f"Services: {services}.  Kinds: {kinds}.  --accepts: {reasons}.") from exc
    return waiving.waive_for_tenant(
        context,
        service=place[0],
        kind=place[1],
        accepts=place[2],
        reason=reason,
        until=until,
        by=by,
        compensating=compensating,
    )
