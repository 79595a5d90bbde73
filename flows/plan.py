"""Plan a case before its instant, so that at the last moment only the cut remains."""

from prefect import flow

from casework.bootstrap import open_context
from casework.runbook import make_plan, take_early
from flows.artifacts import showing
from flows.redaction import CaseId, to_its_state
from flows.results import HERE
from flows.steps import holding, look_at_papers, require_answers


@flow(name="plan", flow_run_name="plan-{case_id}", retries=0, persist_result=False, result_storage=HERE)
@to_its_state
async def plan(case_id: CaseId) -> None:
    """
    Find *case_id*'s accounts, list what they hold, seal the plan.  Safe to run again.

    Nothing is changed at a vendor, but for what policy cuts after the last day worked, once that has passed.
    """
    async with open_context() as context, showing(context, case_id):
        async with holding(context, case_id):
            await make_plan(context, case_id)
            await take_early(context, case_id)
        await look_at_papers(context, case_id)  # without the lease: a cut that falls due meanwhile does not wait
        require_answers(context, case_id)  # raises QuestionsOpen: the run pauses, the plan stands
