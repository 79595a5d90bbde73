"""A log is read again when it was not complete, or when more may have come; what lasts is not asked for twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from casework import changes
from casework.activity import collecting
from casework.activity.collecting import collect
from casework.activity.summary import summarise
from casework.record.facts import read as read_record
from casework.trail.comparing import differences
from connectors.activity import ActivityPage, ActivitySource, UnreadSpan
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
from tests.casework.quiet import cut, read
from tests.casework.records import record_of
from tests.casework.shown import show
from tests.casework.test_collecting import DAY, FIFTY, bound, ended, ids, ledger, lines, passes, planned


async def late_look_refused(office: Office) -> Case:
    """Carry a departure to its end; a record of long before comes late, and the look that would find it is refused."""
    case, effective_by = await cut(office)
    await read(office, case)
    office.clock.pass_by(days=8)
    log = ledger(office)
    log.happened("g1", [event(1, effective_by - timedelta(days=20))])
    log.fault = lambda number, _: (
        Denied("no") if log.asked[number - 1][1].from_at < effective_by - timedelta(days=10) else None
    )
    return case


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
        assert second.from_at == first.until_at - timedelta(days=1, minutes=5)
        assert second.statement is not None
        assert second.statement["came_late"] == 3
        assert len(bound(logged, case)) == 2

    async def test_later_than_documented(self, logged: Office) -> None:
        """What came hours after the documented lag is found by the next look: a lag is no promise."""
        at = logged.context.case((case := await planned(logged)).id).due_at - timedelta(hours=6)
        late = [event(500 + n, at) for n in range(30)]
        ledger(logged).happened("g1", FIFTY + late)
        ledger(logged).unseen = set(ids(late))
        await collect(logged.context, case.id, seconds=60)
        ledger(logged).unseen = set()
        logged.clock.pass_by(hours=24)
        await collect(logged.context, case.id, seconds=60)
        assert [row.records for row in passes(logged, case)] == [50, 30]

    async def test_the_whole_window_once_more(self, logged: Office) -> None:
        """After the latest that a record may come, whatever its time: once, and as far back as the vendor still keeps it."""
        ledger(logged).activity_sources = (replace(DRIVE, retention=timedelta(days=190)),)
        at = logged.clock.at - timedelta(days=40)
        late = [event(500 + n, at) for n in range(30)]
        ledger(logged).happened("g1", FIFTY + late)
        ledger(logged).unseen = set(ids(late))
        case = await planned(logged)
        for days in (0, 1, 7, 8, 30):
            logged.clock.at = logged.context.case(case.id).due_at + timedelta(days=days, hours=3)
            for _ in range(2):  # the tail, then, where it is time, the whole
                await collect(logged.context, case.id, seconds=60)
            ledger(logged).unseen = set()
        found = passes(logged, case)
        assert [(row.round, row.records) for row in found if row.again] == [(4, 30)]
        assert {row.verdict for row in found} == {Completeness.COMPLETE}

    async def test_a_tail_that_failed_is_read_again_from_where_all_was_known(self, logged: Office) -> None:
        """Not from its own beginning, which the vendor may have forgotten by then."""
        ledger(logged).activity_sources = (replace(DRIVE, retention=timedelta(days=30)),)
        case = await planned(logged)
        for days, fault in ((0, None), (1, None), (7, Denied("scope")), (30, None)):
            logged.clock.at = logged.context.case(case.id).due_at + timedelta(days=days, hours=1)
            ledger(logged).fault = lambda *_, fault=fault: fault
            for _ in range(2):
                await collect(logged.context, case.id, seconds=60)
        assert [row.reason for row in passes(logged, case)] == [None, None, "denied", None]

    async def test_that_look_takes_nothing_back(self, logged: Office) -> None:
        """It fails, and is tried again with the next look: what had been read whole is known as before."""
        ledger(logged).happened("g1", FIFTY)
        case = await planned(logged)
        seen: list[tuple[bool, Completeness | None]] = []
        for days in (0, 7, 30):
            logged.clock.at = logged.context.case(case.id).due_at + timedelta(days=days, hours=3)
            known = passes(logged, case)

            def refused(*_: object, days: int = days) -> ConnectorError | None:
                running = [row for row in passes(logged, case) if row.ended_at is None]
                return Unintelligible("gone") if days == 7 and running[-1].again else None

            ledger(logged).fault = refused
            await collect(logged.context, case.id, seconds=60)
            await collect(logged.context, case.id, seconds=60)
            seen += [(row.again, row.verdict) for row in passes(logged, case)[len(known) :]]
            await collecting.conclude(logged.context, case.id)
            assert show(logged.context, case.id)["downloads"]["state"] == "collected"
        whole, partial = Completeness.COMPLETE, Completeness.NOT_AVAILABLE
        assert seen == [(False, whole), (False, whole), (True, partial), (False, whole), (True, whole)]

    async def test_what_is_forgotten_by_then_takes_nothing_back(self, logged: Office) -> None:
        """A log that was read whole in time is not called forgotten because it is read again when its beginning is gone."""
        ledger(logged).activity_sources = (replace(DRIVE, retention=timedelta(days=60)),)
        case = await planned(logged)
        for days in (0, 7, 30):
            logged.clock.at = logged.context.case(case.id).due_at + timedelta(days=days, hours=3)
            for _ in range(2):
                await collect(logged.context, case.id, seconds=60)
        found = passes(logged, case)
        assert {row.verdict for row in found} == {Completeness.COMPLETE}
        (again,) = [row for row in found if row.again]
        assert again.from_at > found[0].from_at

    async def test_that_look_is_taken_again_when_it_failed(self, logged: Office) -> None:
        """A day later, a few times, whether or not another look is due by then."""
        case = await late_look_refused(logged)
        for _ in range(14):
            logged.clock.pass_by(hours=13)
            await read(logged, case)
        late = [row for row in passes(logged, case) if row.again]
        assert [row.verdict for row in late] == [Completeness.NOT_AVAILABLE] * 5
        assert all(b.begun_at - a.begun_at >= timedelta(days=1) for a, b in pairwise(late))

    async def test_that_look_is_not_taken_again_for_what_is_lacking_for_good(self, logged: Office) -> None:
        ledger(logged).gaps = (UnreadSpan("name_reused", "another's"),)
        case, _ = await cut(logged)
        for _ in range(14):
            logged.clock.pass_by(days=1)
            await read(logged, case)
        assert sum(row.again for row in passes(logged, case)) == 1

    async def test_that_look_heals(self, logged: Office) -> None:
        case = await late_look_refused(logged)
        assert (await read(logged, case))["downloads"]["counted"][0]["records"] == 0
        ledger(logged).fault = lambda _number, _cursor: None
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["counted"][0]["records"] == 1
        logged.clock.pass_by(days=2)
        await read(logged, case)
        assert sum(row.again for row in passes(logged, case)) == 2

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


class TestSealed:
    """What a pass says is sealed when it ends, and what it is from its beginning on."""

    async def test_what_the_table_holds_beside_the_statement_counts_for_nothing(self, logged: Office) -> None:
        case, effective_by = await cut(logged)
        kept_from = effective_by + timedelta(hours=10)
        ledger(logged).gaps = (UnreadSpan("retention", "kept a day", effective_by - timedelta(days=60), kept_from),)
        logged.clock.pass_by(hours=25)
        before = (await read(logged, case))["downloads"]
        assert before["silence"][0]["state"] == "not_read"
        with logged.context.store.write() as session:
            session.execute(text("UPDATE activity_collection SET gaps = '[]'"))
        assert logged.context.evidence is not None
        summarise(logged.context, case.id, logged.context.evidence)
        after = show(logged.context, case.id)["downloads"]
        assert {k: v for k, v in after.items() if k not in {"made_at", "summary_sha256"}} == {
            k: v for k, v in before.items() if k not in {"made_at", "summary_sha256"}
        }

    async def test_which_look_it_is_from_its_beginning_on(self, logged: Office) -> None:
        """The record and the page say the same of one that is under way, and whoever changes it is noticed."""
        case, effective_by = await cut(logged)
        await read(logged, case)
        logged.clock.pass_by(days=8)
        log, waits = ledger(logged), ActivityPage([], "0", (), wait=timedelta(hours=1))
        log.fault = lambda number, _: (
            waits if log.asked[number - 1][1].from_at < effective_by - timedelta(days=10) else None
        )
        shown = (await read(logged, case))["downloads"]
        assert passes(logged, case)[-1].again
        told = read_record(record_of(logged.context, case.id)).view.downloads
        assert (told.state, shown["state"]) == ("collected", "collected")
        with logged.context.store.write() as session:
            assert not [*differences(session, case.id)]
            session.execute(text("UPDATE activity_collection SET again = NOT again WHERE ended_at IS NULL"))
            assert "again" in str([*map(str, differences(session, case.id))])
            session.execute(text("UPDATE activity_collection SET again = 1"))
        logged.clock.pass_by(days=31)
        await read(logged, case)  # and nothing stops

    async def test_of_a_look_that_an_earlier_version_began(
        self, logged: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It told nothing of which look it is until its end: nobody is called a forger for that."""
        begun = tuple(column for column in changes._BEGUN if column != "again")
        with monkeypatch.context() as earlier:
            earlier.setattr(changes, "_BEGUN", begun)
            case, effective_by = await cut(logged)
            await read(logged, case)
            logged.clock.pass_by(days=8)
            log, waits = ledger(logged), ActivityPage([], "0", (), wait=timedelta(hours=1))
            log.fault = lambda number, _: (
                waits if log.asked[number - 1][1].from_at < effective_by - timedelta(days=10) else None
            )
            await read(logged, case)
        assert passes(logged, case)[-1].again
        with logged.context.store.read() as session:
            assert not [*differences(session, case.id)]
        log.fault = lambda _number, _cursor: None
        logged.clock.pass_by(hours=2)
        await read(logged, case)
        with logged.context.store.write() as session:
            assert not [*differences(session, case.id)]
            session.execute(text("UPDATE activity_collection SET again = NOT again"))
            assert "again" in str([*map(str, differences(session, case.id))])
