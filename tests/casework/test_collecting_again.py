"""A log is read again when it was not complete, or when more may have come; what lasts is not asked for twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from casework.activity import collecting
from casework.activity.collecting import collect
from connectors.activity import ActivityPage, ActivitySource
from connectors.errors import (
    ConnectorError,
    Denied,
    NotOnPlan,
    NotRecorded,
    Unintelligible,
)
from models.tables import Case
from models.vocabulary import Completeness
from tests.casework.conftest import Office
from tests.casework.ledger import DRIVE, event
from tests.casework.shown import show
from tests.casework.test_collecting import DAY, FIFTY, bound, ended, ids, ledger, lines, passes, planned


class TestNotAvailable:
    @pytest.mark.parametrize(
        ("fault", "reason", "said"),
        [
            (NotRecorded("off"), "not_recorded", "switched this log off"),
            (Denied("scope"), "denied", "scope"),
            (NotOnPlan("plan"), "not_on_plan", "plan does not offer"),
        ],
    )
    async def test_each_its_own_verdict(self, logged: Office, fault: ConnectorError, reason: str, said: str) -> None:
        """Auditing off, a missing scope, a smaller plan: each says what it is, and none says that nothing happened."""
        ledger(logged).fault = lambda _number, _cursor: fault
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        [row] = passes(logged, case)
        assert (row.verdict, row.reason) == (Completeness.NOT_AVAILABLE, reason)
        assert row.statement is not None
        assert said in row.statement["text"]
        assert row.statement["text_ja"].startswith("取得不可")
        [leaf] = bound(logged, case)
        assert not leaf["complete"]

    async def test_looked_at_again(self, logged: Office) -> None:
        """A scope that was granted later: the next pass reads the whole window."""
        ledger(logged).happened("g1", FIFTY)
        ledger(logged).fault = lambda number, _: Denied("scope") if number == 1 else None
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        logged.clock.pass_by(days=2)
        await collect(logged.context, case.id, seconds=60)
        assert [(row.verdict, row.records) for row in passes(logged, case)] == [
            (Completeness.NOT_AVAILABLE, 0),
            (Completeness.COMPLETE, 50),
        ]

    async def test_short_retention(self, logged: Office) -> None:
        """A log that does not reach back to the beginning of the notice window is partial."""
        ledger(logged).activity_sources = (ActivitySource("drive", timedelta(0), timedelta(days=7), ()),)
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        [row] = passes(logged, case)
        assert (row.verdict, row.reason) == (Completeness.PARTIAL, "retention")


class TestRounds:
    async def test_tail_and_what_came_late(self, logged: Office) -> None:
        """After the vendor's lag the tail is read again: what came late is kept, counted and stated, and nothing twice."""
        late = [event(200 + n, DAY + timedelta(hours=26, minutes=10 * n)) for n in range(3)]
        ledger(logged).happened("g1", FIFTY + late)
        ledger(logged).unseen = set(ids(late))
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        ledger(logged).unseen = set()
        ledger(logged).happened("g1", [event(300, logged.clock.at + timedelta(minutes=1))])
        logged.clock.pass_by(hours=24)
        await collect(logged.context, case.id, seconds=60)
        first, second = passes(logged, case)
        assert (first.records, second.records, second.late) == (50, 4, 3)
        assert sorted(ids(lines(logged, second)[1:])) == ["e200", "e201", "e202", "e300"]
        assert second.from_at == first.until_at - DRIVE.lag - timedelta(minutes=5)
        assert second.statement is not None
        assert second.statement["came_late"] == 3
        assert len(bound(logged, case)) == 2

    async def test_wait_is_respected(self, logged: Office) -> None:
        """A search that the vendor is still running is not asked for before its time, and keeps nobody waiting."""
        ledger(logged).happened("g1", FIFTY)
        waiting = ActivityPage([], "0", (), wait=timedelta(minutes=10))
        ledger(logged).fault = lambda number, _: waiting if number <= 2 else None
        case = await planned(logged)
        began = logged.clock.at
        await collect(logged.context, case.id, seconds=60)
        assert ended(logged, case) == [False]
        assert logged.clock.at - began < timedelta(seconds=61)
        await collect(logged.context, case.id, seconds=60)
        assert len(ledger(logged).asked) == 1
        for _ in range(2):
            logged.clock.pass_by(minutes=20)
            await collect(logged.context, case.id, seconds=3600)
        [row] = passes(logged, case)
        assert (row.verdict, row.records) == (Completeness.COMPLETE, 50)


class TestLasting:
    async def test_a_complete_tail_brings_nothing_back(self, logged: Office) -> None:
        """A log that does not reach over the notice window stays partial, however complete its later looks are."""
        ledger(logged).activity_sources = (replace(DRIVE, retention=timedelta(days=7)),)
        case = await planned(logged)
        for _ in range(2):
            await collect(logged.context, case.id, seconds=60)
            logged.clock.pass_by(days=2)
        first, tail = passes(logged, case)
        assert (first.reason, tail.verdict) == ("retention", Completeness.COMPLETE)
        await collecting.conclude(logged.context, case.id)
        shown = show(logged.context, case.id)["downloads"]
        assert (shown["state"], shown["verdict"]) == ("partial", "nothing_unusual")

    async def test_nor_does_a_second_try(self, logged: Office) -> None:
        """The same window read again days later is shorter than it was at the cut: what was forgotten meanwhile is lost."""
        ledger(logged).activity_sources = (replace(DRIVE, retention=timedelta(days=7)),)
        ledger(logged).fault = lambda number, _: Unintelligible("what") if number == 1 else None
        case = await planned(logged)
        for _ in range(2):
            await collect(logged.context, case.id, seconds=60)
            logged.clock.pass_by(days=2)
        assert [row.reason for row in passes(logged, case)] == ["unintelligible", "forgotten"]


class TestInstants:
    async def test_put_off(self, logged: Office) -> None:
        """What was collected for an instant that was put off is collected again at the new one."""
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        with logged.context.store.write() as session:
            session.get_one(Case, case.id).due_at += timedelta(days=21)
        logged.clock.at = logged.context.case(case.id).due_at + timedelta(minutes=1)
        await collect(logged.context, case.id, seconds=60)
        assert ended(logged, case) == [True, True]

    async def test_long_over(self, logged: Office) -> None:
        """A log that we learn to read later is not read of those who left long ago."""
        case = await planned(logged)
        logged.clock.at = logged.context.case(case.id).due_at + timedelta(days=400)
        await collect(logged.context, case.id, seconds=60)
        assert ledger(logged).asked == []
