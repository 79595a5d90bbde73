"""
The worker: it runs this checkout's flows, and no code or command from Prefect's server: `python -m flows.worker`.

Prefect's own process worker takes command, environment and working directory from the run, the deployment or the pool, and code
from the deployment's entrypoint and pull steps.  So everyone who may write to the server could run commands with the worker's
credentials for the tenants.  This worker takes only a run's id.
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
"""Runs at once.  Limited because on SQLite an unlimited worker loses 3 to 9 of 40 runs to `database is locked`."""

_GRACE = 8.0
BASE_JOB_TEMPLATE: dict[str, Any] = {
    "job_configuration": {"command": "python -m flows.execute"},  # never read: the server requires a command
    "variables": {"type": "object", "properties": {}, "additionalProperties": False},
}
"""The pool's template: with it Prefect's server refuses a run or a deployment that sets any variable (422)."""


class LocalConfiguration(BaseJobConfiguration):
    """A configuration that ignores the server: it reads neither the pool's template nor any variable."""

    @classmethod
    async def from_template_and_values(cls, *_: Any, **__: Any) -> LocalConfiguration:
        return cls()


class Worker(BaseWorker[LocalConfiguration, BaseVariables, BaseWorkerResult]):
    """Starts `flows.execute` for each run, in the worker's own environment and working directory."""

    type = "lastday"
    job_configuration = LocalConfiguration

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
        configuration: LocalConfiguration,  # noqa: ARG002  # holds nothing
        task_status: TaskStatus[int] | None = None,
    ) -> BaseWorkerResult:
        """Start the run's process and wait for it.  If the worker is stopped, stop the process and wait for its end."""
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
        Leave out runs that this worker carries already.  A run that is scheduled again while it runs would be submitted twice:
        Prefect 3.8 then crashes, with every run that the worker carries.
        """
        busy = set(self.limiter.statistics().borrowers)
        return await super()._submit_scheduled_flow_runs([e for e in flow_run_response if e.flow_run.id not in busy])

    async def _submit_run(self, flow_run: FlowRun) -> None:
        """Submit the run; free its slot if it never began.  Prefect 3.8 keeps the slot if the run's deployment was deleted."""
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
    """Terminate *child*, and kill it after eight seconds."""
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
