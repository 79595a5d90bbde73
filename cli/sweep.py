"""`lastday sweep`: the scheduled second look, once and now."""

from __future__ import annotations

from casework.access.rechecking import look_again
from casework.access.restore import block_interrupted
from casework.context import Context
from casework.sweeping import due_for_run
from cli.contexts import in_context, in_open_context
from cli.errors import DONE, REMAINS, Refused
from cli.orchestration import reachable
from cli.terminal import Terminal, sentence


def sweep(terminal: Terminal) -> int:
    """
    Release dead runs, give due cases a run, block again what a killed restore left open, take the looks after closing that are
    due.  Safe to run at any time.

    Exits with 1 if a look opened a case again or could not be made, if a restore is to be carried out again, or if cases wait for a
    run that Prefect cannot be asked for.
    """
    runs = _reconcile() if reachable() else {"released": 0, "made": 0}
    waiting = [case_id for group in in_context(due_for_run) for case_id in group.case_ids]
    blocked, cases = in_open_context(_at_the_services, connected=True)
    counts = runs | {"blocked_again": blocked}
    counted = counts | {what: len(ids) for what, ids in cases.items()}
    told = ", ".join(f"{what} {count}" for what, count in counted.items())
    terminal.answer({**counts, **cases, "waiting": waiting}, told.replace("_", " "))
    if waiting:
        terminal.say(sentence("without_run", ids=", ".join(waiting)))
    return REMAINS if waiting or blocked or cases["reopened"] or cases["not_looked"] else DONE


def _reconcile() -> dict[str, int]:
    """Return how many runs were released and made."""
    from flows.scheduling import PrefectUnreachable
    from flows.sweep import sweep as reconcile

    try:
        return in_open_context(reconcile)
    except PrefectUnreachable as exc:
        raise Refused(str(exc), "Start Prefect with `lastday up`, then run it again.") from exc


async def _at_the_services(context: Context) -> tuple[int, dict[str, list[str]]]:
    return await block_interrupted(context), await look_again(context)
