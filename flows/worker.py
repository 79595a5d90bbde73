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
import signal
import sys
from typing import Any

from anyio.abc import TaskStatus
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from flows.starting import refuse_to_start_open

POOL = "lastday"
LIMIT = 4
"""Runs at once.  Not for speed: on SQLite an unlimited worker loses 3 to 9 of 40 runs to `database is locked`."""

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
    async def from_template_and_values(
        cls,
        base_job_template: dict[str, Any],  # noqa: ARG003  # that is the point
        values: dict[str, Any],  # noqa: ARG003  # likewise
        client: PrefectClient | None = None,  # noqa: ARG003  # the base's
    ) -> NothingFromOutside:
        return cls()


class Worker(BaseWorker[NothingFromOutside, BaseVariables, BaseWorkerResult]):
    """Starts `flows.execute` for each run, in the worker's own environment and working directory."""

    type = "lastday"
    job_configuration = NothingFromOutside
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
        if task_status is not None:
            task_status.started(child.pid)
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            await asyncio.shield(child.wait())
            raise
        return BaseWorkerResult(status_code=code, identifier=str(child.pid))


async def main() -> None:
    """Work until terminated."""
    refuse_to_start_open()
    worker = Worker(work_pool_name=POOL, limit=LIMIT)
    working = asyncio.ensure_future(worker.start())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await working


if __name__ == "__main__":
    asyncio.run(main())
