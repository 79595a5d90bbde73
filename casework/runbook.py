"""
The runbook: the order in which a case goes through its steps, which stands here alone.

A Prefect run, a batch and the terminal carry it; see `Carrier`.
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
    Carries one step where people see it: as a task of Prefect, as words in a terminal.

    The step's *work* is awaited once, and what it raises is raised: none is left out, repeated or held back.
    """

    async def __call__(self, step: str, work: Work, connection: ConnectionId | None = None, /) -> None: ...


async def plainly(step: str, work: Work, connection: ConnectionId | None = None) -> None:  # noqa: ARG001  # shows nothing
    """Carry a step where nobody watches."""
    await work()


async def offboard(context: Context, case_id: str, carry: Carrier = plainly) -> None:
    """
    Take the case, which the carrier holds (`claim`), as far as it can go.  Safe to run again at any point.

    A case that nobody decided to cut ends with its plan.  Raises `NotDueYet`, `QuestionsOpen`, or `StillOpen` with the
    findings: a run that ends in silence has closed the case.
    """
    await carry("plan", partial(plan_if_none, context, case_id))
    if (await context.store.run(context.case, case_id)).for_real:
        early = partial(collecting.before_the_cut, context, case_id)  # what has not answered is asked for again below
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
    Block sign-in and end sessions in one service, then take the rest away there.  No other service is waited for.

    A containment that fails keeps nothing from being taken: the second step contains what it finds uncontained.
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
    """Look for the leaver's confidentiality papers: beside the cut, never before it, and whatever goes wrong stops nothing."""
    await _regardless(carry, "check-papers", partial(check_if_due, context, case_id))


@asynccontextmanager
async def _meanwhile(step: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Take *step* beside others, which never wait for it: what is under way when they end is cut short."""
    under_way = asyncio.ensure_future(step)
    try:
        yield
    finally:
        under_way.cancel()  # as safe as a kill: of a log, the page that is being written is finished and no other begun
        await asyncio.wait({under_way})


async def _everywhere(
    context: Context, case_id: str, carry: Carrier, step: str, verb: Callable[[Context, str, ConnectionId], Awaitable[object]]
) -> None:  # fmt: skip
    """
    Take *step* in every service at once, each to its end; one that fails stops no other, nor the steps that follow.

    Raises a signal of the carrier's own (suspended or cancelled from outside), else `QuestionsOpen`: both concern the whole case.
    """
    steps = (_regardless(carry, step, partial(verb, context, case_id, one), one) for one in context.connectors)
    outcomes = await asyncio.gather(*steps, return_exceptions=True)
    for outcome in sorted(filter(None, outcomes), key=lambda one: isinstance(one, QuestionsOpen)):
        raise outcome


async def _regardless(
    carry: Carrier, step: str, work: Work, connection: ConnectionId | None = None
) -> QuestionsOpen | None:
    """
    Take one step, and return the question that it may not be taken without.

    Any other failure is in our database as a finding, or its rows are not settled: closing refuses either way.
    """
    try:
        await carry(step, work, connection)
    except QuestionsOpen as asked:
        return asked
    except Exception as exc:  # noqa: BLE001  # whatever goes wrong is this step's, the carrier's own failures included
        _log.error("%s %s: %s", step, connection or "", type(exc).__name__)
    return None
