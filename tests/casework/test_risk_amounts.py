"""Sizes, views, marked files and slow growth: each reason with its figures, and none for what is as it always was."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from casework.activity.change_point import rise_in
from casework.activity.comparison import Comparison
from casework.activity.risk import reasons_of, verdict_of
from casework.activity.tally import Tally
from casework.policy import ActivityPolicy as Rules
from models.vocabulary import ActivityKind as K
from tests.casework.leavers import (
    ALL,
    BEFORE,
    END,
    NOTICE_ON,
    TOKYO,
    WINDOW,
    acts,
    reasons,
    weekdays,
    work,
)
from tests.casework.ledger import Ledger


class TestSizes:
    def test_one_file(self) -> None:
        """One file many times as large as any before is told, with its day."""
        usual = acts(K.DOWNLOAD, BEFORE, size=300_000_000)
        found = reasons([*usual, *acts(K.DOWNLOAD, [WINDOW[4]], size=40_000_000_000)])
        assert next(iter(found)) == "huge_file"
        assert found["huge_file"].figures == {"megabytes": 40_000, "before": 300, "days": 149, "on": str(WINDOW[4])}

    def test_of_a_newcomer(self) -> None:
        """In three weeks nobody has taken all that the work brings: of the first large file, or marked ones, nobody can say whether it is usual."""
        weeks = weekdays(date(2026, 10, 10), NOTICE_ON - timedelta(days=1))
        rare = [*acts(K.DOWNLOAD, WINDOW[:1], size=3_000_000_000), *acts(K.DOWNLOAD, WINDOW[:5], 2, title="極秘")]
        found = reasons([*work([*weeks, *WINDOW]), *rare])
        assert (list(found), verdict_of([*found.values()])) == (["too_short"], "cannot_say")
        assert found["too_short"].figures == {"marked": 10, "shares": 0, "megabytes": 3_000, "days": 21, "window": 31}
        assert reasons(work([*weeks, *WINDOW])) == {}

    @pytest.mark.parametrize(("before", "now"), [(20_000_000, 900_000_000), (3_000_000_000, 8_000_000_000)])
    def test_recordings(self, before: int, now: int) -> None:
        """A recording below a gigabyte, or twice as large as such files used to be, is not."""
        assert reasons([*acts(K.DOWNLOAD, BEFORE, size=before), *acts(K.DOWNLOAD, WINDOW[:1], size=now)]) == {}

    def test_that_no_file_has(self) -> None:
        """A record may say anything: bytes that no file has, or less than none, count as not said."""
        odd = [
            raw
            for size in (10**30, -(10**12))
            for kind in (K.DOWNLOAD, K.TOKEN_USE)
            for raw in acts(kind, WINDOW[:1], size=size)
        ]
        assert reasons([*work(), *odd]) == {}

    def test_in_all(self) -> None:
        """Bytes are told where as many files as usual are much larger."""
        usual = acts(K.DOWNLOAD, BEFORE, 10, size=5_000_000)
        found = reasons([*usual, *acts(K.DOWNLOAD, WINDOW, 10, size=900_000_000)])
        assert list(found) == ["bytes"]
        assert found["bytes"].figures["megabytes"] == len(WINDOW) * 9_000

    def test_with_the_work(self) -> None:
        """Larger files while four times as much is made may be a new task."""
        usual = [*acts(K.DOWNLOAD, BEFORE, 10, size=5_000_000), *acts(K.EDIT, BEFORE, 10)]
        assert reasons([*usual, *acts(K.DOWNLOAD, WINDOW, 10, size=45_000_000), *acts(K.EDIT, WINDOW, 40)]) == {}


class TestSyncs:
    def test_are_told_apart(self) -> None:
        """Where most was fetched by a sync client, and no log names a computer, the sentence says how much."""
        found = reasons([*work(), *acts(K.SYNC, WINDOW[:2], 2_000, by_program=True)])["volume"]
        assert "4,000 of them were fetched by a sync client" in found.said.en


class TestViews:
    def test_reading_on_the_screen(self) -> None:
        """Hundreds of different files a day on the screen are told, without a single download."""
        found = reasons([*work(), *acts(K.VIEW, BEFORE, 10), *acts(K.VIEW, WINDOW[:10], 300)])
        assert list(found) == ["views"]
        assert (found["views"].figures["views"], found["views"].figures["peak"]) == (3_000, 300)

    def test_the_same_file_again(self) -> None:
        """One file that is opened all day is one."""
        assert (
            reasons([*work(), *acts(K.VIEW, BEFORE, 10), *acts(K.VIEW, WINDOW[:10], 300, object_id="dashboard")]) == {}
        )


class TestMarked:
    def test_few(self) -> None:
        """Ten marked files among usual days, of somebody who had none, are enough."""
        assert list(reasons([*work(), *acts(K.DOWNLOAD, WINDOW[:5], 2, title="【極秘】配合表")])) == ["marked"]

    def test_one_file_again_and_again(self) -> None:
        """One marked file that is opened every day is one file."""
        assert reasons([*work(), *acts(K.DOWNLOAD, WINDOW, title="極秘 計画", object_id="plan")]) == {}

    def test_more_of_everything(self) -> None:
        """Who takes more of all has more marked ones among them: these are no reason of their own."""
        usual = [*acts(K.DOWNLOAD, BEFORE, 9), *acts(K.DOWNLOAD, BEFORE, 1, title="極秘")]
        more = [*acts(K.DOWNLOAD, WINDOW, 36), *acts(K.DOWNLOAD, WINDOW, 4, title="極秘")]
        assert "marked" not in reasons([*usual, *more])

    def test_a_mark_that_is_new(self) -> None:
        """Who always works with what is for the company alone is told of by what is secret."""
        usual = acts(K.DOWNLOAD, ALL, 6, title="社外秘_台帳")
        found = reasons([*work(), *usual, *acts(K.DOWNLOAD, WINDOW[:5], 4, title="極秘 配合表")])
        assert list(found) == ["marked"]
        assert (found["marked"].figures["marked"], found["marked"].figures["before"]) == (20, 0)
        assert "極秘" in found["marked"].said.en

    def test_a_little_denser(self) -> None:
        """Thirteen marked ones of a hundred instead of ten, of four times as many, are no reason of their own, however many they are."""
        usual = [*acts(K.DOWNLOAD, BEFORE, 90), *acts(K.DOWNLOAD, BEFORE, 10, title="極秘")]
        more = [*acts(K.DOWNLOAD, WINDOW, 348), *acts(K.DOWNLOAD, WINDOW, 52, title="極秘")]
        assert "marked" not in reasons([*usual, *more])

    def test_chance(self) -> None:
        """Five in a month, after one a month, happen by chance."""
        usual = acts(K.DOWNLOAD, BEFORE[::21], title="極秘")
        assert reasons([*work(), *usual, *acts(K.DOWNLOAD, WINDOW[:5], title="極秘")]) == {}


class TestMarks:
    @pytest.mark.parametrize(
        "title", ["秘匿化済_集計.csv", "営業秘密研修_受講者用.pdf", "営業秘密管理規程.docx", "取扱注意事項_掃除機.pdf"]
    )
    def test_that_are_none(self, title: str) -> None:
        assert reasons([*work(), *acts(K.DOWNLOAD, WINDOW[:6], 5, title=title)]) == {}

    def test_of_one_file_that_was_labelled_in_between(self) -> None:
        """Three files are three, whatever marks they bear one after the other."""
        three = [
            raw
            for n in range(3)
            for mark in ("社外秘", "極秘")
            for raw in acts(K.DOWNLOAD, WINDOW[:2], title=mark, object_id=f"plan-{n}")
        ]
        assert "marked" not in reasons([*work(), *three])


class TestGrowth:
    SINCE = date(2026, 9, 1)

    def test_slow(self) -> None:
        """Three times as much every day for months, in working hours: found, and since about when, though no day stands out."""
        found = reasons([*work(), *acts(K.DOWNLOAD, weekdays(self.SINCE), 40)])
        assert list(found) == ["growth"]
        figures = found["growth"].figures
        assert (figures["since_on"], figures["now"], figures["before"]) == ("2026-09-01", 60, 20)
        assert "Uploads, edits and mail were 1.0 times those before" in found["growth"].said.en
        assert figures["excess"] == 40 * len(weekdays(self.SINCE))

    def test_less_than_twice(self) -> None:
        """Four fifths more than before, for months, is how work goes."""
        assert reasons([*work(), *acts(K.DOWNLOAD, weekdays(self.SINCE), 17)]) == {}

    def test_with_the_work(self) -> None:
        """Where twice as much is made as well, it may be a new task: nobody is accused, and it is said."""
        grown = weekdays(self.SINCE)
        found = reasons([*work(), *acts(K.DOWNLOAD, grown, 40), *acts(K.EDIT, grown, 10)])
        assert list(found) == ["more_work"]
        assert verdict_of(list(found.values())) == "cannot_say"

    def test_nothing_else_is_told(self) -> None:
        """Where the logs do not tell of the work, nobody says that it did not grow."""
        found = reasons([*acts(K.DOWNLOAD, ALL, 20), *acts(K.DOWNLOAD, weekdays(self.SINCE), 40)])
        assert list(found) == ["growth_unclear"]
        assert verdict_of(list(found.values())) == "cannot_say"
        assert "growth" in reasons([*acts(K.DOWNLOAD, ALL, 20), *acts(K.DOWNLOAD, weekdays(self.SINCE), 80)])

    def test_ten_times_is_no_task(self) -> None:
        """No amount of work explains ten times the usual."""
        grown = weekdays(self.SINCE)
        assert "growth" in reasons([*work(), *acts(K.DOWNLOAD, grown, 240), *acts(K.EDIT, grown, 90)])

    def test_a_hoard_in_three_months_is_no_habit(self) -> None:
        """Great days in three months of the calendar, all within the two months before the notice, are not how somebody always worked."""
        notice_on, nights = date(2026, 11, 16), [date(2026, 9, 18), date(2026, 10, 7), date(2026, 11, 4)]
        tally = Tally(TOKYO, notice_on, END, Rules())
        for raw in [*work(weekdays(date(2026, 8, 3))), *acts(K.DOWNLOAD, nights, 2_000)]:
            tally.add("drive", "paper", Ledger().describe("drive", raw))
        words = [reason.reason for reason in reasons_of(Comparison(tally, {"drive": date(2026, 8, 3)}))]
        assert words == ["days_before"]

    def test_a_great_day_of_somebody_who_takes_much(self) -> None:
        """A day months ago with as much as nine usual weeks is told; one with as much as five is not: in months such days come."""
        much = acts(K.DOWNLOAD, ALL, 100)
        five, nine = ([*acts(K.DOWNLOAD, [BEFORE[30]], 5 * 100 * weeks)] for weeks in (5, 9))
        told = list(much)
        assert reasons([*told, *five]) == {}
        assert list(reasons([*told, *nine])) == ["days_before"]

    def test_a_great_day_in_the_window_of_somebody_who_takes_much(self) -> None:
        """A day with a third more than a usual week has is none of what nobody could explain."""
        day = [raw for hour in (9, 11, 13, 15) for raw in acts(K.DOWNLOAD, [WINDOW[5]], 325, hour=hour)]
        assert reasons([*acts(K.DOWNLOAD, ALL, 200), *day]) == {}

    def test_a_hoard_in_some_months_is_no_habit(self) -> None:
        """Whoever closes the books has such a day in each month but one; three of five are none of that."""
        nights = [date(2026, 6, 24), date(2026, 7, 15), date(2026, 8, 17)]
        assert "days_before" in reasons([*work(), *acts(K.DOWNLOAD, nights, 2_000)])
        closing = [*nights, date(2026, 9, 30)]
        assert reasons([*work(), *acts(K.DOWNLOAD, closing, 2_000)]) == {}

    def test_as_in_an_earlier_month(self) -> None:
        """A window like a whole month of some time ago is not unusual."""
        july = [day for day in BEFORE if day.month == 7]
        assert (
            reasons([*acts(K.DOWNLOAD, BEFORE, 5), *acts(K.DOWNLOAD, july, 90), *acts(K.DOWNLOAD, WINDOW[:20], 90)])
            == {}
        )


class TestRise:
    def test_step(self) -> None:
        """The first value of the higher level is the one."""
        assert rise_in([3.0, 4, 5, 4] * 10 + [9.0, 8, 9, 10] * 10) == 40

    def test_holidays_after_it(self) -> None:
        """Days off soon after the rise do not move it to where they end."""
        assert rise_in([4.0] * 60 + [20.0] * 10 + [0.0] * 8 + [20.0] * 40) == 60

    @pytest.mark.parametrize("values", [[5.0] * 80, [3.0, 4, 5, 4] * 20, [9.0, 8] * 20 + [3.0, 4] * 20, [1.0, 9] * 5])
    def test_none(self, values: list[float]) -> None:
        """Nothing, what only goes up and down, a fall, and what is too short are no rise."""
        assert rise_in(values) is None

    def test_few_days_outside_are_no_level(self) -> None:
        """Some great days do not make a level."""
        values = [10.0 + n % 5 for n in range(120)]
        values[100:104] = [4_000.0] * 4
        assert rise_in(values) is None
