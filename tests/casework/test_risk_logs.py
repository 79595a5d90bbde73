"""Several logs: what is said of all together, and of those of each reach alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from casework.activity.reason import Reason
from casework.activity.risk import verdict_of
from casework.intake.employment import Employment
from models.vocabulary import ActivityKind as K
from tests.casework.leavers import (
    ALL,
    BEFORE,
    FIRST,
    NOTICE_ON,
    WINDOW,
    Raw,
    acts,
    of_logs,
    of_two_logs,
    reasons,
    weekdays,
    work,
)


class TestTwoLogs:
    """What goes on as it always was is no reason, however far back each log reaches."""

    RECENT = weekdays(NOTICE_ON - timedelta(days=25))

    @pytest.mark.parametrize(
        "short",
        [
            acts(K.VIEW, RECENT, 60), acts(K.DOWNLOAD, RECENT, 60), acts(K.DOWNLOAD, RECENT, 20, size=400_000_000),
            acts(K.DOWNLOAD, RECENT, 60, by_program=True), acts(K.FORWARD, RECENT[::5], target="box@elsewhere.test"),
            acts(K.EXTERNAL_SHARE, RECENT[::3], target="buyer@customer.test"), acts(K.DOWNLOAD, RECENT[::2], title="社外秘"),
        ],
        ids=["views", "downloads", "bytes", "programs", "forwards", "shares", "marked"],
    )  # fmt: skip
    def test_the_same_every_day(self, short: Iterable[Raw]) -> None:
        found = of_two_logs(work(), short)
        assert verdict_of([*found.values()]) != "unusual"

    @pytest.mark.parametrize(
        "habit",
        [
            acts(K.FORWARD, ALL[::20], target="box@elsewhere.test"), acts(K.TAKEOUT, ALL[::20]), acts(K.DOWNLOAD, ALL[::20], 1_500),
            acts(K.SEND, ALL[::20], target="sora@private.test"),
        ],
        ids=["forwards", "exports", "volume", "own addresses"],
    )  # fmt: skip
    def test_of_which_a_short_one_hides_no_habit_of_the_long_one(self, habit: Iterable[Raw]) -> None:
        found = of_two_logs([*work(), *habit], acts(K.EDIT, self.RECENT, 3))
        assert verdict_of([*found.values()]) != "unusual"

    def test_of_which_a_short_one_clears_nobody(self) -> None:
        """What the long log shows is told by its own days."""
        leak = [
            *acts(K.EXTERNAL_SHARE, WINDOW[-3:], 20, target="buyer@rival.test"),
            *acts(K.DOWNLOAD, WINDOW[-3:], 14, title="極秘"),
        ]
        assert {"shares", "marked"} <= of_two_logs([*work(), *leak], acts(K.EDIT, self.RECENT[:1])).keys()

    def test_what_is_more_is_still_told(self) -> None:
        short = [*acts(K.VIEW, self.RECENT, 60), *acts(K.VIEW, WINDOW[-3:], 1_500)]
        assert "views" in of_two_logs(work(), short)

    @pytest.mark.parametrize(
        "short",
        [
            acts(K.VIEW, WINDOW[-8:], 1_500), acts(K.SEND, WINDOW[-2:], 25, target="sora@private.test"),
            acts(K.DELEGATE, WINDOW[:1], target="who@elsewhere.test"),
        ],
        ids=["views", "own addresses", "delegates"],
    )  # fmt: skip
    def test_of_which_one_has_nothing_to_compare_with(self, short: Iterable[Raw]) -> None:
        """It shows nothing as unusual, and nobody as clean."""
        found = of_two_logs(work(), short, short_from=NOTICE_ON - timedelta(days=9))
        assert (list(found), verdict_of([*found.values()])) == (["no_baseline"], "cannot_say")


class TestTogether:
    """What accuses by its amount counts in all logs together, and what a log shows of the person speaks for what another shows."""

    FROM = NOTICE_ON - timedelta(days=60)
    SHORT = weekdays(FROM, NOTICE_ON - timedelta(days=1))

    def told(self, long: Iterable[Raw], short: Iterable[Raw]) -> dict[str, Reason]:
        return of_two_logs(long, short, short_from=self.FROM)

    def test_a_leak_in_two_parts(self) -> None:
        """Each part stays under the threshold."""
        leak = [[*acts(K.DOWNLOAD, WINDOW[:20], 47)] for _ in range(2)]
        long = [*acts(K.DOWNLOAD, BEFORE, 2), *acts(K.EDIT, ALL, 5), *leak[0]]
        short = [*acts(K.DOWNLOAD, self.SHORT, 2), *acts(K.EDIT, [*self.SHORT, *WINDOW], 5), *leak[1]]
        found = self.told(long, short)
        assert {"volume", "growth"} <= found.keys()
        assert found["volume"].figures["takes"] == 1_880
        assert found["volume"].figures["expected"] == pytest.approx(89, abs=2)
        assert found["growth"].figures["before"] == 4

    @pytest.mark.parametrize(
        ("word", "leak"),
        [
            ("marked", {"kind": K.DOWNLOAD, "a_day": 4, "title": "極秘"}), ("shares", {"kind": K.EXTERNAL_SHARE, "a_day": 2, "target": "buyer@rival.test"}),
            ("views", {"kind": K.VIEW, "a_day": 800}), ("bytes", {"kind": K.DOWNLOAD, "a_day": 4, "size": 900_000_000}),
            ("new_programs", {"kind": K.DOWNLOAD, "a_day": 280, "by_program": True}),
        ],
    )  # fmt: skip
    def test_rare_things_in_two_parts(self, word: str, leak: dict[str, Any]) -> None:
        days = [*self.SHORT, *WINDOW]
        found = self.told(
            [*work(), *acts(days=WINDOW[-1:], **leak)], [*acts(K.EDIT, days, 3), *acts(days=WINDOW[-1:], **leak)]
        )
        assert word in found

    @pytest.mark.parametrize(
        "leak", [{"kind": K.DOWNLOAD, "a_day": 3, "title": "極秘"}, {"kind": K.EXTERNAL_SHARE, "a_day": 2}]
    )
    def test_rare_things_in_a_log_that_is_too_short(self, leak: dict[str, Any]) -> None:
        """With what such a log adds nobody can say; what the long one shows alone is told by its own days."""
        short = [*acts(K.EDIT, ALL[-45:], 3), *acts(days=WINDOW[-1:], **leak)]
        found = of_two_logs([*work(), *acts(days=WINDOW[-1:], **leak)], short)
        assert list(found) == ["too_short"]
        assert {6, 4} & {found["too_short"].figures["marked"], found["too_short"].figures["shares"]}

    def test_rare_things_that_the_long_log_always_showed(self) -> None:
        """One more, in a log that is too short, says nothing of them."""
        habit = acts(K.EXTERNAL_SHARE, ALL, 2, target="a@customer.test")
        short = [*acts(K.EDIT, ALL[-45:], 3), *acts(K.EXTERNAL_SHARE, WINDOW[:1], target="a@customer.test")]
        assert of_two_logs([*work(), *habit], short) == {}

    def test_a_computer_that_another_log_knows(self) -> None:
        phone = acts(K.DOWNLOAD, self.SHORT, 2, device="phone")
        long = [*acts(K.DOWNLOAD, ALL, 20, device="pc-1"), *acts(K.EDIT, ALL, 10)]
        assert self.told(long, [*phone, *acts(K.DOWNLOAD, WINDOW[:8], 70, device="pc-1")]) == {}

    def test_a_computer_that_a_log_without_enough_days_knows(self) -> None:
        seen = acts(K.VIEW, BEFORE[-3:], device="pc-2")
        long = [
            *acts(K.DOWNLOAD, [*BEFORE, *WINDOW[:8]], 20, device="pc-1"),
            *acts(K.DOWNLOAD, WINDOW[8:], 20, device="pc-2"),
        ]
        assert of_two_logs(long, seen, short_from=NOTICE_ON - timedelta(days=9)) == {}

    def test_hours_that_another_log_knows(self) -> None:
        long = [*acts(K.DOWNLOAD, ALL, 40, hour=21), *acts(K.EDIT, ALL, 20, hour=21)]
        short = [*acts(K.DOWNLOAD, self.SHORT, 12, hour=10), *acts(K.DOWNLOAD, WINDOW, 30, hour=21)]
        assert self.told(long, short) == {}

    @pytest.mark.parametrize("made_in_the_long_one", [True, False])
    def test_work_that_another_log_shows(self, made_in_the_long_one: bool) -> None:
        """What is taken in one log grows with what is made in the other."""
        days = [BEFORE, self.SHORT] if made_in_the_long_one else [self.SHORT, BEFORE]
        made = [*acts(K.EDIT, days[0], 10), *acts(K.EDIT, WINDOW, 40)]
        taken = [*acts(K.DOWNLOAD, days[1], 15), *acts(K.DOWNLOAD, WINDOW, 60)]
        assert list(self.told(made, taken) if made_in_the_long_one else self.told(taken, made)) == ["more_work"]

    def test_work_that_only_began_to_be_logged(self) -> None:
        """What a log shows that begins later is no more work than before."""
        long = [*acts(K.DOWNLOAD, BEFORE, 15), *acts(K.EDIT, ALL, 10), *acts(K.DOWNLOAD, WINDOW, 80)]
        assert "volume" in self.told(long, acts(K.EDIT, [*self.SHORT, *WINDOW], 30))

    def test_work_of_before_a_log_began(self) -> None:
        """Great days of then are explained by the log that shows them, and not refuted by one that does not."""
        great = [*acts(K.DOWNLOAD, BEFORE[20:28], 300), *acts(K.EDIT, BEFORE[20:28], 50)]
        long = [*acts(K.DOWNLOAD, ALL, 50), *acts(K.EDIT, ALL, 10), *great]
        assert list(self.told(long, acts(K.EDIT, [*self.SHORT, *WINDOW], 30))) == ["more_work"]

    def test_as_much_as_the_other_log_showed_once(self) -> None:
        """What came to more in a stretch of either log's days is no unusual amount."""
        begins = NOTICE_ON - timedelta(days=120)
        short = [*acts(K.DOWNLOAD, weekdays(begins)[5:6], 3_000), *acts(K.DOWNLOAD, WINDOW[5:6], 2_700)]
        found = of_two_logs([*acts(K.DOWNLOAD, ALL), *acts(K.EDIT, ALL, 10)], short, short_from=begins)
        assert "volume" not in found

    def test_days_of_the_log_that_shows_it(self) -> None:
        """A sentence names the days of a log that shows what is told."""
        short = [*acts(K.DOWNLOAD, [*self.SHORT, *WINDOW], 20), *acts(K.DOWNLOAD, WINDOW[:3], 900)]
        assert self.told(acts(K.EDIT, ALL, 10), short)["volume"].figures["baseline_days"] == 60

    def test_the_most_work_is_said(self) -> None:
        """Of several amounts that a new task explains the greatest is told."""
        made = [*acts(K.EDIT, BEFORE, 10), *acts(K.EDIT, WINDOW, 60)]
        views = [*acts(K.VIEW, BEFORE, 30), *acts(K.VIEW, WINDOW, 240)]
        found = reasons([*made, *views, *acts(K.DOWNLOAD, BEFORE, 15), *acts(K.DOWNLOAD, WINDOW, 100)])
        assert list(found) == ["more_work"]
        assert found["more_work"].figures["takes"] == 240 * len(WINDOW)

    def test_own_addresses_of_both(self) -> None:
        """One share in the one log, 315 mails in the other: 316 are told, by both kinds."""
        share = acts(K.EXTERNAL_SHARE, WINDOW[:1], target="sora@private.test")
        mail = [
            *acts(K.SEND, self.SHORT, 2, target="c@customer.test"),
            *acts(K.SEND, WINDOW, 15, target="sora@private.test"),
        ]
        found = self.told([*work(), *share], mail)["own_addresses"]
        assert found.figures["number"] == 1 + 15 * len(WINDOW)
        assert "shares outside, mail sent" in found.said.en

    def test_takes_of_both(self) -> None:
        long = [*acts(K.DOWNLOAD, BEFORE, 5), *acts(K.DOWNLOAD, WINDOW, 55)]
        short = [*acts(K.DOWNLOAD, self.SHORT, 20), *acts(K.DOWNLOAD, WINDOW[-3:], 9_000)]
        assert self.told(long, short)["volume"].figures["takes"] == 55 * len(WINDOW) + 27_000

    def test_exports_that_are_new(self) -> None:
        """They are not told as exports that always were made besides."""
        found = self.told([*work(), *acts(K.TAKEOUT, WINDOW[-1:])], acts(K.EDIT, [*self.SHORT, *WINDOW], 3))
        assert list(found) == ["exports"]

    def test_growth_in_a_log_that_begins_later(self) -> None:
        """What has grown in it is told by its own first days."""
        first, later = weekdays(NOTICE_ON - timedelta(days=30))[:15], weekdays(NOTICE_ON - timedelta(days=30))[15:]
        short = [*acts(K.DOWNLOAD, first, 5), *acts(K.DOWNLOAD, later, 130)]
        found = of_two_logs(acts(K.EDIT, ALL, 10), short, short_from=NOTICE_ON - timedelta(days=30))
        assert found["growth"].figures["before"] == 5

    def test_a_log_that_begins_with_quiet_weeks(self) -> None:
        """Nobody knows its level before: neither its own days nor those of both logs show a rise."""
        days = weekdays(NOTICE_ON - timedelta(days=90))
        short = [*acts(K.DOWNLOAD, days[8:], 40), *acts(K.EDIT, days, 3)]
        begins = days[0]
        assert of_two_logs([*acts(K.DOWNLOAD, ALL, 5), *acts(K.EDIT, ALL, 5)], short, short_from=begins) == {}

    @pytest.mark.parametrize("a_day", [0, 5])
    def test_a_monthly_habit_that_a_longer_log_does_not_show(self, a_day: int) -> None:
        """The months of the log that shows the great days count, whatever other log reaches further back."""
        begins = date(2026, 8, 1)
        closing = [max(day for day in ALL if day.month == month and day.day <= 25) for month in (8, 9, 10, 11)]
        short = [*acts(K.DOWNLOAD, weekdays(begins), 20), *acts(K.DOWNLOAD, closing, 1_200)]
        long = [*acts(K.SEND, ALL, 10, target="c@customer.test"), *acts(K.DOWNLOAD, ALL, a_day)]
        assert of_two_logs(long, short, short_from=begins) == {}

    @pytest.mark.parametrize(
        ("begins", "notice_on"),
        [
            (date(2026, 8, 18), date(2026, 11, 2)),
            (date(2026, 8, 20), date(2026, 11, 10)),
            (date(2026, 8, 3), date(2026, 11, 10)),
        ],
    )
    def test_a_monthly_habit_from_the_log_s_first_days(self, begins: date, notice_on: date) -> None:
        """A closing in each month of the log is a habit, also in a month that the log shows in part."""
        days = weekdays(begins, notice_on + timedelta(days=30))
        closings = [max(day for day in days if day.month == month) for month in (8, 9, 10)]
        takes = [*acts(K.DOWNLOAD, days, 10), *acts(K.DOWNLOAD, closings, 1_500), *acts(K.EDIT, days, 10)]
        assert of_logs({"drive": (takes, begins)}, notice_on=notice_on) == []

    def test_a_monthly_habit_without_one_closing(self) -> None:
        """The first month, known in part, is not another one that must have a closing."""
        begins, notice_on = date(2026, 5, 20), date(2026, 11, 2)
        days = weekdays(begins, notice_on + timedelta(days=30))
        closings = [max(day for day in days if day.month == month) for month in (6, 7, 8, 10)]
        takes = [*acts(K.DOWNLOAD, days, 10), *acts(K.DOWNLOAD, closings, 1_500), *acts(K.EDIT, days, 10)]
        assert of_logs({"drive": (takes, begins)}, notice_on=notice_on) == []

    @pytest.mark.parametrize(
        ("great", "notice_on"),
        [
            ((date(2026, 8, 31), date(2026, 9, 1), date(2026, 10, 29)), date(2026, 11, 2)),
            ((date(2026, 9, 1), date(2026, 10, 30), date(2026, 11, 2)), date(2026, 11, 4)),
        ],
    )
    def test_the_first_days_and_a_leak_are_no_habit(self, great: Sequence[date], notice_on: date) -> None:
        """Who fetched much on the first days at work, and much again shortly before the notice, has no monthly closing."""
        days = weekdays(min(great), notice_on + timedelta(days=30))
        takes = [*acts(K.DOWNLOAD, days, 10), *acts(K.DOWNLOAD, great, 1_500), *acts(K.EDIT, days, 10)]
        found = of_logs({"drive": (takes, min(great))}, notice_on=notice_on)
        assert "days_before" in {one.reason for one in found}

    def test_three_great_days_in_a_log_of_two_months(self) -> None:
        """A log that begins shortly before the notice shows no habit: three great days in it are a reason."""
        notice_on, begins = date(2026, 10, 21), date(2026, 8, 24)
        first, end = notice_on - timedelta(days=150), notice_on + timedelta(days=30)
        days = [first + timedelta(days=n) for n in range((end - first).days + 1)]
        long = [*acts(K.EDIT, days, 10), *acts(K.DOWNLOAD, days, 10)]
        great = acts(K.DOWNLOAD, [date(2026, 8, 31), date(2026, 9, 14), date(2026, 10, 1)], 1_500)
        short = [*acts(K.DOWNLOAD, [day for day in days if day >= begins], 20), *great]
        found = of_logs({"drive": (long, first), "box": (short, begins)}, notice_on=notice_on)
        assert "days_before" in {one.reason for one in found}

    def test_a_monthly_habit_in_three_logs(self) -> None:
        closing = [max(day for day in ALL if day.month == month and day.day <= 25) for month in (6, 7, 8, 9, 10, 11)]
        logs = {}
        for name, begins in (
            ("a", FIRST),
            ("b", NOTICE_ON - timedelta(days=140)),
            ("c", NOTICE_ON - timedelta(days=130)),
        ):
            days = weekdays(begins)
            takes = [*acts(K.DOWNLOAD, days, 10), *acts(K.DOWNLOAD, [day for day in closing if day >= begins], 600)]
            logs[name] = (takes, begins)
        assert of_logs(logs) == []

    def test_growth_before_another_log_begins(self) -> None:
        """It is told by the long log alone."""
        grown = [day for day in ALL if day >= self.FROM - timedelta(days=30)]
        long = [*acts(K.DOWNLOAD, ALL, 5), *acts(K.DOWNLOAD, grown, 60), *acts(K.EDIT, ALL, 10)]
        found = self.told(long, acts(K.DOWNLOAD, [*self.SHORT, *WINDOW], 20))
        assert (found["growth"].figures["before"], found["growth"].figures["now"]) == (5, 65)

    def test_a_log_that_begins_later_is_no_growth(self) -> None:
        short = acts(K.DOWNLOAD, [*self.SHORT, *WINDOW], 60)
        assert self.told([*acts(K.DOWNLOAD, ALL, 5), *acts(K.EDIT, ALL, 10)], short) == {}

    def test_leave_that_hr_noted(self) -> None:
        """It is no usual day of either log."""
        leave = Employment(leaves=((BEFORE[20], BEFORE[85]),))
        long = [day for day in ALL if not BEFORE[20] <= day < BEFORE[85]]
        short = [day for day in long if day >= self.FROM]
        found = of_two_logs(work(long), acts(K.DOWNLOAD, short, 60), short_from=self.FROM, hr=leave)
        assert found == {}

    def test_days_of_the_log_that_reaches_furthest(self) -> None:
        found = self.told([*work(), *acts(K.DOWNLOAD, WINDOW[:3], 900)], acts(K.EDIT, [*self.SHORT, *WINDOW], 3))
        assert found["volume"].figures["baseline_days"] == 149


class TestALogAlone:
    """No habit that one log shows hides what is new in another that reaches further back, and the sum's figure goes before one log's."""

    FROM = NOTICE_ON - timedelta(days=90)
    SHORT = weekdays(FROM)

    @pytest.mark.parametrize(
        ("word", "leak", "habit"),
        [
            ("own_addresses", acts(K.EXTERNAL_SHARE, WINDOW[:2], target="sora@private.test"), acts(K.SEND, SHORT[::5], target="sora@private.test")),
            ("forwards", acts(K.FORWARD, WINDOW[:1], target="x@rival.test"), acts(K.FORWARD, SHORT[::4], target="c@customer.test")),
            ("exports", acts(K.TAKEOUT, WINDOW[-1:]), acts(K.TAKEOUT, SHORT[::10])),
            ("app_passwords", acts(K.APP_PASSWORD, WINDOW[:1]), acts(K.APP_PASSWORD, SHORT[::10])),
            ("shares", acts(K.EXTERNAL_SHARE, WINDOW[:8], target="x@rival.test"), acts(K.PUBLIC_LINK, SHORT[::3])),
            ("marked", acts(K.DOWNLOAD, WINDOW[:12], title="社外秘"), acts(K.DOWNLOAD, SHORT[::2], title="社外秘")),
            ("volume", acts(K.DOWNLOAD, WINDOW, 90), acts(K.DOWNLOAD, SHORT, 60)),
            ("bytes", acts(K.DOWNLOAD, WINDOW, 6, size=50_000_000), acts(K.DOWNLOAD, SHORT, 4, size=50_000_000)),
            ("huge_file", acts(K.DOWNLOAD, WINDOW[:1], size=4_000_000_000), acts(K.DOWNLOAD, SHORT[:1], size=2_000_000_000)),
            ("views", acts(K.VIEW, WINDOW, 60), acts(K.VIEW, SHORT, 40)),
            ("new_programs", acts(K.DOWNLOAD, WINDOW, 30, by_program=True), acts(K.DOWNLOAD, SHORT, 15, by_program=True)),
            ("burst", acts(K.DOWNLOAD, WINDOW[3:4], 800), acts(K.DOWNLOAD, SHORT[10:11], 450)),
            ("off_hours", acts(K.DOWNLOAD, WINDOW[:15], 20, hour=22), acts(K.DOWNLOAD, SHORT, 150)),
        ],
    )  # fmt: skip
    def test_beside_a_habit(self, word: str, leak: Iterable[Raw], habit: Iterable[Raw]) -> None:
        habit = list(habit)
        assert word not in of_two_logs(work(), habit, short_from=self.FROM)
        told = of_two_logs([*work(), *leak], habit, short_from=self.FROM)
        assert word in told
        assert "takeout" not in told

    def test_beside_a_log_that_falls_silent(self) -> None:
        """What is no more taken from the one log does not make up for what is taken from the other."""
        quiet = [*acts(K.DOWNLOAD, BEFORE, 2), *acts(K.DOWNLOAD, WINDOW, 90), *acts(K.EDIT, ALL, 5)]
        before = [day for day in self.SHORT if day < NOTICE_ON]
        found = of_two_logs(quiet, acts(K.DOWNLOAD, before, 40), short_from=self.FROM)
        assert found["volume"].figures["takes"] == 90 * len(WINDOW)

    def test_work_at_other_hours_that_another_log_shows(self) -> None:
        """More is taken in the evening by the one log, and made in the evening by the other: another shift."""
        long = [*acts(K.DOWNLOAD, BEFORE, 20), *acts(K.DOWNLOAD, WINDOW, 35, hour=22)]
        made = [*acts(K.EDIT, self.SHORT[: -len(WINDOW)], 10), *acts(K.EDIT, WINDOW, 10, hour=22)]
        assert of_two_logs(long, made, short_from=self.FROM) == {}
        assert "off_hours" in of_two_logs(long, acts(K.EDIT, self.SHORT, 10), short_from=self.FROM)

    @pytest.mark.parametrize("a_day", [0, 1])
    def test_great_days_that_a_short_log_does_not_show(self, a_day: int) -> None:
        """What they come to in the window is expected by the days of the log that shows them; the leak is in two others."""
        long_from, short_from = NOTICE_ON - timedelta(days=120), NOTICE_ON - timedelta(days=16)
        great = [max(day for day in ALL if day.month == month and day.day <= 23) for month in (6, 7, 8, 9, 10)]
        leak = [list(acts(K.DOWNLOAD, WINDOW[3:5], 450)) for _ in range(2)]
        a = [*acts(K.DOWNLOAD, ALL, 40), *acts(K.DOWNLOAD, great, 560), *leak[0]]
        b = [*acts(K.DOWNLOAD, weekdays(long_from), 20), *leak[1]]
        mail = [*acts(K.SEND, weekdays(short_from), 3), *acts(K.DOWNLOAD, weekdays(short_from), a_day)]
        found = of_logs({"a": (a, FIRST), "b": (b, long_from), "mail": (mail, short_from)})
        assert [one.reason for one in found] == ["days"]

    def test_and_the_sum(self) -> None:
        """Where both pass, the sum is reported, and once."""
        long = [*work(), *acts(K.FORWARD, WINDOW[:1], target="x@rival.test")]
        short = acts(K.FORWARD, WINDOW[:2], target="y@rival.test")
        found = of_logs({"a": (long, FIRST), "b": (short, self.FROM)})
        assert [(one.reason, one.figures["number"]) for one in found] == [("forwards", 3)]
