"""The logs of lately cut leavers, read on: what was not complete, what came late, and whether there is silence."""

from dataclasses import dataclass

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from casework.access import rechecking
from casework.bootstrap import open_context
from flows.discretion import quietly
from flows.results import HERE


@dataclass(frozen=True, slots=True)
class Collected:
    """What one turn did.  *run_id* is its own flow run."""

    run_id: str
    news: int
    reopened: int

    @property
    def idle(self) -> bool:
        """Whether nothing came of it."""
        return not self.news


@flow(name="snapshots", flow_run_name="snapshots", retries=0, persist_result=False, result_storage=HERE)
@quietly
async def snapshots() -> Collected:
    """Go on with every snapshot that is not complete or is due again.  Safe to run at any time, and beside a cut."""
    async with open_context() as context:
        news, reopened = await rechecking.collect_again(context)
    collected = Collected(str(flow_run.id), news, reopened)
    get_run_logger().info("snapshots: news of %d cases, reopened %d", collected.news, collected.reopened)
    return collected
