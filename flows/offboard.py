"""Offboard one leaver."""

from prefect import flow

from casework.bootstrap import open_context
from casework.runbook import close, observe_until_closed, wait_until_due
from flows.artifacts import show_truth_table, showing
from flows.redaction import CaseId, to_its_state
from flows.results import HERE
from flows.steps import (
    collect_everywhere,
    collecting_meanwhile,
    contain_everywhere,
    deprovision_everywhere,
    holding,
    look_at_papers,
    plan_if_none,
)


@flow(name="offboard", flow_run_name="offboard-{case_id}", retries=0, persist_result=False, result_storage=HERE)
@to_its_state
async def offboard(case_id: CaseId) -> None:
    """Take *case_id* as far as it can go.  Safe to run again at any point."""
    async with open_context() as context, holding(context, case_id), showing(context, case_id):
        await plan_if_none(context, case_id)
        async with collecting_meanwhile(context, case_id):
            await wait_until_due(context, case_id)  # Prefect may start a run half a second early
            await contain_everywhere(context, case_id)  # all services at once; block first, then sessions
            await deprovision_everywhere(context, case_id)
        await show_truth_table(context, case_id)
        await observe_until_closed(context, case_id)
        await collect_everywhere(context, case_id)  # the logs outlive the cut; what is missing the sweep fetches
        await look_at_papers(context, case_id)  # a dismissal's for the first time: it is cut first
        close(context, case_id)  # raises StillOpen with the findings: the run is not green
