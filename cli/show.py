"""`lastday show`: the cases, or one of them with its truth table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import DONE, REMAINS
from cli.options import As, AsJson
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from casework.desk import Desk


def show(
    case: Annotated[str | None, typer.Argument(metavar="[CASE]", help="One case; without it, all of them.")] = None,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Show the cases, or one with accounts, truth table, findings and questions.  Exits with 1 if some remain."""
    from cli.desks import at_desk

    terminal = Terminal.of(as_json=as_json, actor=actor)
    if case is None:
        return _list(terminal, at_desk(_all))
    return answer_case(terminal, at_desk(lambda desk: look(desk, case)))


def look(desk: Desk, case_id: str) -> dict[str, Any]:
    """Return the case in the shape of `show --json`."""
    from casework import showing

    return showing.show(desk, case_id)


def answer_case(terminal: Terminal, shown: dict[str, Any]) -> int:
    """Answer with a case; exits with 1 while findings or questions remain."""
    from cli.tables import case_page

    terminal.answer(shown, *([] if terminal.as_json else case_page(shown)))
    return REMAINS if shown["findings"] or shown["questions"] else DONE


def _all(desk: Desk) -> list[dict[str, Any]]:
    from casework.cases import list_cases

    return [
        {
            "case": case.id,
            "employee_no": case.employee_no,
            "name": case.leaver["name"],
            "kind": str(case.kind),
            "state": str(case.state),
            "due_at": case.due_at.isoformat(),
            "for_real": case.for_real,
        }
        for case in list_cases(desk)
    ]


def _list(terminal: Terminal, cases: list[dict[str, Any]]) -> int:
    from cli.tables import cells, local, table

    shown = table("case", "employee", "name", "kind", "state", "due", "for real")
    for case in cases:
        due = local(case["due_at"])
        shown.add_row(
            *cells(*(case[key] for key in ("case", "employee_no", "name", "kind", "state")), due, case["for_real"])
        )
    terminal.answer({"cases": cases}, shown if cases else say("There are no cases.", "案件はありません。"))
    return DONE
