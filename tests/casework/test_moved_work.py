"""Work that moved from one service to another is no leak, and no leak hides behind a move that did not happen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from casework.activity.reason import Reason
from casework.activity.risk import verdict_of
from casework.intake.employment import Employment
from models.vocabulary import ActivityKind as K
from tests.casework.leavers import ALL, BEFORE, FIRST, NOTICE_ON, WINDOW, Raw, acts, of_logs, weekdays

FROM = NOTICE_ON - timedelta(days=90)
SHORT = weekdays(FROM)
LATER = [day for day in SHORT if day < NOTICE_ON]


class TestMovedWork:
    """Whoever moves from one service to another takes in the new one what was taken in the old one: nobody is accused of it."""

    OLD = weekdays(FROM, NOTICE_ON - timedelta(days=1))

    def told(self, new: Iterable[Raw], old: Iterable[Raw]) -> dict[str, Reason]:
        found = of_logs({"drive": ([*new, *acts(K.EDIT, ALL, 10)], FIRST), "mail": (old, FROM)})
        assert len({(one.reason, one.figures.get("of")) for one in found}) == len(found)
        return {one.reason: one for one in found}

    @pytest.mark.parametrize(("before", "now", "old"), [(20, 80, 60), (5, 55, 100), (0, 60, 60), (20, 300, 280)])
    def test_at_the_notice(self, before: int, now: int, old: int) -> None:
        """The sum stayed level, or fell."""
        new = [*acts(K.DOWNLOAD, BEFORE, before), *acts(K.DOWNLOAD, WINDOW, now)]
        found = self.told(new, acts(K.DOWNLOAD, self.OLD, old))
        assert (list(found), verdict_of([*found.values()])) == (["moved"], "cannot_say")
        assert (found["moved"].figures["takes"], found["moved"].figures["silent"]) == (now * len(WINDOW), ("mail",))

    def test_of_a_log_that_was_not_read_in_full(self) -> None:
        """Nobody knows when it ended: the rise is told as one."""
        new = [*acts(K.DOWNLOAD, BEFORE, 5), *acts(K.DOWNLOAD, WINDOW, 60), *acts(K.EDIT, ALL, 10)]
        logs = {"drive": (new, FIRST), "mail": (acts(K.DOWNLOAD, self.OLD, 60), FROM)}
        assert [one.reason for one in of_logs(logs)] == ["moved"]
        assert "volume" in {one.reason for one in of_logs(logs, unread={"mail"})}

    def test_within_the_window(self) -> None:
        """It ended where the other one grew."""
        first, later = WINDOW[:7], WINDOW[7:]
        new = [*acts(K.DOWNLOAD, [*BEFORE, *first], 5), *acts(K.DOWNLOAD, later, 90)]
        assert list(self.told(new, acts(K.DOWNLOAD, [*self.OLD, *first], 90))) == ["moved"]

    @pytest.mark.parametrize("on", [date(2026, 9, 20), date(2026, 8, 13)])
    def test_before_the_notice(self, on: date) -> None:
        """No growth is told of the new one."""
        new = [
            *acts(K.DOWNLOAD, [day for day in ALL if day < on], 1),
            *acts(K.DOWNLOAD, [day for day in ALL if day >= on], 60),
        ]
        assert list(self.told(new, acts(K.DOWNLOAD, [day for day in self.OLD if day < on], 60))) == ["moved"]

    @pytest.mark.parametrize(
        ("kind", "more", "amount"),
        [(K.VIEW, {}, "views"), (K.DOWNLOAD, {"size": 20_000_000}, "bytes")],
        ids=["views", "bytes"],
    )
    def test_other_amounts(self, kind: K, more: dict[str, Any], amount: str) -> None:
        new = [*acts(kind, BEFORE, 2, **more), *acts(kind, WINDOW, 70, **more)]
        found = self.told(new, acts(kind, self.OLD, 70, **more))
        assert (list(found), found["moved"].figures["of"]) == (["moved"], amount)

    def test_with_a_leak(self) -> None:
        """What is taken beyond all that was usual is told."""
        new = [*acts(K.DOWNLOAD, BEFORE, 20), *acts(K.DOWNLOAD, WINDOW, 80), *acts(K.DOWNLOAD, WINDOW[5:8], 900)]
        found = self.told(new, acts(K.DOWNLOAD, self.OLD, 60))
        assert {"volume", "days"} <= found.keys()

    def test_beside_a_log_that_goes_on(self) -> None:
        """It ended nowhere: less is taken there, as of whoever leaves, and a leak from the other one is told."""
        new = [*acts(K.DOWNLOAD, BEFORE, 2), *acts(K.DOWNLOAD, WINDOW, 60)]
        old = [*acts(K.DOWNLOAD, self.OLD, 60), *acts(K.DOWNLOAD, WINDOW, 20)]
        assert "volume" in self.told(new, old)

    def test_at_weekends(self) -> None:
        """A log of the working days has not ended because it is silent at weekends."""
        weekends = [day for n in range(31) if (day := NOTICE_ON + timedelta(days=n)).weekday() >= 5]
        new = [*acts(K.DOWNLOAD, BEFORE, 2), *acts(K.DOWNLOAD, weekends, 150)]
        assert "volume" in self.told(new, acts(K.DOWNLOAD, weekdays(FROM), 60))

    def test_after_some_trials(self) -> None:
        """Less than a fifth of what the old log showed is no rise yet: the move began when that one ended."""
        first, later = WINDOW[:7], WINDOW[7:]
        new = [*acts(K.DOWNLOAD, BEFORE[::9]), *acts(K.DOWNLOAD, first, 10), *acts(K.DOWNLOAD, later, 90)]
        assert list(self.told(new, acts(K.DOWNLOAD, [*self.OLD, *first], 90))) == ["moved"]

    def test_with_bytes_alone(self) -> None:
        """The megabytes of few large files are told as well."""
        new = [*acts(K.DOWNLOAD, BEFORE, 1, size=1_000_000), *acts(K.DOWNLOAD, WINDOW, 2, size=490_000_000)]
        found = self.told(new, acts(K.DOWNLOAD, self.OLD, 2, size=400_000_000))
        assert (list(found), found["moved"].figures["of"], found["moved"].figures["megabytes"]) == (
            ["moved"],
            "bytes",
            20_580,
        )

    def test_says_both(self) -> None:
        """What would be unusual is said with its figures, and what may explain it."""
        found = self.told(acts(K.DOWNLOAD, WINDOW, 60), acts(K.DOWNLOAD, self.OLD, 60))["moved"].said
        assert found.en.startswith("In drive alone: 1,260 files were taken")
        assert "(mail)" in found.en
        assert "（mail）" in found.ja

    @pytest.mark.parametrize(("a_day", "is_ended"), [(11, True), (13, False)])
    def test_until_less_than_a_fifth_is_left(self, a_day: int, *, is_ended: bool) -> None:
        old = [*acts(K.DOWNLOAD, self.OLD, 60), *acts(K.DOWNLOAD, WINDOW, a_day)]
        found = self.told([*acts(K.DOWNLOAD, BEFORE, 2), *acts(K.DOWNLOAD, WINDOW, 70)], old)
        assert ("moved" in found, "volume" in found) == (is_ended, not is_ended)

    def test_from_a_log_that_reaches_as_far_as_one_that_goes_on(self) -> None:
        """Each log ends by itself, whatever others reach equally far back."""
        logs = {
            "drive": (acts(K.DOWNLOAD, BEFORE, 64), FIRST),
            "slack": ([*acts(K.DOWNLOAD, ALL, 32), *acts(K.EDIT, ALL, 10)], FIRST),
            "m365": ([*acts(K.DOWNLOAD, LATER[::5]), *acts(K.DOWNLOAD, WINDOW, 64)], FROM),
        }
        found = of_logs(logs)
        assert [one.reason for one in found] == ["moved"]
        assert found[0].figures["silent"] == ("drive",)

    @pytest.mark.parametrize(
        ("of", "kind", "a_day", "more"),
        [
            ("burst", K.DOWNLOAD, 520, {}),
            ("huge_file", K.DOWNLOAD, 1, {"size": 4_000_000_000}),
            ("shares", K.EXTERNAL_SHARE, 1, {"target": "c@customer.test"}),
            ("forwards", K.FORWARD, 1, {"target": "box@elsewhere.test"}),
            ("exports", K.TAKEOUT, 1, {}),
            ("new_programs", K.DOWNLOAD, 90, {"by_program": True}),
        ],
    )  # fmt: skip
    def test_of_a_habit(self, of: str, kind: K, a_day: int, more: dict[str, Any]) -> None:
        """What was done in the old log for months is done in the new one as often."""
        assert verdict_of(of_habit(kind, a_day, **more)) == "cannot_say"
        assert of in {one.figures.get("of") for one in of_habit(kind, a_day, **more)}


def of_habit(kind: K, a_day: int, times: int = 1, **more: Any) -> Sequence[Reason]:  # an event's fields
    """Weigh who did *a_day* of *kind* every fourth day in one log, and in another one since the notice, *times* as much."""
    old = [*acts(K.DOWNLOAD, BEFORE, 40), *acts(kind, BEFORE[::4], a_day, **more), *acts(K.EDIT, ALL, 10)]
    new = [
        *acts(K.DOWNLOAD, LATER[::5]),
        *acts(K.DOWNLOAD, WINDOW, 40),
        *acts(kind, WINDOW[::4], times * a_day, **more),
    ]
    return of_logs({"drive": (old, FIRST), "m365": (new, FROM)})


class TestNoMove:
    """A log that is quiet for some days has not ended: what is taken from another one meanwhile is told by its own words."""

    def told(self, leak: Sequence[date], a_day: int, habit: int, back: Sequence[date] = ALL) -> set[str]:
        """Weigh a leak of *a_day* from box on the days *leak*, while drive is quiet; it goes on on all other days *back*."""
        drive = [*acts(K.DOWNLOAD, [day for day in back if day not in leak], habit), *acts(K.EDIT, ALL, 10)]
        box = [*acts(K.DOWNLOAD, SHORT, 8), *acts(K.DOWNLOAD, leak, a_day)]
        found = of_logs({"drive": (drive, FIRST), "box": (box, FROM)})
        assert {one.figures.get("logs", ("box",)) for one in found} == {("box",)}
        assert "moved" not in {one.reason for one in found}
        return {one.reason for one in found}

    @pytest.mark.parametrize(
        ("leak", "a_day", "habit"),
        [
            (WINDOW[5:6], 1_400, 1_000),
            (WINDOW[3:8], 440, 300),
            (WINDOW[2:18:2], 140, 100),
            (WINDOW[:10], 140, 100),
            (WINDOW[8:18], 140, 100),
            (WINDOW[:17], 140, 100),
        ],
        ids=["one day", "five days", "alternate days", "two weeks", "two late weeks", "all but four days"],
    )
    def test_in_the_window(self, leak: Sequence[date], a_day: int, habit: int) -> None:
        assert {"volume", "days"} <= self.told(leak, a_day, habit)

    def test_on_the_last_days(self) -> None:
        """Nobody knows whether drive had ended: nine working days are too few."""
        assert {"volume", "days"} <= self.told(WINDOW[-9:], 280, 200)

    def test_before_the_notice(self) -> None:
        assert "days_before" in self.told(BEFORE[-30:-27], 1_400, 1_000)

    def test_before_the_notice_and_the_end(self) -> None:
        """It ended weeks after the leak."""
        assert "days_before" in self.told(BEFORE[-30:-27], 1_400, 1_000, back=BEFORE)

    def test_within_the_window_before_the_end(self) -> None:
        """The leak was over when drive ended."""
        assert {"volume", "days"} <= self.told(WINDOW[1:8:2], 300, 100, back=[*BEFORE, *WINDOW[:9]])

    def test_of_bytes(self) -> None:
        """Ten gigabytes in few files, on ten days on which drive is quiet."""
        leak = WINDOW[3:13]
        drive = acts(K.DOWNLOAD, [day for day in ALL if day not in leak], size=700_000_000)
        box = [*acts(K.DOWNLOAD, LATER, size=1_000_000), *acts(K.DOWNLOAD, leak, 2, size=500_000_000)]
        found = of_logs({"drive": ([*drive, *acts(K.EDIT, ALL, 10)], FIRST), "box": (box, FROM)})
        assert [(one.reason, one.figures["megabytes"]) for one in found] == [("bytes", 10_000)]

    def test_on_a_day_of_leave(self) -> None:
        """What is taken on a day that is not at work is more than what moved."""
        leave = Employment(leaves=((WINDOW[12], NOTICE_ON + timedelta(days=40)),))
        drive = [*acts(K.DOWNLOAD, BEFORE, 60), *acts(K.EDIT, ALL[:-9], 10)]
        box = [*acts(K.DOWNLOAD, LATER, 2), *acts(K.DOWNLOAD, WINDOW[:12], 60), *acts(K.DOWNLOAD, WINDOW[15:16], 2_000)]
        found = of_logs({"drive": (drive, FIRST), "box": (box, FROM)}, leave)
        assert {"volume", "days"} <= {one.reason for one in found}

    def test_of_twice_as_much_on_days_as_full(self) -> None:
        """On no day more than on the fullest one before, and on twice as many."""
        new = [*acts(K.DOWNLOAD, LATER, 2), *acts(K.DOWNLOAD, WINDOW, 120), *acts(K.EDIT, SHORT, 10)]
        found = of_logs({"drive": (acts(K.DOWNLOAD, BEFORE[::2], 120), FIRST), "box": (new, FROM)})
        assert "volume" in {one.reason for one in found}

    def test_of_single_great_days_on_top(self) -> None:
        """Few enough not to raise the pace by half, and fuller than any day before."""
        old, more = acts(K.DOWNLOAD, BEFORE, 400), acts(K.DOWNLOAD, WINDOW[8:9], 2_000)
        new = [*acts(K.DOWNLOAD, LATER, 2), *acts(K.DOWNLOAD, WINDOW, 400), *more, *acts(K.EDIT, SHORT, 10)]
        found = of_logs({"drive": (old, FIRST), "box": (new, FROM)})
        assert {"burst", "days"} <= {one.reason for one in found}

    @pytest.mark.parametrize(
        ("kind", "a_day", "more"),
        [
            (K.DOWNLOAD, 520, {}),
            (K.DOWNLOAD, 1, {"size": 4_000_000_000}),
            (K.EXTERNAL_SHARE, 1, {"target": "c@customer.test"}),
            (K.FORWARD, 1, {"target": "box@elsewhere.test"}),
            (K.TAKEOUT, 1, {}),
            (K.DOWNLOAD, 90, {"by_program": True}),
        ],
    )
    def test_of_more_than_the_habit(self, kind: K, a_day: int, more: dict[str, Any]) -> None:
        assert verdict_of(of_habit(kind, a_day, times=2, **more)) == "unusual"

    @pytest.mark.parametrize(
        ("word", "kind", "more"),
        [
            ("forwards", K.FORWARD, {"target": "box@elsewhere.test"}),
            ("exports", K.TAKEOUT, {}),
            ("own_addresses", K.SEND, {"target": "sora@private.test"}),
        ],
    )
    def test_of_what_began_before_the_end(self, word: str, kind: K, more: dict[str, Any]) -> None:
        """What began while the old log went on did not move with the work; and the own address is no work at all."""
        began = [] if word == "own_addresses" else BEFORE[-10:-9]
        old = [*acts(K.DOWNLOAD, BEFORE, 40), *acts(kind, BEFORE[::4], **more), *acts(K.EDIT, ALL, 10)]
        new = [*acts(K.DOWNLOAD, WINDOW, 40), *acts(kind, [*began, *WINDOW[::4]], **more)]
        assert word in {one.reason for one in of_logs({"drive": (old, FIRST), "m365": (new, FROM)})}
