"""
The worker: it runs this checkout's flows, and nothing that comes from Prefect's server: `python -m flows.worker`.

Prefect's own process worker takes command, environment and working directory from the run, the deployment or the pool, and code
from the deployment's entrypoint and pull steps: whoever may write to the server runs commands as the worker, which holds the
tenants' credentials.  This one takes a run's id.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Any
from uuid import UUID

import anyio
from anyio.abc import TaskStatus
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from flows.starting import until_terminated

POOL = "lastday"
LIMIT = 4
"""Runs at once.  Not for speed: on SQLite an unlimited worker loses 3 to 9 of 40 runs to `database is locked`."""

_GRACE = 8.0
BASE_JOB_TEMPLATE: dict[str, Any] = {
    "job_configuration": {
        "command": "python -m flows.execute"
    },  # what is done in any case: the server wants something here
    "variables": {"type": "object", "properties": {}, "additionalProperties": False},
}
"""The pool's: Prefect's server refuses a run or a deployment that brings any variable (422)."""


class NothingFromOutside(BaseJobConfiguration):
    """What the server says about how a run is to be started is not read: neither the pool's template nor any variable."""

    @classmethod
    async def from_template_and_values(cls, *_: Any, **__: Any) -> NothingFromOutside:
        return cls()


class Worker(BaseWorker[NothingFromOutside, BaseVariables, BaseWorkerResult]):
    """Starts `flows.execute` for each run, in the worker's own environment and working directory."""

    type = "lastday"
    job_configuration = NothingFromOutside

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begun: set[UUID] = set()

    _description = "Runs the flows of this checkout, each in a process of its own."

    @classmethod
    def get_default_base_job_template(cls) -> dict[str, Any]:
        return BASE_JOB_TEMPLATE

    async def run(
        self,
        flow_run: FlowRun,
        configuration: NothingFromOutside,  # noqa: ARG002  # holds nothing
        task_status: TaskStatus[int] | None = None,
    ) -> BaseWorkerResult:
        """Wait for the run's process; a worker that is stopped asks it to stop, and waits for that."""
        environment = {**os.environ, "PREFECT__FLOW_RUN_ID": str(flow_run.id)}
        command = (sys.executable, "-m", "flows.execute")
        child = await asyncio.create_subprocess_exec(*command, env=environment, stdin=asyncio.subprocess.DEVNULL)
        self._begun.add(flow_run.id)
        if task_status is not None:
            task_status.started(child.pid)
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            with anyio.CancelScope(shield=True):
                await _end(child)
            raise
        return BaseWorkerResult(status_code=code, identifier=str(child.pid))

    async def _submit_scheduled_flow_runs(self, flow_run_response: list[WorkerFlowRunResponse]) -> list[FlowRun]:
        """
        Leave out what this worker carries already: a run that is scheduled again while it runs would be taken a second time, and
        Prefect 3.8 dies of that, with every run that it carries.
        """
        busy = set(self.limiter.statistics().borrowers)
        return await super()._submit_scheduled_flow_runs([e for e in flow_run_response if e.flow_run.id not in busy])

    async def _submit_run(self, flow_run: FlowRun) -> None:
        """Give the slot back of a run that never began, whatever the reason: Prefect 3.8 keeps it if its deployment is gone."""
        try:
            await super()._submit_run(flow_run)
        except Exception:
            self._logger.exception("run %s: cannot be submitted", flow_run.id)
            self._submitting_flow_run_ids.discard(flow_run.id)
        finally:
            if flow_run.id not in self._begun:
                self._release_limit_slot(flow_run.id)
            self._begun.discard(flow_run.id)


async def work() -> None:
    await Worker(work_pool_name=POOL, limit=LIMIT).start()


async def _end(child: asyncio.subprocess.Process) -> None:
    """Ask *child* to stop, and after eight seconds make it."""
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    with anyio.move_on_after(_GRACE):
        await child.wait()
        return
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await child.wait()


if __name__ == "__main__":
    asyncio.run(until_terminated(work()))
