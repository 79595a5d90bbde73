"""`lastday show`: the cases, or one with its truth table.  `lastday evidence`: what was taken, by the services' own logs."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from audit.secret_files import rewrite
from casework.decisions.pausing import cases_and_pauses
from casework.intake.moving import cut_at
from casework.view.case import CaseView
from casework.view.reading.case import case_view, look
from cli.contexts import in_context
from cli.errors import DONE, REMAINS
from cli.options import CaseId
from cli.tables import document_page, section_page, table
from cli.terminal import Terminal, plain, sentence
from models.tables import Case
from portal.document import Clock
from portal.sections.downloads import downloads
from portal.sections.front import at_work


def show(
    terminal: Terminal,
    case: Annotated[str | None, typer.Argument(metavar="[CASE]", help="One case; without it, all of them.")] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the case into FILE, as SVG: for a mail or a page.")
    ] = None,
) -> int:
    """Show the cases, or one with accounts, truth table, findings and questions.  Exits with 1 if some remain."""
    if case is None:
        return _list(terminal)
    shown = in_context(case_view, case)
    if picture is not None:
        _draw(shown, picture)
    return answer_case(terminal, shown)


def evidence(terminal: Terminal, case: CaseId) -> int:
    """Show what was collected, with folders and targets.  Each look is recorded.  Exits with 1 unless all is complete and summarised."""
    view = in_context(look, case, by=terminal.who)
    shown = view.downloads
    payload = {"case": case, "downloads": shown.model_dump(mode="json")}
    section = downloads(view, Clock(view.departure.timezone), erased=view.erased_at is not None)
    terminal.answer(payload, *section_page(section))
    return DONE if shown.state == "collected" and shown.verdict is not None else REMAINS


def answer_case(terminal: Terminal, shown: CaseView) -> int:
    """Answer with a case.  Exits with 1 while findings or questions remain, or while it is paused."""
    terminal.answer(shown.model_dump(mode="json"), *document_page(at_work(shown)))
    return REMAINS if shown.findings or shown.questions or shown.paused else DONE


def _draw(shown: CaseView, picture: Path) -> None:
    """Draw the page of a case.  Like the page, the picture has personal data."""
    console = Console(record=True, width=186, file=StringIO(), force_terminal=True)
    for part in document_page(at_work(shown)):
        console.print(plain(part), markup=False, highlight=False)
    own_fonts = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)  # fetch no fonts
    with rewrite(picture) as file:
        file.write(console.export_svg(title=f"lastday show {shown.case}", code_format=own_fonts).encode())


def in_short(case: Case) -> dict[str, Any]:
    """Return a case as a row of a list.  *due_at*: the time in HR's notice; *cut_at*: the instant of the cut."""
    return {
        "case": case.id,
        "employee_no": case.employee_no,
        "state": case.state,
        "due_at": case.due_at,
        "cut_at": cut_at(case),
        "for_real": case.for_real,
    }


def _list(terminal: Terminal) -> int:
    cases = [
        in_short(case) | {"name": case.leaver["name"], "kind": case.kind, "paused": paused}
        for case, paused in in_context(cases_and_pauses)
    ]
    heads = ("Case", "Employee", "Name", "Kind", "State", "Due", "For real", "Paused")
    columns = ("case", "employee_no", "name", "kind", "state", "cut_at", "for_real", "paused")
    shown = table(*heads, rows=([case[column] for column in columns] for case in cases))
    terminal.answer({"cases": cases}, shown if cases else sentence("no_cases"))
    return DONE
