"""`lastday approve`: a second person agrees."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.errors import DONE
from cli.options import Revision
from cli.terminal import Terminal, say


def approve(
    terminal: Terminal,
    subject: Annotated[
        str, typer.Argument(metavar="ID", help="A waiver, a restore, or a question that asks for a release.")
    ],
    revision: Revision = None,
) -> int:
    """Agree as the second person to a waiver, a restore or a release of the blast radius."""
    from casework.decisions import signatures as waiving
    from cli.contexts import in_context
    from cli.orchestration import ask_for_runs

    approved = in_context(lambda context: waiving.approve(context, subject, by=terminal.who, revision=revision))
    terminal.answer({"id": subject, "approved": approved}, say(f"Approved: {approved}", f"承認しました: {approved}"))
    if approved == "release":
        ask_for_runs(terminal)
    return DONE
