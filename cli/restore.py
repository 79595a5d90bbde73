"""`lastday restore`: undo a wrong cut once a second person agrees.  `lastday return`: a person is back from leave (復職)."""

from __future__ import annotations

from typing import Annotated

import typer

from casework.access import restore as restoring
from casework.context import Context
from casework.view.case import CaseView
from casework.view.reading.case import case_view
from cli.contexts import in_context, in_open_context
from cli.errors import DONE, REMAINS, CommandRefused
from cli.options import CaseId
from cli.tables import table
from cli.terminal import Terminal, advice


def restore(
    terminal: Terminal,
    case: CaseId,
    reason: Annotated[str | None, typer.Option(help="Why access is to be given back: asks a second person.")] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="SERVICE:ID", help="With --reason: this account alone, which is not the leaver's."),
    ] = None,
    entitlement: Annotated[
        str | None, typer.Option(metavar="ID", help="Answer a restore's question: we took this one, give it back.")
    ] = None,
    not_ours: Annotated[bool, typer.Option("--not-ours", help="With --entitlement: we did not; leave it.")] = False,
    go: Annotated[bool, typer.Option("--go", help="Carry out what a second person has approved.")] = False,
) -> int:
    """
    Ask for a restore (--reason), or carry out an approved one (--go).  Safe to repeat.

    Without --account, restores the whole case.  If it is unclear whether lastday took an entitlement, answer with --entitlement.
    """
    alone = [go, reason is not None, entitlement is not None].count(True) == 1
    if not alone or (account is not None and reason is None) or (not_ours and entitlement is None):
        raise CommandRefused(*advice("needs_restore"))
    if reason is not None:
        request = in_context(restoring.request_restore, case, by=terminal.who, reason=reason, account=account)
        terminal.report("second_person", case=case, request=request.id, outcome="requested")
        return DONE
    if entitlement is not None:
        in_context(restoring.confirm, case, entitlement, by=terminal.who, ours=not not_ours)
    return _give_back(terminal, case)


def return_(terminal: Terminal, case: CaseId) -> int:
    """
    Give access back after a leave of absence, and read back that it is there.  Needs no second person.

    If a service could not be reached, `lastday restore CASE --go` tries again.
    """
    in_context(restoring.request_return, case, by=terminal.who)
    return _give_back(terminal, case)


def _give_back(terminal: Terminal, case: str) -> int:
    """Restore, and show each row's outcome.  Exits with 1 while a row needs a person, or the restore is not finished."""

    async def work(context: Context) -> CaseView:
        await restoring.restore(context, case)
        return case_view(context, case)

    shown = in_open_context(work, connected=True)
    told = [(a, row, row.detail) for a in shown.accounts for row in a.entitlements if row.detail.restored is not None]
    lines = (
        (account.connection, account.name, row.kind, detail.label, detail.restored, detail.problem, detail.remedy)
        for account, row, detail in told
    )
    rows = [{"id": row.id, "outcome": d.restored, "problem": d.problem, "remedy": d.remedy} for _, row, d in told]
    made = table("Service", "Account", "Kind", "What", "Outcome", "Problem", "Remedy", rows=lines)
    terminal.answer({"case": case, "state": shown.state, "rows": rows}, made, f"{case}: {shown.state}")
    open_ones = {"asked", "problem", "pending", "confirmed"} & {detail.restored for *_, detail in told}
    return REMAINS if open_ones or shown.state == "restoring" else DONE
