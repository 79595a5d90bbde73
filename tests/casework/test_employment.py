"""What HR's notices say of the days on which somebody was at work."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from casework import runbook
from casework.access import restore
from casework.activity import collecting
from casework.activity.collecting import collect
from casework.intake.csv_file import read_csv
from casework.intake.employment import Employment, employment_of
from casework.intake.moving import withdraw
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from models.tables import Case
from tests.casework.conftest import Office
from tests.casework.leavers import steady
from tests.casework.ledger import Ledger
from tests.casework.shown import show


def leave(office: Office, *, company: str = "default", **fields: str) -> Case:
    """Report a leave of absence whose last day at work is 10 June."""
    given = {
        "employee_no": "E1",
        "name": "星 空子",
        "email": "e1@example.test",
        "employment_ends_on": "2026-06-10",
        "kind": "leave",
    }
    reading = read_options(**(given | fields))
    intake = open_cases(office.context, reading, reported_by="hr", company=company, for_real=True, leave=True)
    return intake.opened[0].case


def said(office: Office, case: Case) -> Employment:
    with office.context.store.read() as session:
        return employment_of(session, case)


class TestLeave:
    def test_until_the_day_of_the_return(self, office: Office) -> None:
        """A leave lasts from the day after the last one at work to the day before the return was noted, in the person's time."""
        office.clock.at = datetime(2026, 6, 1, tzinfo=UTC)
        away = leave(office)
        office.clock.at = datetime(2026, 8, 31, 20, tzinfo=UTC)
        restore.request_return(office.context, away.id, by="hr")
        office.clock.at = datetime(2026, 11, 20, tzinfo=UTC)
        known = said(office, office.report())
        assert known.leaves == ((date(2026, 6, 11), date(2026, 8, 31)),)
        assert [known.is_at_work(date(2026, *day)) for day in ((6, 10), (6, 11), (8, 31), (9, 1))] == [
            True,
            False,
            False,
            True,
        ]

    def test_without_a_return(self, office: Office) -> None:
        """Of a leave whose end nobody noted no days are left out by HR's word: the logs show when the person was back."""
        office.clock.at = datetime(2026, 6, 1, tzinfo=UTC)
        leave(office)
        office.clock.at = datetime(2026, 11, 20, tzinfo=UTC)
        assert said(office, office.report()) == Employment()

    def test_withdrawn(self, office: Office) -> None:
        """A leave that HR took back was none, though its return had been noted."""
        office.clock.at = datetime(2026, 6, 1, tzinfo=UTC)
        away = leave(office)
        office.clock.at = datetime(2026, 6, 8, tzinfo=UTC)
        restore.request_return(office.context, away.id, by="hr")
        withdraw(office.context, away.id, by="hr", reason="did not go")
        office.clock.at = datetime(2026, 11, 20, tzinfo=UTC)
        assert said(office, office.report()).leaves == ()

    def test_in_another_company(self, office: Office) -> None:
        """Whoever has the same number and name in another company is somebody else."""
        office.clock.at = datetime(2026, 6, 1, tzinfo=UTC)
        away = leave(office, company="subsidiary")
        office.clock.at = datetime(2026, 9, 1, tzinfo=UTC)
        restore.request_return(office.context, away.id, by="hr")
        office.clock.at = datetime(2026, 11, 20, tzinfo=UTC)
        assert said(office, office.report()).leaves == ()

    async def test_of_somebody_else(self, office: Office) -> None:
        """Another person who had the number before was on leave, not the leaver."""
        office.clock.at = datetime(2026, 6, 1, tzinfo=UTC)
        away = leave(office, name="月 影子", email="e9@example.test")
        restore.request_return(office.context, away.id, by="hr")
        await restore.restore(office.context, away.id)
        office.clock.at = datetime(2026, 11, 20, tzinfo=UTC)
        assert said(office, office.report()).leaves == ()


class TestEntry:
    @pytest.mark.parametrize(("text", "day"), [("2026年9月14日", date(2026, 9, 14)), ("", None), ("いつか", None)])
    def test_as_the_notice_has_it(self, office: Office, text: str, day: date | None) -> None:
        """The day of entry stands in a column of HR's own; one that cannot be read is none."""
        notice = (
            f"社員番号,氏名,メールアドレス,退職日,区分,入社日\nE1,星 空子,e1@example.test,2026-11-30,自己都合,{text}\n"
        )
        intake = open_cases(office.context, read_csv(notice.encode()), reported_by="hr", for_real=True)
        known = said(office, intake.opened[0].case)
        assert known.joined_on == day
        assert known.is_at_work(date(2026, 9, 13)) is (day is None)

    def test_newest_notice_counts(self, office: Office) -> None:
        """Where HR corrected the day of entry, the corrected one is the one."""
        head = "社員番号,氏名,メールアドレス,退職日,区分,入社日\nE1,星 空子,e1@example.test,2026-11-30,自己都合,"
        for text in ("2026-09-14", "2020-04-01"):
            intake = open_cases(office.context, read_csv(f"{head}{text}\n".encode()), reported_by="hr", for_real=True)
            assert not intake.refused
        assert said(office, intake.opened[0].case).joined_on == date(2020, 4, 1)


class TestSummary:
    async def test_leaves_the_days_out(self, logged: Office) -> None:
        """The days of a leave that HR noted are not compared with, and the summary says how many they are."""
        logged.clock.at = datetime(2026, 6, 1, tzinfo=UTC)
        away = leave(logged, employment_ends_on="2026-06-30")
        logged.clock.at = datetime(2026, 8, 1, tzinfo=UTC)
        restore.request_return(logged.context, away.id, by="hr")
        logged.clock.at = datetime(2026, 11, 30, 22, tzinfo=UTC)
        assert isinstance(logged.paper, Ledger)
        logged.paper.page_size = 1000
        logged.paper.happened("g1", steady(20))
        case = logged.report()
        await runbook.make_plan(logged.context, case.id)
        await collect(logged.context, case.id, seconds=600)
        await collecting.conclude(logged.context, case.id)
        baseline = show(logged.context, case.id)["downloads"]["baseline"]
        assert baseline["left_out"] == 31
        assert baseline["days"] + 31 == 149
