"""The looks after closing: is what was seen closed closed still?"""

from dataclasses import dataclass

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from casework.access import rechecking
from casework.bootstrap import open_context
from flows.discretion import quietly
from flows.results import HERE


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What one turn did.  *run_id* is its own flow run."""

    run_id: str
    looked: int
    not_looked: int
    reopened: int

    @property
    def idle(self) -> bool:
        """Whether no look was due."""
        return not (self.looked or self.not_looked or self.reopened)


@flow(name="rechecks", flow_run_name="rechecks", retries=0, persist_result=False, result_storage=HERE)
@quietly
async def rechecks() -> Rechecked:
    """Take the looks that are due; what lost its waiver, or came back, is open again.  Safe to run at any time."""
    async with open_context() as context:
        report = await rechecking.look_again(context)
    rechecked = Rechecked(str(flow_run.id), len(report.looked), len(report.not_looked), len(report.reopened))
    log = get_run_logger()
    log.info("looked %d, could not look %d, reopened %d", rechecked.looked, rechecked.not_looked, rechecked.reopened)
    return rechecked
