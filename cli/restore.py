"""`lastday restore`: a wrong cut is undone, once a second person agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.cases import second_person
from cli.contexts import in_connected_context, in_context
from cli.errors import DONE, REMAINS, Refused
from cli.options import CaseId
from cli.tables import table
from cli.terminal import Terminal

if TYPE_CHECKING:
    from casework.context import Context
    from casework.view.case import CaseView


def restore(
    terminal: Terminal,
    case: CaseId,
    reason: Annotated[str | None, typer.Option(help="Why access is to be given back: asks a second person.")] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="SERVICE:ID", help="With --reason: this account alone, which is not the leaver's."),
    ] = None,
    entitlement: Annotated[
        str | None, typer.Option(metavar="ID", help="We took this one, of which a restore asks: give it back.")
    ] = None,
    not_ours: Annotated[bool, typer.Option("--not-ours", help="With --entitlement: we did not; leave it.")] = False,
    go: Annotated[bool, typer.Option("--go", help="Carry out what a second person has approved.")] = False,
) -> int:
    """
    Ask for a restore (--reason), or carry out an approved one (--go).  Safe to repeat.

    Without --account the whole case is given back.  What may not have been ours is not: say so with --entitlement.
    """
    from casework.access import restore as restoring

    if [go, reason is not None, entitlement is not None].count(True) != 1:
        raise Refused(
            "restore: needs either --reason or --go, or --entitlement",
            "Ask with --reason; once approved, carry out with --go; answer what is asked with --entitlement.",
        )
    if (account is not None and reason is None) or (not_ours and entitlement is None):
        raise Refused(
            "restore: --account goes with --reason, --not-ours with --entitlement", "See lastday restore --help."
        )
    if reason is not None:
        request = in_context(
            lambda context: restoring.request_restore(context, case, by=terminal.who, reason=reason, account=account)
        )
        payload = {"case": case, "request": request.id, "outcome": "requested"}
        terminal.answer(payload, second_person(request.id))
        return DONE
    if entitlement is not None:
        in_context(lambda context: restoring.confirm(context, case, entitlement, by=terminal.who, ours=not not_ours))
    return answer_restored(terminal, in_connected_context(lambda context: give_back(context, case)))


async def give_back(context: Context, case_id: str) -> CaseView:
    """Restore, and return the case as it stands then."""
    from casework.access.restore import restore as carry_out
    from casework.view.reading.case import case_view

    await carry_out(context, case_id)
    return case_view(context, case_id)


def answer_restored(terminal: Terminal, shown: CaseView) -> int:
    """Tell each row's fate; exits with 1 while a person has to see to one, or a whole restore has not come to its end."""
    rows = [(account, row, row.detail) for account in shown.accounts for row in account.entitlements]
    told = [(account, row, detail) for account, row, detail in rows if detail.restored is not None]
    lines = (
        (account.connection, account.name, row.kind, detail.label, detail.restored, detail.problem, detail.remedy)
        for account, row, detail in told
    )
    made = table("Service", "Account", "Kind", "What", "Outcome", "Problem", "Remedy", rows=lines)
    payload = {
        "case": shown.case,
        "state": shown.state,
        "rows": [
            {"id": row.id, "outcome": detail.restored, "problem": detail.problem, "remedy": detail.remedy}
            for _, row, detail in told
        ],
    }
    terminal.answer(payload, made, f"{shown.case}: {shown.state}")
    open_ones = {"asked", "problem", "pending", "confirmed"} & {detail.restored for *_, detail in told}
    return REMAINS if open_ones or shown.state == "restoring" else DONE
