"""Confidentiality papers, followed: pledges that come back, reminders, rounds over the registers that are due again."""

from dataclasses import dataclass

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from casework.bootstrap import open_context
from casework.nda import following
from flows.discretion import quietly
from flows.results import HERE


@dataclass(frozen=True, slots=True)
class Followed:
    """What one turn did.  *run_id* is its own flow run, *cases* how many it followed."""

    run_id: str
    cases: int

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        return not self.cases


@flow(name="papers", flow_run_name="papers", retries=0, persist_result=False, result_storage=HERE)
@quietly
async def papers() -> Followed:
    """Follow pledges and papers.  A turn of its own: a register that is slow delays no case's run.  Safe to run at any time."""
    async with open_context(connected=False) as context:
        followed = Followed(str(flow_run.id), await following.follow_up(context))
    get_run_logger().info("papers: %d cases", followed.cases)
    return followed
