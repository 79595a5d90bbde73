"""Offboard one leaver."""

from prefect import flow

from casework.bootstrap import open_context
from flows.redaction import CaseId, to_its_state
from flows.results import HERE
from flows.steps import as_task, carry_out


@flow(name="offboard", flow_run_name="offboard-{case_id}", retries=0, persist_result=False, result_storage=HERE)
@to_its_state
async def offboard(case_id: CaseId) -> None:
    """Take *case_id* as far as it can go, in the order of `casework.runbook`.  Safe to run again at any point."""
    async with open_context() as context:
        await carry_out(context, case_id, as_task)
