"""
The serving process as a carrier: what is due and in nobody's hands it cuts by itself, whatever kept the run that was to do it.

No worker, an API that is down, a run that is late, lost, cancelled or was moved to another year: none of them is asked.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from prefect import tags
from prefect.client.orchestration import get_client

from casework import runbook
from casework.bootstrap import open_context
from casework.claims import SERVING
from casework.context import Context
from casework.sweeping import unclaimed
from flows.offboard import offboard
from flows.offboard_many import MOST, offboard_many
from flows.redaction import redact
from flows.scheduling import tag

PERIOD = 0.5
"""Seconds between two looks for what is due."""
STATE: Mapping[str, Any] = {"return_state": True}
"""How a run's failure is told here: it raises nothing."""
_ANSWERS_WITHIN = 1.0
_log = logging.getLogger("lastday.flows")


class Carrying:
    """
    A turn takes up the cases that `casework.sweeping.unclaimed` gives, those of one turn together and each for itself, and waits
    for none.

    *context* needs no service: it is for looking.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def __call__(self) -> float:
        new = [case_id for case_id in unclaimed(self._context) if case_id not in self._under_way]
        for together in (new[start : start + MOST] for start in range(0, len(new), MOST)):
            self._under_way |= dict.fromkeys(together, asyncio.ensure_future(self._carry(together)))
        return PERIOD

    async def _carry(self, case_ids: list[str]) -> None:
        """Carry them in a run of their own, so that IT sees it, and without Prefect if that does not answer or does not cut."""
        try:
            if await _prefect_answers():
                with tags(*map(tag, case_ids)):
                    await (offboard_many(case_ids, **STATE) if len(case_ids) > 1 else offboard(case_ids[0], **STATE))
        except Exception as exc:  # noqa: BLE001  # whatever became of that run, what it has not cut is cut here
            _log.error("carrying: %s", redact(exc))
        try:
            await asyncio.gather(*(_plainly(case_id) for case_id in unclaimed(self._context) if case_id in case_ids))
        finally:
            for case_id in case_ids:
                del self._under_way[case_id]


async def _prefect_answers() -> bool:
    """Whether Prefect's API answers within a second."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN), get_client() as client:
            return await client.api_healthcheck() is None
    except Exception:  # noqa: BLE001  # whatever it is, Prefect cannot be used now
        return False


async def _plainly(case_id: str) -> None:
    """Carry the case without Prefect; whatever it ends with stands in our database, and a later turn tries again."""
    _log.warning("carrying %s without Prefect", case_id)
    try:
        async with open_context() as context, runbook.claim(context, case_id, context.name(SERVING)) as ours:
            if ours:
                await runbook.offboard(context, case_id)
    except Exception as exc:  # noqa: BLE001  # one case's failure is no other's
        _log.warning("carrying %s: %s", case_id, redact(exc))
