"""
The runbook: the order of a case's steps, defined only here.

A Prefect run, a batch and the terminal carry it out; see `Carrier`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol

from casework.access.closing import close
from casework.access.observing import observe_until_closed
from casework.activity import collecting
from casework.claims import claim
from casework.context import Context
from casework.errors import QuestionsOpen
from casework.nda.checking import check_if_due
from casework.steps import contain, deprovision, make_plan, plan_if_none, take_early, wait_until_due
from casework.store import in_turn
from models.vocabulary import ConnectionId

_log = logging.getLogger("lastday.runbook")

Work = Callable[[], Awaitable[object]]

__all__ = [
    "Carrier", "Work", "claim", "close", "contain", "cut", "deprovision", "look_at_papers", "make_plan", "observe_until_closed",
    "offboard", "plainly", "take_early", "wait_until_due",
]  # fmt: skip


class Carrier(Protocol):
    """
    Carries out one step where people see it: as a task of Prefect, as text in a terminal.

    It awaits the step's *work* exactly once and raises what that raises.
    """

    async def __call__(self, step: str, work: Work, connection: ConnectionId | None = None, /) -> None: ...


async def plainly(step: str, work: Work, connection: ConnectionId | None = None) -> None:  # noqa: ARG001  # shows nothing
    """Carry out a step without showing it."""
    await work()


async def offboard(context: Context, case_id: str, carry: Carrier = plainly) -> None:
    """
    Take the case, which the caller holds (`claim`), through its steps.  Safe to run again at any point.

    A case that is a plan only ends with its plan.  Raises `CaseNotDue`, `QuestionsOpen`, or `StillOpen` with the
    findings: a run that raises nothing has closed the case.
    """
    await carry("plan", partial(plan_if_none, context, case_id))
    if (await context.store.run(context.case, case_id)).for_real:
        early = partial(collecting.before_the_cut, context, case_id)  # logs that did not answer are read again below
        async with _meanwhile(_regardless(plainly, "collect", early)):
            await carry("wait", partial(wait_until_due, context, case_id))  # a run may start half a second early
            await _everywhere(context, case_id, carry, "cut", cut)
        with in_turn(cut=True):
            await carry("observe", partial(observe_until_closed, context, case_id))
            await _everywhere(context, case_id, carry, "collect", collecting.after_the_cut)  # the rest is the sweep's
            await _regardless(carry, "summarise", partial(collecting.conclude, context, case_id))
            await look_at_papers(context, case_id, carry)  # a dismissal's for the first time: it is cut first
    with in_turn(cut=True):
        await context.store.run(close, context, case_id)


async def cut(context: Context, case_id: str, connection: ConnectionId) -> None:
    """
    Block sign-in and end sessions in one service, then revoke the rest there.  No other service is waited for.

    If containment fails, the rest is revoked all the same: `deprovision` contains what it finds uncontained.
    """
    try:
        await contain(context, case_id, connection)
    except QuestionsOpen:
        raise
    except Exception:
        with in_turn(cut=True):
            await deprovision(context, case_id, connection)
        raise
    with in_turn(cut=True):
        await deprovision(context, case_id, connection)


async def look_at_papers(context: Context, case_id: str, carry: Carrier) -> None:
    """Check the leaver's confidentiality papers, never before the cut; a failure stops nothing."""
    await _regardless(carry, "check-papers", partial(check_if_due, context, case_id))


@asynccontextmanager
async def _meanwhile(step: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Take *step* beside the steps of the block, which never wait for it: it is cancelled when they end."""
    under_way = asyncio.ensure_future(step)
    try:
        yield
    finally:
        under_way.cancel()  # safe: the page of a log that is being written is finished, and no other begun
        await asyncio.wait({under_way})


async def _everywhere(
    context: Context, case_id: str, carry: Carrier, step: str, verb: Callable[[Context, str, ConnectionId], Awaitable[object]]
) -> None:  # fmt: skip
    """
    Take *step* in every service at once, each to its end; one that fails stops neither another nor the next step.

    Raises the carrier's own signal (suspended or cancelled from outside), else `QuestionsOpen`: both concern the whole case.
    """
    steps = (_regardless(carry, step, partial(verb, context, case_id, one), one) for one in context.connectors)
    outcomes = await asyncio.gather(*steps, return_exceptions=True)
    for outcome in sorted(filter(None, outcomes), key=lambda one: isinstance(one, QuestionsOpen)):
        raise outcome


async def _regardless(
    carry: Carrier, step: str, work: Work, connection: ConnectionId | None = None
) -> QuestionsOpen | None:
    """
    Take one step; return the `QuestionsOpen` that it raised, if any.

    Any other failure is logged: it is a finding, or its rows are not settled, and closing refuses either way.
    """
    try:
        await carry(step, work, connection)
    except QuestionsOpen as asked:
        return asked
    except Exception as exc:  # noqa: BLE001  # a failure is this step's alone, also one of the carrier
        _log.error("%s %s: %s", step, connection or "", type(exc).__name__)
    return None
