"""Offboard one leaver: Prefect carries the runbook, one task for each step; the services' tasks run side by side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.runtime import deployment, flow_run
from prefect.states import Cancelled, Completed

from casework import claims, runbook
from casework.bootstrap import open_context
from casework.context import Context
from casework.runbook import Carrier, Work
from flows.artifacts import show_truth_table, showing
from flows.redaction import OPTIONS, CaseId, RunNotNeeded, redacted, to_its_state
from models.vocabulary import CaseState, ConnectionId


@flow(name="offboard", flow_run_name="offboard-{case_id}", **OPTIONS)
@to_its_state
async def offboard(case_id: CaseId) -> None:
    """Take *case_id* as far as it can go, in the order of `casework.runbook`.  Safe to run again at any point."""
    async with open_context() as context:
        await carry_out(context, case_id, as_task)


# No retries, explicit because a setting can change the default: casework repeats a revocation, because it knows what was
# sent.  No cache and no stored result: a step reads or changes the present state and returns nothing.
@task(name="step", retries=0, cache_policy=NO_CACHE, persist_result=False)
@redacted
async def carried(work: Work) -> None:
    """Do *work*.  It is a function, because Prefect searches other arguments for futures."""
    await work()


async def as_task(step: str, work: Work, connection: ConnectionId | None = None) -> None:
    """Carry a step as a task, named `cut-slack`, `check-papers` … in Prefect's page."""
    name = step if connection is None else f"{step}-{connection}"
    await carried.with_options(name=step, task_run_name=name)(work)


async def carry_out(context: Context, case_id: str, carry: Carrier) -> None:
    """Hold the case's lease and carry its runbook.  Shows the truth table once all is cut, and at the end."""

    async def carrying(step: str, work: Work, connection: ConnectionId | None = None) -> None:
        if step == "observe":
            await show_truth_table(context, case_id)
        await carry(step, work, connection)

    async with showing(context, case_id), holding(context, case_id):
        await runbook.offboard(context, case_id, carrying)


@asynccontextmanager
async def holding(context: Context, case_id: str) -> AsyncIterator[None]:
    """Hold the case's lease.  Raises `RunNotNeeded` if another run has it, or the case is closed."""
    case = context.case(case_id)
    if case.state is CaseState.CLOSED:
        whom = claims.SERVING if claims.SERVING in str(case.run_id) else "another run"
        raise RunNotNeeded(Completed(name=f"Carried by {whom}", message=f"{case.run_id} had closed the case before"))
    run = flow_run.id if deployment.id else flow_run.id and f"by-{claims.SERVING}-{flow_run.id}"
    async with runbook.claim(context, case_id, run or context.name("terminal")) as ours:
        if not ours:
            raise RunNotNeeded(Cancelled(name="Carried elsewhere", message="somebody else carries this case now"))
        if run:
            get_run_logger().info("Cancelling this run stops nothing: `lastday pause %s` does.", case_id)
        yield
