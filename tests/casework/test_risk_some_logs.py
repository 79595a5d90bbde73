"""Reasons that rest on some of several logs: which they name, and which groups are tried."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pytest

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
    weekdays,
    work,
)


class TestSomeLogs:
    """A reason that rests on some of the logs names them, and its figures are theirs."""

    FROM = NOTICE_ON - timedelta(days=90)
    SHORT = weekdays(FROM)

    @pytest.mark.parametrize(
        ("word", "leak", "habit", "before"),
        [
            ("burst", acts(K.DOWNLOAD, WINDOW[3:4], 520), acts(K.DOWNLOAD, SHORT[::7], 900), 20),
            ("huge_file", acts(K.DOWNLOAD, WINDOW[3:4], size=4_000_000_000), acts(K.DOWNLOAD, SHORT[::7], size=8_000_000_000), 0),
            ("forwards", acts(K.FORWARD, WINDOW[3:4], target="c@customer.test"), acts(K.FORWARD, SHORT[::4], target="c@customer.test"), 0),
        ],
    )  # fmt: skip
    def test_are_named(self, word: str, leak: Iterable[Raw], habit: Iterable[Raw], before: int) -> None:
        """The other log had much before: without the name the sentence would be false of the person."""
        found = of_two_logs([*work(), *leak], habit, short_from=self.FROM)[word]
        assert (found.figures["before"], found.figures["logs"]) == (before, ("drive",))
        assert (found.said.en[:15], found.said.ja[:10]) == ("In drive alone:", "driveのみでは、")

    def test_all_are_not(self) -> None:
        leak = acts(K.DOWNLOAD, WINDOW[:3], 900)
        found = of_two_logs([*work(), *leak], acts(K.EDIT, self.SHORT, 3), short_from=self.FROM)["volume"]
        assert "logs" not in found.figures
        assert found.said.en.startswith("3,")

    def test_that_are_long_enough_for_rare_things(self) -> None:
        short_from = NOTICE_ON - timedelta(days=25)
        leak = acts(K.EXTERNAL_SHARE, WINDOW[:8], target="x@rival.test")
        short = acts(K.EXTERNAL_SHARE, weekdays(short_from), target="c@customer.test")
        found = of_two_logs([*work(), *leak], short, short_from=short_from)["shares"]
        assert (found.figures["before"], found.figures["logs"]) == (0, ("drive",))

    @pytest.mark.parametrize(("day", "named"), [(BEFORE[-2], True), (WINDOW[2], False)])
    def test_beside_one_without_enough_days(self, day: date, named: bool) -> None:
        """What such a log shows before the notice is in no figure; what it shows since is a reason of its own."""
        long = [*work(), *acts(K.FORWARD, WINDOW[:1], target="x@rival.test")]
        short = acts(K.FORWARD, [day], target="c@customer.test")
        found = of_two_logs(long, short, short_from=NOTICE_ON - timedelta(days=9))["forwards"]
        assert ("logs" in found.figures) is named

    def test_days_that_are_left_out_are_theirs(self) -> None:
        """The leave lies before the log that shows the leak: none of its days are left out."""
        leave = Employment(leaves=((BEFORE[10], BEFORE[40]),))
        long = work([day for day in ALL if not BEFORE[10] <= day < BEFORE[40]])
        before = [day for day in self.SHORT if day < NOTICE_ON]
        short = [*acts(K.DOWNLOAD, before, 2), *acts(K.DOWNLOAD, WINDOW, 80)]
        heavy = [*long, *acts(K.DOWNLOAD, [*BEFORE[:10], *BEFORE[40:], *WINDOW], 200)]
        found = of_two_logs(heavy, short, short_from=self.FROM, hr=leave)["volume"]
        assert (found.figures["logs"], found.figures["left_out"], found.figures["baseline_days"]) == (("mail",), 0, 90)


class TestGroupsOfLogs:
    """A leak over two logs is found beside a habit in a third, however far back each reaches."""

    REACHES = (FIRST, FIRST + timedelta(days=10), NOTICE_ON - timedelta(days=90))
    SHORT = weekdays(REACHES[2])

    @pytest.mark.parametrize("habit", [0, 1, 2])
    def test_volume(self, habit: int) -> None:
        leaks = iter((WINDOW[3:6], WINDOW[8:11]))
        logs = {}
        for n, begins in enumerate(self.REACHES):
            days = weekdays(begins)
            leak = [] if n == habit else acts(K.DOWNLOAD, next(leaks), 300)
            logs["abc"[n]] = (
                [*acts(K.EDIT, days, 5), *acts(K.DOWNLOAD, days, 300 if n == habit else 2), *leak],
                begins,
            )
        found = {one.reason: one for one in of_logs(logs)}
        assert found["volume"].figures["takes"] == 1_800 + 2 * 2 * len(WINDOW)
        assert found["volume"].figures["logs"] == tuple(name for name in "abc" if name != "abc"[habit])

    def test_growth_beside_a_log_with_one_take(self) -> None:
        """Its few days are none by which the others are judged."""
        since, short_from = date(2026, 8, 10), NOTICE_ON - timedelta(days=25)
        grown = [day for day in ALL if day >= since]
        a = [*acts(K.DOWNLOAD, ALL, 5), *acts(K.DOWNLOAD, [day for day in grown if day.weekday() in {0, 3}], 45)]
        b = [
            *acts(K.DOWNLOAD, weekdays(self.REACHES[1]), 5),
            *acts(K.DOWNLOAD, [day for day in grown if day.weekday() in {1, 4}], 45),
        ]
        mail = [*acts(K.SEND, weekdays(short_from), 3), *acts(K.DOWNLOAD, WINDOW[:1])]
        logs = {"a": ([*a, *acts(K.EDIT, ALL, 10)], FIRST), "b": (b, self.REACHES[1]), "mail": (mail, short_from)}
        found = {one.reason: one for one in of_logs(logs)}
        assert (found["growth"].figures["since_on"], found["growth"].figures["before"]) == (str(since), 10)

    @pytest.mark.parametrize(("reaches", "is_found"), [(4, True), (5, False)])
    def test_of_some_reaches(self, reaches: int, *, is_found: bool) -> None:
        """All groups of four reaches are tried: the leak lies in two of them."""
        begins = [FIRST + timedelta(days=7 * n) for n in range(reaches)]
        logs = {f"s{n}": ([*acts(K.EDIT, weekdays(one))], one) for n, one in enumerate(begins)}
        logs["s0"][0].extend(acts(K.DOWNLOAD, ALL, 300))
        for name in ("s1", "s2"):
            logs[name][0].extend(acts(K.DOWNLOAD, WINDOW[:3], 300))
        found = [one.figures["logs"] for one in of_logs(logs) if one.reason == "volume"]
        assert found == ([("s1", "s2")] if is_found else [])

    def test_of_many_reaches(self) -> None:
        """With many the groups are too many to try: all together and each alone remain."""
        begins = [FIRST + timedelta(days=7 * n) for n in range(9)]
        logs = {f"s{n}": ([*acts(K.EDIT, weekdays(one))], one) for n, one in enumerate(begins)}
        logs["s0"][0].extend(acts(K.DOWNLOAD, ALL, 300))
        logs["s8"][0].extend([*acts(K.DOWNLOAD, weekdays(begins[8])), *acts(K.DOWNLOAD, WINDOW[:2], 900)])
        (found,) = [one for one in of_logs(logs) if one.reason == "volume"]
        assert found.figures["logs"] == ("s8",)
