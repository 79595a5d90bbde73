"""
The serving process as a carrier: it cuts each due case that no run holds, for any reason.

It works without a worker and without Prefect's API, and when a run is late, lost, cancelled or rescheduled.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectSignal
from prefect.flow_engine import run_flow_async

from casework import runbook
from casework.bootstrap import open_context
from casework.claims import SERVING
from casework.context import Context
from casework.sweeping import unclaimed
from flows.offboard import offboard
from flows.offboard_many import MOST, offboard_many
from flows.redaction import boundary, redact
from flows.scheduling import parameters, tag
from models.vocabulary import CaseState, RunState

PERIOD = 0.5
"""Seconds between two searches for due cases."""
_ANSWERS_WITHIN = 1.0
_TAKEN_UP_WITHIN = 2.0
"""Seconds that a new run gets to take its case's lease; then the case is carried without it.  A choice."""
_RESTS = 5.0
"""Seconds to wait after a failure of the settings or the database."""
_NO_RUN_CAME = timedelta(minutes=1)
"""How long a case that is cut already waits for a run of Prefect's, before this process carries it on."""
_AT_ONCE = 4
"""How many of those are carried at once, and only in a turn without a cut."""
_log = logging.getLogger("lastday.flows")


class CarryingLoop:
    """
    Each turn starts to carry the cases from `casework.sweeping.unclaimed`, together but each independently, and waits for none.
    It also carries on cases that are cut already, a few at a time, if no run has held them for a minute.

    *context*: only for reading the database; it needs no connected service.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._given = set[str]()
        """Cases that a carrier is about to claim; they go to no other carrier meanwhile."""
        self._carriers = set[asyncio.Task[None]]()
        self._left = dict[str, datetime]()
        """Cases that are cut and that nobody carries on, each with the time since when."""

    async def __call__(self) -> float:
        new = [case_id for case_id in unclaimed(self._context) if case_id not in self._given]
        now, left = self._context.now(), unclaimed(self._context, cut=True)
        self._left = {case_id: self._left.get(case_id, now) for case_id in left}
        if not new and not self._given:
            new = [case_id for case_id in left if now - self._left[case_id] >= _NO_RUN_CAME][:_AT_ONCE]
        for together in (new[start : start + MOST] for start in range(0, len(new), MOST)):
            self._given.update(together)
            carrier = asyncio.ensure_future(self._carry(together))
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carriers.discard)
        return PERIOD

    async def _carry(self, case_ids: list[str]) -> None:
        """Carry the cases in a Prefect run, so that IT sees them; carry those that it does not claim in time without Prefect."""
        run = asyncio.ensure_future(_in_a_run(case_ids))
        await asyncio.wait({run}, timeout=_TAKEN_UP_WITHIN)
        try:
            still = unclaimed(self._context) + unclaimed(self._context, cut=True)
            left = [case_id for case_id in still if case_id in case_ids]
            self._given.difference_update(set(case_ids) - set(left))
            unseen = [one for one in left if self._context.case(one).run_state is not RunState.SCHEDULED]
            if left:
                async with open_context() as context:
                    await asyncio.gather(*(self._plainly(context, case_id) for case_id in left))
        except Exception as exc:  # noqa: BLE001  # a later turn tries again
            _log.error("carrying: %s", redact(exc))
            await asyncio.sleep(_RESTS)
        finally:
            self._given.difference_update(case_ids)
        recorded = await run
        while not recorded and (closed := [one for one in unseen if self._context.case(one).state is CaseState.CLOSED]):
            await asyncio.sleep(_RESTS)
            recorded = await _in_a_run(closed)

    async def _plainly(self, context: Context, case_id: str) -> None:
        """Carry the case without Prefect.  The result is in our database; after an error a later turn tries again."""
        _log.warning("carrying %s without Prefect", case_id)
        try:
            with boundary():
                async with runbook.claim(context, case_id, context.name(SERVING)) as ours:
                    self._given.discard(case_id)  # from here on the lease in our database says who holds it
                    if ours:
                        await runbook.offboard(context, case_id)
        except Exception as told:  # noqa: BLE001  # one case's failure stops no other case
            _log.warning("carrying %s: %s", case_id, told)


async def _in_a_run(case_ids: list[str]) -> bool:
    """
    Carry the cases in a Prefect run if its API answers within a second, and return whether there was a run.  Raises nothing: a case
    that the run leaves is unclaimed again.

    Only the run has tags: for a task that inherits tags, Prefect asks its API for a slot and waits.
    """
    flow: Flow[Any, Any] = offboard if len(case_ids) == 1 else offboard_many
    given = parameters(case_ids)
    try:
        async with get_client() as client:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                await client.hello()
            run = await client.create_flow_run(flow, parameters=given, tags=[SERVING, *map(tag, case_ids)])
        await run_flow_async(flow, run, given, return_type="state")
    except (Exception, PrefectSignal) as exc:  # noqa: BLE001  # cases that the run has not cut are cut without it
        _log.warning("carrying: no run of Prefect's: %s", type(exc).__name__)
        return False
    return True
