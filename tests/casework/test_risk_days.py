"""The person's own days are those at work, at the person's own hours and computers: an absence is no habit, a new shift no night work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from casework.activity.comparison import Comparison
from casework.activity.risk import verdict_of
from casework.activity.tally import Tally
from casework.intake.employment import Employment
from casework.policy import ActivityPolicy as Rules
from models.vocabulary import ActivityKind as K
from tests.casework.leavers import DAYS, END, FIRST, NOTICE_ON, TOKYO, Raw, acts, reasons, weekdays
from tests.casework.ledger import Ledger

BEFORE, WINDOW = weekdays(FIRST, NOTICE_ON - timedelta(days=1)), weekdays(NOTICE_ON)


def compared(records: Iterator[Raw], hr: Employment | None = None) -> Comparison:
    tally = Tally(TOKYO, NOTICE_ON, END, Rules())
    for raw in records:
        tally.add("drive", "paper", Ledger().describe("drive", raw))
    return Comparison(tally, {"drive": FIRST}, hr)


class TestAbsence:
    def test_hole_in_all_logs(self) -> None:
        """Months without anything in the logs are no habit of taking nothing: who comes back and works as before is not unusual."""
        at_work = [*BEFORE[:15], *BEFORE[-5:], *WINDOW]
        assert reasons(acts(K.DOWNLOAD, at_work, 100)) == {}

    def test_hole_is_said(self) -> None:
        """What was left out of the days to compare with is said, where something is compared with them."""
        at_work = [*BEFORE[:40], *BEFORE[-20:], *WINDOW]
        found = reasons([*acts(K.DOWNLOAD, at_work, 20), *acts(K.DOWNLOAD, WINDOW[:5], 800)])["volume"]
        known, left_out = int(str(found.figures["baseline_days"])), int(str(found.figures["left_out"]))
        assert left_out == DAYS - 31 - known > 60
        assert f"({left_out} days on which the person was not at work are left out)" in found.said.en
        assert f"{left_out}日を除く" in found.said.ja

    def test_holidays(self) -> None:
        """Nine working days without anything are holidays, and count as they are."""
        assert compared(acts(K.DOWNLOAD, [*BEFORE[:30], *BEFORE[39:], *WINDOW], 5)).left_out == 0
        assert (
            compared(acts(K.DOWNLOAD, [*BEFORE[:30], *BEFORE[40:], *WINDOW], 5)).left_out
            == (BEFORE[39] - BEFORE[30]).days + 1
        )

    def test_logs_that_are_seldom_used(self) -> None:
        """Who leaves a trace every third week was not away in between."""
        assert compared(acts(K.DOWNLOAD, BEFORE[::12], 5)).left_out == 0

    def test_programs_work_on(self) -> None:
        """What a program does while the person is away is no presence."""
        away = BEFORE[20:60]
        there = [*BEFORE[:20], *BEFORE[60:], *WINDOW]
        both = [*acts(K.DOWNLOAD, there, 5), *acts(K.SYNC, away, 5, by_program=True), *acts(K.TOKEN_USE, away)]
        assert compared(iter(both)).left_out >= 40

    @pytest.mark.parametrize("kind", [K.SIGN_IN_FAILED, K.ENABLED])
    def test_others_try(self, kind: K) -> None:
        """A sign-in that failed while the person is away, or what others did to the account, is no presence; one that succeeded is."""
        away, there = BEFORE[20:60], [*BEFORE[:20], *BEFORE[60:], *WINDOW]
        assert compared(iter([*acts(K.DOWNLOAD, there, 5), *acts(kind, away)])).left_out >= 40
        assert compared(iter([*acts(K.DOWNLOAD, there, 5), *acts(K.SIGN_IN, away)])).left_out == 0

    def test_hr_knows_the_leave(self) -> None:
        """Days of a leave that HR noted are not compared with, whatever the logs tell of them."""
        leave = (BEFORE[20], BEFORE[60])
        w = compared(acts(K.DOWNLOAD, [*BEFORE, *WINDOW], 5), Employment(leaves=(leave,)))
        assert w.left_out == (leave[1] - leave[0]).days + 1
        assert not any(leave[0] <= day <= leave[1] for day in w.days)

    def test_files_taken_while_on_leave(self) -> None:
        """What was taken on a day of leave is told as any other day before the notice."""
        leave = Employment(leaves=((BEFORE[20], BEFORE[60]),))
        hoard = acts(K.DOWNLOAD, [BEFORE[40]], 5_000)
        assert "days_before" in reasons([*acts(K.DOWNLOAD, [*BEFORE, *WINDOW], 5), *hoard], hr=leave)

    def test_paid_leave_before_the_end(self) -> None:
        """Of a leaver who was at work on six days of the window, six days' takes are expected, not a month's."""
        there = WINDOW[:6]
        found = reasons([*acts(K.DOWNLOAD, [*BEFORE, *there], 40), *acts(K.DOWNLOAD, there, 150)])
        assert found["volume"].figures["takes"] == 6 * 190
        assert int(str(found["volume"].figures["expected"])) < 300


class TestEntry:
    def test_joined_a_week_before(self) -> None:
        """Who joined less than two weeks before the notice has nothing to be compared with."""
        hr = Employment(joined_on=NOTICE_ON - timedelta(days=10))
        found = reasons(acts(K.DOWNLOAD, weekdays(NOTICE_ON - timedelta(days=10)), 200), hr=hr)
        assert list(found) == ["no_baseline"]
        assert verdict_of(list(found.values())) == "cannot_say"

    @pytest.mark.parametrize("hr", [Employment(joined_on=date(2026, 10, 1)), None])
    def test_joined_a_month_before(self, hr: Employment | None) -> None:
        """The days before the entry are no days without takes, whether HR gives its date or the logs show it."""
        assert reasons(acts(K.DOWNLOAD, weekdays(date(2026, 10, 1)), 100), hr=hr) == {}


class TestShift:
    def test_all_moved(self) -> None:
        """Where uploads, edits and mail moved to the night as well, it is another shift."""
        day = [*acts(K.DOWNLOAD, BEFORE, 20), *acts(K.EDIT, BEFORE, 10)]
        night = [*acts(K.DOWNLOAD, WINDOW, 20, hour=23), *acts(K.EDIT, WINDOW, 10, hour=23)]
        assert reasons([*day, *night]) == {}

    def test_moved_with_more_to_do(self) -> None:
        """Twice as much as before at the new hours is a shift still, if the work has moved to them."""
        day = [*acts(K.DOWNLOAD, BEFORE, 20), *acts(K.EDIT, BEFORE, 10)]
        night = [*acts(K.DOWNLOAD, WINDOW, 40, hour=23), *acts(K.EDIT, WINDOW, 10, hour=23)]
        assert reasons([*day, *night]) == {}

    def test_takes_alone_moved(self) -> None:
        """Where only takes came to the night, on top of the day's, it is said."""
        day = [*acts(K.DOWNLOAD, [*BEFORE, *WINDOW], 20), *acts(K.EDIT, [*BEFORE, *WINDOW], 10)]
        found = reasons([*day, *acts(K.DOWNLOAD, WINDOW, 15, hour=23)])
        assert list(found) == ["off_hours"]
        assert found["off_hours"].figures["off_hours"] == 15 * len(WINDOW)
        assert found["off_hours"].figures["share_percent"] == 43

    def test_takes_are_all_there_is(self) -> None:
        """In logs that tell of takes alone, takes that moved as a whole are a shift."""
        assert reasons([*acts(K.DOWNLOAD, BEFORE, 20), *acts(K.DOWNLOAD, WINDOW, 20, hour=23)]) == {}

    def test_all_moved_and_grew(self) -> None:
        """A shift explains no more than was usual: five times as much by night is said."""
        assert "off_hours" in reasons([*acts(K.DOWNLOAD, BEFORE, 20), *acts(K.DOWNLOAD, WINDOW, 100, hour=23)])

    def test_nights_are_usual(self) -> None:
        """A night shifter's nights are no off-hours: what is taken at one is not held against the person."""
        some = [*acts(K.DOWNLOAD, BEFORE, 15), *acts(K.DOWNLOAD, BEFORE, 2, hour=23)]
        assert "off_hours" not in reasons([*some, *acts(K.DOWNLOAD, WINDOW, 30, hour=23)])


class TestComputers:
    def test_replaced(self) -> None:
        """A computer that was filled when another fell silent is said, with what would make it harmless, and accuses nobody."""
        old, new = WINDOW[:5], WINDOW[5:]
        used = [*acts(K.DOWNLOAD, [*BEFORE, *old], 20, device="pc-1"), *acts(K.DOWNLOAD, new, 20, device="pc-2")]
        found = reasons([*used, *acts(K.SYNC, [new[0]], 9_000, device="pc-2", by_program=True)])
        assert list(found) == ["replaced"]
        assert found["replaced"].figures == {"files": 9_000, "new_on": str(new[0]), "old_on": str(old[-1])}
        assert verdict_of(list(found.values())) == "cannot_say"

    def test_beside_the_old_one(self) -> None:
        """One that is filled while the old one stays in use took nobody's place."""
        used = acts(K.DOWNLOAD, [*BEFORE, *WINDOW], 20, device="pc-1")
        beside = acts(K.SYNC, WINDOW[5:], 400, device="pc-2", by_program=True)
        found = reasons([*used, *beside])
        assert {"volume", "new_devices"} <= found.keys()
        assert "replaced" not in found

    @pytest.mark.parametrize("kind", [K.DOWNLOAD, K.VIEW])
    def test_beside_a_telephone_that_falls_silent(self, kind: K) -> None:
        """Whoever switches off a telephone, and goes on with the computer, has not replaced it by the one that was filled then."""
        used = acts(K.DOWNLOAD, [*BEFORE, *WINDOW], 5, device="pc-1")
        telephone = acts(kind, [*BEFORE[-14:], *WINDOW[:5]], device="telephone")
        filled = [
            *acts(K.SYNC, WINDOW[5:7], 9_000, device="home", by_program=True),
            *acts(K.DOWNLOAD, WINDOW[7:], 3, device="home"),
        ]
        found = reasons([*used, *telephone, *filled])
        assert {"volume", "new_devices"} <= found.keys()
        assert "replaced" not in found

    def test_beside_a_browser_under_a_new_name(self) -> None:
        """A browser whose next version goes on with the work was not replaced by the computer that was filled then."""
        used = [
            *acts(K.DOWNLOAD, [*BEFORE, *WINDOW[:5]], 20, device="Chrome 141"),
            *acts(K.DOWNLOAD, WINDOW[5:], 20, device="Chrome 142"),
        ]
        filled = [
            *acts(K.SYNC, WINDOW[5:7], 9_000, device="home", by_program=True),
            *acts(K.DOWNLOAD, WINDOW[7:], device="home"),
        ]
        found = reasons([*used, *filled])
        assert "volume" in found
        assert "replaced" not in found

    def test_beside_a_telephone_that_stays(self) -> None:
        """A telephone that stays in use does not stand against the replacement of the computer by which most was taken."""
        old, new = WINDOW[:5], WINDOW[5:]
        used = [
            *acts(K.DOWNLOAD, [*BEFORE, *old], 20, device="pc-1"), *acts(K.DOWNLOAD, new, 20, device="pc-2"),
            *acts(K.DOWNLOAD, [*BEFORE, *WINDOW], 3, device="telephone"),
        ]  # fmt: skip
        assert list(reasons([*used, *acts(K.SYNC, [new[0]], 9_000, device="pc-2", by_program=True)])) == ["replaced"]

    def test_one_silent_for_long(self) -> None:
        """A computer that has not been seen for weeks of work is not the one whose place another takes."""
        used = [*acts(K.DOWNLOAD, BEFORE[:60], 20, device="pc-1"), *acts(K.DOWNLOAD, [*BEFORE[60:], *WINDOW], 20)]
        filled = [
            *acts(K.SYNC, WINDOW[5:7], 9_000, device="home", by_program=True),
            *acts(K.DOWNLOAD, WINDOW[7:], device="home"),
        ]
        found = reasons([*used, *filled])
        assert "volume" in found
        assert "replaced" not in found

    @pytest.mark.parametrize("days", [9, 11])
    def test_hardly_in_use(self, days: int) -> None:
        """A computer that was in use for less than ten days was no one to replace."""
        used = [
            *acts(K.DOWNLOAD, BEFORE[:-days], 20), *acts(K.DOWNLOAD, BEFORE[-days:], 20, device="pc-1"),
            *acts(K.DOWNLOAD, WINDOW, 20, device="pc-2"),
        ]  # fmt: skip
        found = reasons([*used, *acts(K.SYNC, [WINDOW[0]], 9_000, device="pc-2", by_program=True)])
        assert ("replaced" in found, "volume" in found) == (days > 10, days < 10)

    def test_twice(self) -> None:
        """Of two replacements the latest is told, and one that is long gone does not stand against it; a few days by no named computer lie between."""
        first, second = BEFORE[:80], BEFORE[80:-4]
        used = [
            *acts(K.DOWNLOAD, first, 20, device="pc-1"), *acts(K.DOWNLOAD, second, 20, device="pc-2"), *acts(K.DOWNLOAD, BEFORE[-4:], 20),
            *acts(K.DOWNLOAD, WINDOW, 20, device="pc-3"), *acts(K.SYNC, [second[0]], 300, device="pc-2", by_program=True),
        ]  # fmt: skip
        found = reasons([*used, *acts(K.SYNC, [WINDOW[0]], 900, device="pc-3", by_program=True)])
        assert list(found) == ["replaced"]
        assert found["replaced"].figures == {"files": 900, "new_on": str(WINDOW[0]), "old_on": str(second[-1])}

    def test_after_an_absence(self) -> None:
        """Whoever finds another computer after weeks of leave has had the old one replaced."""
        used = [*acts(K.DOWNLOAD, BEFORE[:-25], 20, device="pc-1"), *acts(K.DOWNLOAD, WINDOW, 20, device="pc-2")]
        assert list(reasons([*used, *acts(K.SYNC, [WINDOW[0]], 9_000, device="pc-2", by_program=True)])) == ["replaced"]

    def test_filled_over_a_weekend(self) -> None:
        """A computer's first three days in use are those on which it was on: a weekend is none of them."""
        friday = next(day for day in WINDOW[5:] if day.weekday() == 4)
        old, new = [day for day in WINDOW if day < friday], [day for day in WINDOW if day >= friday]
        used = [*acts(K.DOWNLOAD, [*BEFORE, *old], 20, device="pc-1"), *acts(K.DOWNLOAD, new, 20, device="pc-2")]
        filled = acts(K.SYNC, new[:3], 3_000, device="pc-2", by_program=True)
        found = reasons([*used, *filled])
        assert list(found) == ["replaced"]
        assert found["replaced"].figures["files"] == 9_000

    def test_nothing_to_fill(self) -> None:
        """A new computer to which hardly anything is synced beside the work has nothing that would have to be left out."""
        used = [
            *acts(K.DOWNLOAD, BEFORE[:40], 20, device="pc-1"),
            *acts(K.DOWNLOAD, [*BEFORE[40:], *WINDOW], 20, device="pc-2"),
        ]
        assert reasons([*used, *acts(K.SYNC, BEFORE[40:], 3, device="pc-2", by_program=True)]) == {}

    def test_taken_by_hand_while_it_is_filled(self) -> None:
        """What is taken by hand on the new computer's first days counts: only what its sync client fetched is left out."""
        old, new = WINDOW[:5], WINDOW[5:]
        used = [*acts(K.DOWNLOAD, [*BEFORE, *old], 20, device="pc-1"), *acts(K.DOWNLOAD, new, 20, device="pc-2")]
        filled = acts(K.SYNC, [new[0]], 9_000, device="pc-2", by_program=True)
        found = reasons([*used, *filled, *acts(K.DOWNLOAD, [new[0]], 4_000, device="pc-2")])
        assert found["replaced"].figures["files"] == 9_000
        assert found["volume"].figures["takes"] == 20 * len(WINDOW) + 4_000

    @pytest.mark.parametrize(
        "filled", [{"title": "社外秘"}, {"size": 1_000_000}, {"size": 2_000_000_000}, {"hour": 22}, {"folder": "x"}]
    )
    def test_nothing_that_was_synced_is_unusual(self, filled: dict[str, Any]) -> None:
        """Marks, bytes, one huge file, the hour: what a sync client fetched for the new computer counts in none of them."""
        old, new = WINDOW[:5], WINDOW[5:]
        used = [*acts(K.DOWNLOAD, [*BEFORE, *old], 20, device="pc-1"), *acts(K.DOWNLOAD, new, 20, device="pc-2")]
        synced = acts(K.SYNC, [new[0]], 9_000, device="pc-2", by_program=True, **filled)
        assert list(reasons([*used, *synced])) == ["replaced"]

    def test_taken_by_hand_in_the_night_while_it_is_filled(self) -> None:
        """Only what was synced is left out of the hours of that day."""
        old, new = WINDOW[:5], WINDOW[5:]
        used = [*acts(K.DOWNLOAD, [*BEFORE, *old], 20, device="pc-1"), *acts(K.DOWNLOAD, new, 20, device="pc-2")]
        synced = acts(K.SYNC, [new[0]], 9_000, device="pc-2", by_program=True)
        found = reasons([*used, *synced, *acts(K.DOWNLOAD, [new[0]], 900, device="pc-2", hour=23)])
        assert {"off_hours", "burst", "replaced"} <= found.keys()
        assert found["burst"].figures["burst"] == 900

    @pytest.mark.parametrize("days", [30, 80])
    def test_two_that_were_filled(self, days: int) -> None:
        """Whose computer was replaced twice is accused of neither; and neither hides what is taken by hand."""
        first, second = BEFORE[:days], BEFORE[days:]
        used = [
            *acts(K.DOWNLOAD, first, 20, device="pc-1"), *acts(K.DOWNLOAD, second, 20, device="pc-2"), *acts(K.DOWNLOAD, WINDOW, 20, device="pc-3"),
            *acts(K.SYNC, [second[0]], 9_000, device="pc-2", by_program=True), *acts(K.SYNC, [WINDOW[0]], 9_000, device="pc-3", by_program=True),
        ]  # fmt: skip
        assert list(reasons(used)) == ["replaced"]
        assert "volume" in reasons([*used, *acts(K.DOWNLOAD, WINDOW[3:], 95, device="pc-3")])

    def test_a_file_that_an_earlier_computer_was_filled_with(self) -> None:
        """It is no larger than any before."""
        first, second = BEFORE[:50], BEFORE[50:]
        used = [*acts(K.DOWNLOAD, first, 20, device="pc-1"), *acts(K.DOWNLOAD, [*second, *WINDOW], 20, device="pc-2")]
        large = [
            *acts(K.SYNC, [second[0]], 900, device="pc-2", by_program=True, size=2_000_000_000),
            *acts(K.DOWNLOAD, WINDOW[:1], device="pc-2", size=2_000_000_000),
        ]
        assert "huge_file" not in reasons([*used, *large])

    def test_one_place_is_taken_once(self) -> None:
        """Of two that are filled when one falls silent, one took its place: the other counts."""
        used = [
            *acts(K.DOWNLOAD, [*BEFORE, *WINDOW[:5]], 20, device="pc-1"),
            *acts(K.DOWNLOAD, WINDOW[5:], 20, device="pc-2"),
        ]
        home = [
            *acts(K.SYNC, [WINDOW[5]], 9_000, device="home", by_program=True),
            *acts(K.DOWNLOAD, WINDOW[7:], 20, device="home"),
        ]
        found = reasons([*used, *acts(K.SYNC, [WINDOW[5]], 9_000, device="pc-2", by_program=True), *home])
        assert {"volume", "new_devices", "replaced"} <= found.keys()

    def test_weeks_side_by_side(self) -> None:
        """Of two computers that were in use beside each other for weeks none took the other's place."""
        both, new = WINDOW[:12], WINDOW[12:]
        used = [
            *acts(K.DOWNLOAD, [*BEFORE, *both], 20, device="pc-1"),
            *acts(K.DOWNLOAD, [*both, *new], 2, device="pc-2"),
        ]
        found = reasons([*used, *acts(K.SYNC, [both[0]], 9_000, device="pc-2", by_program=True)])
        assert "volume" in found
        assert "replaced" not in found

    def test_filled_again(self) -> None:
        """What a sync client fetches a week after the new computer's first day counts."""
        old, new = WINDOW[:5], WINDOW[5:]
        used = [*acts(K.DOWNLOAD, [*BEFORE, *old], 20, device="pc-1"), *acts(K.DOWNLOAD, new, 20, device="pc-2")]
        filled = acts(K.SYNC, [new[0], new[6]], 4_000, device="pc-2", by_program=True)
        found = reasons([*used, *filled])
        assert found["replaced"].figures["files"] == 4_000
        assert found["volume"].figures["takes"] == 20 * len(WINDOW) + 4_000

    def test_filled_on_the_last_day(self) -> None:
        """A computer that is seen on the last day alone has not been seen to take anybody's place."""
        used = acts(K.DOWNLOAD, [*BEFORE, *WINDOW[:-1]], 20, device="pc-1")
        found = reasons([*used, *acts(K.SYNC, WINDOW[-1:], 9_000, device="pc-2", by_program=True)])
        assert next(iter(found)) == "volume"

    def test_a_replacement_hides_no_more_than_its_filling(self) -> None:
        """What is taken by the new computer after it was filled counts as ever."""
        old, new = WINDOW[:5], WINDOW[5:]
        used = [*acts(K.DOWNLOAD, [*BEFORE, *old], 20, device="pc-1"), *acts(K.DOWNLOAD, new, 20, device="pc-2")]
        filled = acts(K.SYNC, [new[0]], 9_000, device="pc-2", by_program=True)
        more = acts(K.DOWNLOAD, new[6:10], 1_000, device="pc-2")
        found = reasons([*used, *filled, *more])
        assert found["volume"].figures["takes"] == 20 * len(WINDOW) + 4_000

    def test_usual_amounts_elsewhere(self) -> None:
        """A new computer by which no more is taken than usual accuses nobody, and whose it is remains open."""
        used = acts(K.DOWNLOAD, [*BEFORE, *WINDOW[:8], *WINDOW[16:]], 20, device="pc-1")
        found = reasons([*used, *acts(K.DOWNLOAD, WINDOW[8:16], 20, device="pc-2")])
        assert list(found) == ["other_devices"]
        assert found["other_devices"].figures == {"takes": 160, "new": 1, "known": 1, "days": 8, "usual": 160}
