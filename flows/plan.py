"""Plan a case before its instant, so that at the last moment only the cut remains."""

from prefect import flow

from casework.desk import open_desk
from casework.runbook import make_plan, take_early
from flows.artifacts import showing
from flows.discretion import CaseId, to_its_state
from flows.steps import holding, look_at_papers, require_answers


@flow(name="plan", flow_run_name="plan-{case_id}", retries=0, persist_result=False)
@to_its_state
async def plan(case_id: CaseId) -> None:
    """
    Find *case_id*'s accounts, list what they hold, seal the plan.  Safe to run again.

    Nothing is changed at a vendor, but for what policy cuts after the last day worked, once that has passed.
    """
    async with open_desk() as desk, showing(desk, case_id):
        async with holding(desk, case_id):
            await make_plan(desk, case_id)
            await take_early(desk, case_id)
        await look_at_papers(desk, case_id)  # without the lease: a cut that falls due meanwhile does not wait
        require_answers(desk, case_id)  # raises QuestionsOpen: the run pauses, the plan stands
