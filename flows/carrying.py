"""
The serving process as a carrier: what is due and in nobody's hands it cuts by itself, whatever kept the run that was to do it.

No worker, an API that is down, a run that is late, lost, cancelled or was moved to another year: none of them is asked.
"""

import asyncio
import logging

from prefect.client.orchestration import get_client

from casework import runbook
from casework.bootstrap import open_context
from casework.claims import SERVING
from casework.context import Context
from casework.errors import CaseworkError
from casework.sweeping import unclaimed
from flows.offboard import offboard
from flows.redaction import redact

PERIOD = 0.5
"""Seconds between two looks for what is due."""
_ANSWERS_WITHIN = 1.0
_log = logging.getLogger("lastday.flows")


class Carrying:
    """
    A turn takes up each case that `casework.sweeping.unclaimed` gives, all at once, each for itself, and waits for none.

    *context* needs no service: it is for looking.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def __call__(self) -> float:
        for case_id in unclaimed(self._context):
            if case_id not in self._under_way:
                self._under_way[case_id] = asyncio.ensure_future(self._carry(case_id))
        return PERIOD

    async def _carry(self, case_id: str) -> None:
        """Carry the case in a run of its own, so that IT sees it, and without Prefect if that does not answer or does not cut."""
        try:
            if await _prefect_answers():
                await offboard(case_id, return_state=True)
            if case_id in unclaimed(self._context):
                await _plainly(case_id)
        except Exception as exc:  # noqa: BLE001  # it stands in our database, and the next turn tries again
            _log.error("carrying %s: %s", case_id, redact(exc))
        finally:
            del self._under_way[case_id]


async def _prefect_answers() -> bool:
    """Whether Prefect's API answers within a second."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN), get_client() as client:
            return await client.api_healthcheck() is None
    except Exception:  # noqa: BLE001  # whatever it is, Prefect cannot be used now
        return False


async def _plainly(case_id: str) -> None:
    """Carry the case without Prefect; what it ends with, findings or questions, stands in our database."""
    _log.warning("carrying %s without Prefect", case_id)
    async with open_context() as context, runbook.claim(context, case_id, context.name(SERVING)) as ours:
        if ours:
            try:
                await runbook.offboard(context, case_id)
            except CaseworkError as exc:
                _log.warning("carrying %s: %s", case_id, redact(exc))
