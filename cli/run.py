"""`lastday plan` and `lastday run`: one case planned, or taken as far as it can go, in this process."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from cli.contexts import in_open_context
from cli.errors import DONE, REMAINS
from cli.options import CaseId
from cli.show import answer_case
from cli.terminal import Step, Terminal, sentence

if TYPE_CHECKING:
    from casework.context import Context
    from casework.view.case import CaseView


def plan(terminal: Terminal, case: CaseId) -> int:
    """Find the leaver's accounts, list what they hold, seal the plan.  Exits with 1 if findings or questions remain."""
    with terminal.progress(1, sentence("looking_for_accounts")) as step:

        async def work(context: Context) -> CaseView:
            from casework import runbook
            from casework.view.reading.case import case_view
            from cli.carrier import hold

            async with hold(context, case):
                await runbook.make_plan(context, case)
            step(sentence("planned"))
            return case_view(context, case)

        shown = in_open_context(work, connected=True)
    return answer_case(terminal, shown)


def run(
    terminal: Terminal,
    case: CaseId,
    for_real: Annotated[
        bool, typer.Option("--for-real", help="Record the decision first that vendors may be changed.")
    ] = False,
) -> int:
    """
    Plan, wait for the instant, cut, look until it is closed, close.  Safe to run again at any point.

    Without the recorded decision (--for-real here or at intake) it ends with the plan.  Exits with 1 unless the case
    could be closed, or was a plan only and has neither findings nor questions.
    """
    from casework.errors import QuestionsOpen, StillOpen
    from cli.anchor import anchor_soon
    from cli.carrier import STEPS, decide, whole_case

    async def work(context: Context, step: Step) -> CaseView:
        from casework.view.reading.case import case_view

        if for_real:
            decide(context, case, terminal.who)
        with contextlib.suppress(StillOpen, QuestionsOpen):  # both are shown with the case, each with its remedy
            await whole_case(context, case, step)
        return case_view(context, case)

    with terminal.progress(STEPS, sentence("looking_for_accounts")) as step:
        shown = in_open_context(lambda context: work(context, step), connected=True)
    if shown.state == "closed":
        anchor_soon(terminal)
    remains = answer_case(terminal, shown)
    if not shown.for_real:
        terminal.say(sentence("was_plan_only"))
        return remains
    return DONE if shown.state in {"closed", "withdrawn", "restored"} and remains == DONE else REMAINS
