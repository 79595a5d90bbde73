"""`lastday plan`: what would be taken away, found and sealed; nothing is changed at a vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.options import As, AsJson, CaseId
from cli.show import answer_case
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from casework.context import Context


def plan(case: CaseId, as_json: AsJson = False, actor: As = None) -> int:
    """Find the leaver's accounts, list what they hold, seal the plan.  Exits with 1 if findings or questions remain."""
    from cli.contexts import in_connected_context

    terminal = Terminal.of(as_json=as_json, actor=actor)
    with terminal.progress(1, say("looking for accounts", "アカウントを検索中")) as step:

        async def work(context: Context) -> dict[str, Any]:
            from casework import showing
            from cli.conducting import hold, make_plan

            async with hold(context, case):
                await make_plan(context, case)
            step(say("planned", "計画済み"))
            return showing.show(context, case)

        shown = in_connected_context(work)
    return answer_case(terminal, shown)
