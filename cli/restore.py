"""`lastday restore`: a wrong cut is undone, once a second person agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import DONE, REMAINS, Refused
from cli.options import As, AsJson, CaseId
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from casework.desk import Desk


def restore(
    case: CaseId,
    reason: Annotated[str | None, typer.Option(help="Why access is to be given back: asks a second person.")] = None,
    go: Annotated[bool, typer.Option("--go", help="Carry out what a second person has approved.")] = False,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Ask for a restore (--reason), or carry out an approved one (--go).  Safe to repeat."""
    from casework import restoring
    from cli.desks import at_connected_desk, at_desk

    terminal = Terminal.of(as_json=as_json, actor=actor)
    if go == (reason is not None):
        raise Refused(
            "restore: needs either --reason or --go", "Ask with --reason; once approved, carry out with --go."
        )
    if reason is not None:
        request = at_desk(lambda desk: restoring.request_restore(desk, case, by=terminal.actor, reason=reason))
        asked = say(
            f"Asked for.  A second person runs: lastday approve {request.id}",
            f"第二者が実行: lastday approve {request.id}",
        )
        terminal.answer({"case": case, "request": request.id, "outcome": "requested"}, asked)
        return DONE
    return answer_restored(terminal, at_connected_desk(lambda desk: give_back(desk, case)))


async def give_back(desk: Desk, case_id: str) -> dict[str, Any]:
    """Restore, and return the case as it stands then."""
    from casework import restoring, showing

    await restoring.restore(desk, case_id)
    return showing.show(desk, case_id)


def answer_restored(terminal: Terminal, shown: dict[str, Any]) -> int:
    """Tell each row's fate; exits with 1 while a row has a problem."""
    from cli.tables import cells, table

    rows = [
        (account, row) for account in shown["accounts"] for row in account["entitlements"] if row["detail"]["restored"]
    ]
    made = table("service", "account", "kind", "what", "outcome", "problem")
    for account, row in rows:
        problem = row["detail"]["problem"] if row["detail"]["restored"] == "problem" else None
        label = account["label"] or account["id"]
        made.add_row(
            *cells(account["service"], label, row["kind"], row["detail"]["label"], row["detail"]["restored"], problem)
        )
    payload = {
        "case": shown["case"],
        "state": shown["state"],
        "rows": [
            {"id": row["id"], "outcome": row["detail"]["restored"], "problem": row["detail"]["problem"]}
            for _, row in rows
        ],
    }
    terminal.answer(payload, made, f"{shown['case']}: {shown['state']}")
    return DONE if shown["state"] == "restored" else REMAINS
