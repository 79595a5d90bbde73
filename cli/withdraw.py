"""`lastday withdraw`: the person stays (退職撤回), or was the wrong one."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.cases import answer_moved
from cli.options import As, AsJson, CaseId
from cli.terminal import Terminal


def withdraw(
    case: CaseId,
    reason: Annotated[str, typer.Option(help="Why the departure does not take place.")],
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """End a case from which nothing was taken yet.  What was taken is given back by `lastday restore`."""
    from casework.intake import moving
    from cli.contexts import in_context

    terminal = Terminal.of(as_json=as_json, actor=actor)
    ended = in_context(lambda context: moving.withdraw(context, case, by=terminal.who, reason=reason))
    answer_moved(terminal, ended, "withdrawn")
    return 0
