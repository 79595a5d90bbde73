"""Plan a case before its instant, so that only the cut remains to be done at the instant."""

from prefect import flow

from casework.bootstrap import open_context
from casework.errors import QuestionsOpen
from casework.runbook import look_at_papers, make_plan, take_early
from casework.view.prefect_view import opaque_questions
from flows.artifacts import showing
from flows.offboard import as_task, holding
from flows.redaction import OPTIONS, CaseId, to_its_state


@flow(name="plan", flow_run_name="plan-{case_id}", **OPTIONS)
@to_its_state
async def plan(case_id: CaseId) -> None:
    """
    Find *case_id*'s accounts, list their entitlements, seal the plan.  Safe to run again.

    Changes nothing at a vendor, except entitlements that policy cuts after the last day worked, once that day has passed.
    """
    async with open_context() as context, showing(context, case_id):
        async with holding(context, case_id):
            await make_plan(context, case_id)
            await take_early(context, case_id)
        await look_at_papers(context, case_id, as_task)  # without the lease, so that no due cut waits for it
        if asked := opaque_questions(context, case_id):
            raise QuestionsOpen([question.id for question in asked])  # the run pauses; the plan is sealed
