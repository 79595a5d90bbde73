"""`lastday run`: one case as far as it can go, in this process."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import DONE, REMAINS
from cli.options import As, AsJson, CaseId
from cli.show import answer_case
from cli.terminal import Step, Terminal, say

if TYPE_CHECKING:
    from casework.desk import Desk


def run(
    case: CaseId,
    for_real: Annotated[
        bool, typer.Option("--for-real", help="Record the decision first that vendors may be changed.")
    ] = False,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """
    Plan, wait for the instant, cut, look until it is closed, close.  Safe to run again at any point.

    Without the recorded decision (--for-real here or at intake) it ends with the plan.  Exits with 1 unless the case
    could be closed, or was a plan only and has neither findings nor questions.
    """
    from casework.errors import QuestionsOpen, StillOpen
    from cli.anchor import anchor_soon
    from cli.conducting import STEPS, decide, whole_case
    from cli.desks import at_connected_desk

    terminal = Terminal.of(as_json=as_json, actor=actor)

    async def work(desk: Desk, step: Step) -> dict[str, Any]:
        from casework import showing

        if for_real:
            decide(desk, case, terminal.who)
        with contextlib.suppress(StillOpen, QuestionsOpen):  # both are shown with the case, each with its remedy
            await whole_case(desk, case, step)
        return showing.show(desk, case)

    with terminal.progress(STEPS, say("looking for accounts", "アカウントを検索中")) as step:
        shown = at_connected_desk(lambda desk: work(desk, step))
    if shown["state"] == "closed":
        anchor_soon(terminal)
    remains = answer_case(terminal, shown)
    if not shown["for_real"]:
        terminal.say(
            "A plan only: nothing was changed.  Decide with --for-real.",
            "計画のみです。実施するには --for-real を付けてください。",
        )
        return remains
    return DONE if shown["state"] in {"closed", "withdrawn", "restored"} and remains == DONE else REMAINS
