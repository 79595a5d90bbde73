"""Looking until it is closed."""

from __future__ import annotations

from casework.access import cutting, planning
from casework.access.revoking import may_ask
from casework.access.rows import rows_of
from casework.backoff import backoff
from casework.desk import Desk
from models.tables import CaseEntitlement
from models.vocabulary import SETTLED, EntitlementState

_CAN_STILL_CHANGE = frozenset({EntitlementState.COMMANDED, EntitlementState.STILL_OPEN, EntitlementState.UNREADABLE})


async def observe_until_closed(desk: Desk, case_id: str) -> None:
    """
    Read every account afresh, with back-off, until each row is settled or policy's deadline has passed.

    The first look takes in every kind, the later ones those that are open.  What a look adds is planned, sealed and taken
    away as well.  Raises nothing: what is still open afterwards is a finding, and the sweep looks again.
    """
    if not desk.case(case_id).for_real:
        return
    await _look_until_settled(desk, case_id)
    for service in desk.connectors:
        await cutting.take_up(desk, case_id, service)


async def _look_until_settled(desk: Desk, case_id: str) -> None:
    await _look(desk, case_id, first=True)
    for wait in backoff(desk.policy.observe):
        if not any(row.state in _CAN_STILL_CHANGE for row in _unsettled(desk, case_id)):
            return
        await desk.sleep(wait)
        await _look(desk, case_id, first=False)


async def _look(desk: Desk, case_id: str, *, first: bool) -> None:
    for service in desk.connectors:
        if planning.unlisted(desk, case_id, service):  # accepted by a person a moment ago
            await cutting.contain(desk, case_id, service)
            await planning.take_inventory(desk, case_id, services=[service])
    unsettled = _unsettled(desk, case_id)
    kinds, services = frozenset(row.kind for row in unsettled), {row.service for row in unsettled}
    await planning.take_inventory(desk, case_id, kinds=None if first else kinds, services=None if first else services)
    fresh = {
        row.service for row in _unsettled(desk, case_id) if row.state is EntitlementState.FOUND and may_ask(desk, row)
    }
    if fresh:
        planning.seal_plan(desk, case_id)
    for service in fresh:
        await cutting.deprovision(desk, case_id, service)


def _unsettled(desk: Desk, case_id: str) -> list[CaseEntitlement]:
    with desk.store.read() as session:
        return [row for row in rows_of(session, case_id) if row.state not in SETTLED]
