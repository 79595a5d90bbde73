"""Plan a case before its instant, so that at the last moment only the cut remains."""

from prefect import flow

from casework.conduct import make_plan
from casework.desk import open_desk
from flows.artifacts import show_truth_table
from flows.discretion import CaseId, to_its_state
from flows.steps import holding


@flow(name="plan", flow_run_name="plan-{case_id}", retries=0, persist_result=False)
@to_its_state
async def plan(case_id: CaseId) -> None:
    """Find *case_id*'s accounts, list what they hold, seal the plan.  Changes nothing at a vendor; safe to run again."""
    async with open_desk() as desk, holding(desk, case_id):
        await make_plan(desk, case_id)  # raises QuestionsOpen: the run pauses
        await show_truth_table(desk, case_id)
