"""Many cases that are over, that wait, or that are due at once: none costs the one that is due its instant."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import event

from casework import runbook
from casework.access.rechecking import look_again
from casework.decisions import signatures
from casework.policy import BlastRadiusPolicy, Policy
from casework.sweeping import due_for_run, unclaimed
from models.tables import Case
from models.vocabulary import CaseState, EntitlementKind, EntitlementState, OpenReason, RunState, Service
from tests.casework.conftest import Office

K = EntitlementKind
MOST_BEFORE_A_BLOCK = 200
"""Statements a leaver: for what dies with the block, the block itself, and looks at both."""
EVERYBODY = Policy(blast_radius=BlastRadiusPolicy(departures=10_000, percent=100))


def leavers(office: Office, numbers: range, **fields: str) -> list[str]:
    """Report so many, each with an account of their own."""
    cases = []
    for n in numbers:
        office.paper.add(f"g{n}", employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}")
        case = office.report(employee_no=f"E{n}", email=f"e{n}@example.test", name=f"人 {n}", **fields)
        cases.append(case.id)
    return cases


@contextmanager
def statements(office: Office) -> Iterator[Counter[str]]:
    """Count the statements that the database is given meanwhile, and those that are answered with rows of entitlements."""
    counted = Counter[str]()

    def note(_: object, __: object, statement: str, *___: object) -> None:
        counted["all"] += 1
        counted["rows"] += "FROM entitlement" in statement and "WHERE entitlement.case_id =" in statement

    event.listen(office.context.store.engine, "before_cursor_execute", note)
    try:
        yield counted
    finally:
        event.remove(office.context.store.engine, "before_cursor_execute", note)


class TestAnIdleTurn:
    async def closed(self, office: Office, numbers: range) -> list[str]:
        cases = leavers(office, numbers)
        office.clock.at = max(office.clock.at, office.context.case(cases[0]).due_at)
        for case in cases:
            await office.run(case)
        assert {office.context.case(case).state for case in cases} == {CaseState.CLOSED}
        return cases

    async def test_costs_the_same_however_many_stand_on_a_standing_waiver(
        self, make_office: Callable[..., Office]
    ) -> None:
        """Cases that were closed on a standing waiver are not read again in each turn."""
        office = make_office(EVERYBODY)
        office.paper.blind[K.GRANT] = EntitlementState.NO_API
        waiver = signatures.waive_for_tenant(
            office.context, connection=Service.GOOGLE_WORKSPACE, kind=K.GRANT, accepts=OpenReason.NO_API, reason="no API", by="a",
            until=office.clock().date() + timedelta(days=60),
        )  # fmt: skip
        signatures.approve(office.context, waiver.id, by="b")
        costs = []
        for numbers in (range(1, 3), range(3, 9)):
            await self.closed(office, numbers)
            with statements(office) as counted:
                await look_again(office.context)
            costs.append(dict(counted))
        assert costs[0] == costs[1]


class TestWhoIsDue:
    def test_has_a_run_before_a_thousand_plans(self, office: Office) -> None:
        """Whoever imports next year's leavers has no dismissal wait for their plans: its run is the first that is asked for, and it needs none."""
        coming = leavers(office, range(10, 40), employment_ends_on="2027-03-31")
        (dismissed,) = leavers(office, range(40, 41), kind="dismissal")
        groups = due_for_run(office.context)
        assert (groups[0].case_ids, groups[0].purpose) == ((dismissed,), "offboard")
        assert {case for group in groups[1:] for case in group.case_ids} >= set(coming)
        office.clock.pass_by(seconds=2)
        assert unclaimed(office.context) == [dismissed]

    def test_waits_for_none_that_waits_for_a_person(self, office: Office) -> None:
        """Thirty cases that were cut and left findings rest, ask for no run before their next try, and then stand behind who is due."""
        old, due = leavers(office, range(10, 40)), leavers(office, range(40, 50))
        office.clock.pass_by(hours=10)
        with office.context.store.write() as session:
            for case_id in old:
                case = session.get_one(Case, case_id)
                case.state, case.tries, case.run_state = CaseState.DEPROVISIONED, 3, RunState.ENDED
                case.next_run_at = office.clock.at + timedelta(minutes=15)
        assert sorted(unclaimed(office.context)) == sorted(due)
        assert unclaimed(office.context, cut=True) == []
        assert {case for group in due_for_run(office.context) for case in group.case_ids} == set(due)
        office.clock.pass_by(minutes=16)
        purposes = {group.purpose: set(group.case_ids) for group in due_for_run(office.context)}
        assert purposes == {"offboard": set(due), "again": set(old)}


class TestManyAtOneInstant:
    async def test_cost_each_the_same_before_their_block(self, make_office: Callable[..., Office]) -> None:
        """Until the last of them is blocked a leaver costs the database the same statements, however many leave at one instant."""
        few, many = [await self.cost(make_office, count) for count in (6, 18)]
        assert many <= 1.1 * few
        assert many <= MOST_BEFORE_A_BLOCK

    async def cost(self, make_office: Callable[..., Office], count: int) -> float:
        """Return the statements a leaver until all are blocked; all were planned ahead, and each is carried as in a process of its own."""
        office = make_office(EVERYBODY)
        cases = leavers(office, range(1, count + 1))
        for case in cases:
            await runbook.make_plan(office.context, case)
        office.clock.pass_by(hours=10)
        blocked: list[int] = []
        office.paper.after = lambda row: blocked.append(counted["all"]) if row.kind is K.SIGN_IN else None
        with statements(office) as counted:
            await asyncio.gather(*map(office.run, cases))
        office.context.store.engine.dispose()  # the next office has the same file
        assert len(blocked) == count
        return blocked[-1] / count
