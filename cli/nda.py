"""Confidentiality papers (秘密保持誓約書): check, ask, record.  They never delay a cut."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from casework.nda import checking, pledging, rulings
from casework.view.reading.case import case_view
from cli.contexts import in_context, in_nda_context
from cli.errors import DONE, REMAINS
from cli.options import CaseId, day, group
from cli.tables import section_page
from cli.terminal import Terminal, sentence
from models.vocabulary import TradeSecretTest
from portal.document import Clock
from portal.sections import papers


def check(terminal: Terminal, case: CaseId) -> int:
    """Search the registers now and judge the papers found.  Exits with 1 unless every expected paper is signed or refused."""
    in_nda_context(checking.check, case)
    return show(terminal, case)


def show(terminal: Terminal, case: CaseId) -> int:
    """Show the papers by the newest check, the pledge that was asked for, and the trade-secret tests."""
    view = in_context(case_view, case)
    nda = view.nda
    sections = papers.nda(nda, Clock(view.departure.timezone), *nda.not_accepted), papers.trade_secret(nda.trade_secret)
    shown = [part for section in sections for part in section_page(section)]
    terminal.answer({"case": case} | nda.model_dump(mode="json"), *shown)
    return DONE if nda.state in {"signed", "refused", "not_expected"} else REMAINS


def pledge(
    terminal: Terminal,
    case: CaseId,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="OUT", help="Write the PDF to OUT, to be signed by hand, and send nothing."),
    ] = None,
    language: Annotated[Literal["ja", "en"] | None, typer.Option(help="By default policy's.")] = None,
) -> int:
    """
    Send the exit pledge to the leaver through the register, once; or write it to a file.

    Exits with 1 while it is not certain that it was sent: the watching process tries again.
    """
    if file is not None:
        made = in_context(pledging.write_pledge, case, file, by=terminal.actor, language=language)
    else:
        made = in_nda_context(pledging.send_pledge, case, by=terminal.actor, language=language)
    where = str(file) if file is not None else made.register_name
    payload = {"case": case, "state": made.state, "register": made.register_name, "sha256": made.sha256}
    payload |= {"file": str(file) if file is not None else None, "problem": made.problem}
    terminal.answer(payload, sentence("pledge", **payload, where=where))
    return REMAINS if made.state == "intended" else DONE


def refuse(
    terminal: Terminal,
    case: CaseId,
    witness: Annotated[str, typer.Option(metavar="NAME", help="Who was there when the person declined.")],
    on: Annotated[date, day("The day on which the person declined.")],
    note: Annotated[str, typer.Option(help="What was said, if it matters.")] = "",
) -> None:
    """Record that the leaver declined to sign, which is lawful.  Nobody asks again; earlier papers stay binding."""
    row = in_context(rulings.refuse, case, witness=witness, on=on, note=note, by=terminal.who)
    in_nda_context(checking.check, case)
    terminal.report("declined", case=case, refusal=row.id, witness=row.witness, refused_on=str(row.refused_on))


def accept(
    terminal: Terminal,
    case: CaseId,
    paper: Annotated[str, typer.Argument(metavar="REGISTER:PAPER", help="A doubtful paper, as `nda show` lists it.")],
    reason: Annotated[str, typer.Option(help="By what you know whose paper it is.")],
    theirs: Annotated[bool, typer.Option("--theirs/--not-theirs", help="Whether it is the leaver's.")] = True,
) -> None:
    """Decide whose a doubtful paper is."""
    row = in_context(rulings.rule, case, paper, theirs=theirs, reason=reason, by=terminal.who)
    in_nda_context(checking.check, case)
    terminal.report("ruled", case=case, paper=paper, theirs=row.theirs, ruling=row.id, by=row.ruled_by)


def answer(
    terminal: Terminal,
    case: CaseId,
    test: TradeSecretTest,
    text: Annotated[str, typer.Option(help="The answer, in words.")],
) -> None:
    """Answer one of the three trade-secret tests (営業秘密の三要件)."""
    row = in_context(rulings.answer, case, test, text, by=terminal.who)
    terminal.report("test_answered", case=case, test=test, answer=row.id, by=str(row.answered_by))


app = group(__doc__, check, show, pledge, refuse, accept, answer)
