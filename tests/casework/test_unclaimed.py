"""What is due and in nobody's hands is known from our database alone, whatever Prefect says of its runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from casework import claims, runbook
from casework.context import Context
from casework.errors import StillOpen
from casework.lifecycle import wake
from casework.sweeping import due_for_run, unclaimed
from models.tables import Case
from models.vocabulary import CaseState, RunState
from tests.casework.conftest import Office


def due(office: Office, *, ahead: float = 86_400, **values: Any) -> Case:
    """Report a departure *ahead* of its instant, in seconds (below 0: decided so long after it), and stand at the later of both."""
    case = office.report()
    decided_at = case.due_at - timedelta(seconds=ahead)
    office.clock.at = max(case.due_at, decided_at)
    return change(office, case.id, opened_at=decided_at, for_real_at=decided_at, **values)


def change(office: Office, case_id: str, **values: Any) -> Case:
    with office.context.store.write() as session:
        case = session.get_one(Case, case_id)
        for name, value in values.items():
            setattr(case, name, value)
        session.add(case)
        return case


def later(office: Office, seconds: float) -> list[str]:
    office.clock.pass_by(seconds=seconds)
    return unclaimed(office.context)


class TestUnclaimed:
    def test_three_seconds_after_its_instant(self, office: Office) -> None:
        """A run that was made ahead holds its case since a minute; if none does, it does not matter what became of it."""
        case = due(office, run_state=RunState.SCHEDULED, run_id="a run that somebody moved to 2030")
        assert later(office, -60) == []
        assert later(office, 62.9) == []
        assert later(office, 0.2) == [case.id]

    def test_sooner_when_it_was_decided_after_its_instant(self, office: Office) -> None:
        """For an emergency no run can have been made ahead: whoever decides it at a terminal has a moment to carry it there."""
        case = due(office, ahead=-3_600)
        assert later(office, 1.4) == []
        assert later(office, 0.2) == [case.id]

    @pytest.mark.parametrize("state", sorted(CaseState))
    def test_before_it_is_contained_alone(self, office: Office, state: CaseState) -> None:
        """What was cut already, restored or withdrawn needs no run at its instant."""
        case = due(office, state=state)
        wanted = state in {CaseState.OPEN, CaseState.PLANNED, CaseState.WAITING, CaseState.CUTTING}
        assert later(office, 60) == ([case.id] if wanted else [])

    def test_never_without_the_decision(self, office: Office) -> None:
        """A case that is a plan only is left alone."""
        due(office, for_real=False)
        assert later(office, 60) == []

    def test_what_left_findings_rests_until_its_next_try(self, office: Office) -> None:
        """A vendor that is down is not asked twice a second."""
        case = due(office)
        change(office, case.id, next_run_at=office.clock.at + timedelta(seconds=60))
        assert later(office, 59) == []
        assert later(office, 2) == [case.id]

    def test_the_earliest_first(self, office: Office) -> None:
        """Who left first is cut first."""
        first, second = due(office), due(office, employee_no="E2", employee_key="e2", id="case-2")
        change(office, second.id, due_at=first.due_at - timedelta(seconds=1))
        assert later(office, 60)[0] == second.id


class TestWhoHoldsIt:
    async def test_a_living_run_is_left_alone(self, office: Office) -> None:
        """A case that is being cut is nobody else's."""
        case = due(office, state=CaseState.CUTTING)
        async with runbook.claim(office.context, case.id, "run-1") as ours:
            assert ours
            assert later(office, 19) == []

    async def test_who_asks_for_nothing_loses_it_to_a_serving_process(self, office: Office) -> None:
        """
        Fifteen seconds after the instant: a run that hangs, in Prefect or in a vendor's probe, holds the case and cuts nothing.

        It cannot begin a write afterwards.  Only a serving process takes over, and none from another.
        """
        case = due(office)
        async with runbook.claim(office.context, case.id, "run-1") as first:
            assert first
            assert later(office, 14.5) == []
            assert later(office, 0.6) == [case.id]
            async with runbook.claim(office.context, case.id, "run-2") as other_run:
                assert not other_run
            async with runbook.claim(office.context, case.id, "serve-1") as serving:
                assert serving
                assert unclaimed(office.context) == []
                async with runbook.claim(office.context, case.id, "serve-2") as another:
                    assert not another

    async def test_who_took_it_late_has_as_long(self, office: Office) -> None:
        """After an outage a run that has just begun is not taken from the case, and all that it has looked up begun anew."""
        case = due(office)
        office.clock.pass_by(minutes=1)
        async with runbook.claim(office.context, case.id, "run-1"):
            assert later(office, 14.5) == []
            assert later(office, 0.6) == [case.id]

    @pytest.mark.parametrize("late", [10, 90_000])
    async def test_is_tried_again_later_each_time(self, office: Office, late: float) -> None:
        """Whoever carried it, however often it was planned before and however late the first try came; anew after a person acted."""
        case = due(office, connections=["slack"], run_attempt=7)
        office.clock.pass_by(seconds=late)
        waits = []
        for woken in (False, False, False, False, False, True):
            if woken:
                with office.context.store.write() as session:
                    wake(session, session.get_one(Case, case.id))
            with pytest.raises(StillOpen):
                await office.run(case.id)
            ended = office.context.case(case.id)
            assert ended.next_run_at is not None
            waits.append((ended.next_run_at - office.clock.at).total_seconds())
        assert waits == [60, 300, 900, 3_600, 3_600, 60]

    async def test_a_run_that_stumbled_is_followed_at_once(self, office: Office) -> None:
        """The database was away for a moment: the case may not have been cut at all, whatever was found in it before."""
        case = due(office)
        with pytest.raises(ZeroDivisionError):
            async with runbook.claim(office.context, case.id, "run-1"):
                _ = 1 / 0
        assert later(office, 4) == []
        assert later(office, 1.1) == [case.id]
        office.clock.pass_by(minutes=10)
        with pytest.raises(ZeroDivisionError):
            async with runbook.claim(office.context, case.id, "run-1"):
                _ = 1 / 0
        assert later(office, 59) == []
        assert later(office, 1.1) == [case.id]

    async def test_whoever_takes_it_up_ends_its_rest(self, office: Office) -> None:
        """Somebody ran it by hand before its next try, and was killed in the middle: it waits for no try any more."""
        case = due(office, state=CaseState.CUTTING)
        change(office, case.id, next_run_at=office.clock.at + timedelta(hours=1))
        claims._take(office.context, case.id, "terminal-1")
        assert later(office, 19.9) == []
        assert later(office, 0.2) == [case.id]

    @pytest.mark.parametrize("state", [CaseState.CONTAINED, CaseState.DEPROVISIONED])
    async def test_a_killed_carrier_that_prefect_never_knew_leaves_it_to_a_run(
        self, office: Office, state: CaseState
    ) -> None:
        """The serving process or a terminal, after the block: the rest is still to be taken away."""
        case = due(office, state=state)
        claims._take(office.context, case.id, "serve-1")
        assert (later(office, 19.9), due_for_run(office.context)) == ([], [])
        office.clock.pass_by(seconds=0.2)
        (group,) = due_for_run(office.context)
        assert (group.purpose in {"offboard", "again"}, group.case_ids) == (True, (case.id,))

    async def test_a_killed_run_loses_it_in_twenty_seconds(self, office: Office) -> None:
        """In the middle of its cut, too: what it left open is concluded by a read."""
        case = due(office, state=CaseState.CUTTING, lease_holder="run-1")
        change(office, case.id, lease_until=office.clock.at + timedelta(seconds=20))
        assert later(office, 19.9) == []
        assert later(office, 0.2) == [case.id]


class TestLeases:
    """One write renews all that a process holds; whoever lost one does not get it back by it."""

    async def test_of_all_cases(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(claims, "_HEARTBEAT", 0.01)
        stolen, first, last = (office.report(employee_no=number).id for number in ("E1", "E2", "E3"))

        async def renewed(*held: str) -> None:
            office.clock.pass_by(seconds=10)
            until = office.clock.at + claims.LEASE
            async with asyncio.timeout(10):
                while any((office.context.case(one).lease_until or until) < until for one in held):
                    await asyncio.sleep(0.005)

        async with claims.claim(office.context, stolen, "run"), claims.claim(office.context, last, "run"):
            async with claims.claim(office.context, first, "run"):
                before = change(office, stolen, lease_holder="another").lease_until
                await renewed(first, last)
            await renewed(last)
            assert office.context.case(stolen).lease_until == before

    async def test_when_the_one_that_was_held_longest_has_ended(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(claims, "_HEARTBEAT", 0.01)
        first, last = (office.report(employee_no=number).id for number in ("E1", "E2"))
        async with AsyncExitStack() as stack:
            longest = await stack.enter_async_context(AsyncExitStack())
            await longest.enter_async_context(claims.claim(office.context, first, "run"))
            await stack.enter_async_context(claims.claim(office.context, last, "run"))
            await longest.aclose()
            office.clock.pass_by(seconds=10)
            until = office.clock.at + claims.LEASE
            async with asyncio.timeout(10):
                while (office.context.case(last).lease_until or until) < until:
                    await asyncio.sleep(0.005)

    async def test_by_who_holds_longest(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two hundred cases are no two hundred writes every four seconds."""
        monkeypatch.setattr(claims, "_HEARTBEAT", 0.01)
        renewed, renew = list[int](), claims._renew

        def counted(context: Context, leases: Mapping[str, str]) -> None:
            renewed.append(len(leases))
            renew(context, leases)

        monkeypatch.setattr(claims, "_renew", counted)
        cases = [office.report(employee_no=f"E{number}").id for number in range(1, 6)]
        async with AsyncExitStack() as stack:
            for case_id in cases:
                await stack.enter_async_context(claims.claim(office.context, case_id, "run"))
            renewed.clear()
            await asyncio.sleep(0.2)

        assert len(renewed) <= 0.2 / 0.01 + 1
        assert max(renewed) == len(cases)


class TestRuns:
    def test_a_run_that_died_before_it_began_is_followed_at_once(self, office: Office) -> None:
        """A run that was resumed while its case rested, and was lost: the case does not wait for the try that it stood for."""
        case = due(office, state=CaseState.CONTAINED, run_state=RunState.PAUSED)
        change(office, case.id, next_run_at=office.clock.at + timedelta(hours=1))
        claims.record_run(office.context, (case.id,), "run-1")
        assert due_for_run(office.context) == []
        claims.release_run(office.context, case.id)
        (group,) = due_for_run(office.context)
        assert group.case_ids == (case.id,)

    @pytest.mark.parametrize(
        ("values", "purpose"),
        [
            ({}, "offboard"),
            ({"state": CaseState.CUTTING}, "offboard"),
            ({"tries": 1}, "again"),
            ({"state": CaseState.CONTAINED}, "again"),
            ({"state": CaseState.DEPROVISIONED}, "again"),
        ],
    )
    def test_the_first_cut_stands_in_no_queue_of_repetitions(
        self, office: Office, values: dict[str, Any], purpose: str
    ) -> None:
        """What was cut, or tried and left open, is made a run of its own kind, also beside a first cut of the same instant."""
        case = due(office, **values)
        other = office.report(employee_no="E2", name="月 影子", email="e2@example.test")
        change(office, other.id, opened_at=case.opened_at, for_real_at=case.opened_at)
        groups = {group.purpose: group.case_ids for group in due_for_run(office.context)}
        assert case.id in groups[purpose]
        assert other.id in groups["offboard"]

    def test_what_is_due_within_a_minute_is_one_run(self, office: Office) -> None:
        """Fifty dismissals in one file, or thirty old cases to be tried again, are one interpreter each, not fifty and thirty."""
        cases = [due(office).id]
        for n in range(2, 5):
            other = office.report(employee_no=f"E{n}", name=f"月 影{n}", email=f"e{n}@example.test")
            cases.append(change(office, other.id, due_at=office.clock.at + timedelta(seconds=20 * n - 60)).id)
        ahead = office.report(employee_no="E9", name="月 影9", email="e9@example.test")
        change(office, ahead.id, due_at=office.clock.at + timedelta(seconds=90))
        assert [sorted(group.case_ids) for group in due_for_run(office.context)] == [sorted(cases), [ahead.id]]
