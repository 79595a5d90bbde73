"""Days and instants in the spellings of Japanese HR departments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.intake.dates import end_of_day, parse_day, parse_instant, zone_name
from casework.intake.notice import Flaw

TOKYO = ZoneInfo("Asia/Tokyo")
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no finding


def flaw(text: str) -> str:
    with pytest.raises(Flaw) as caught:
        parse_instant(text, TOKYO)
    return caught.value.code


class TestDay:
    @pytest.mark.parametrize(
        "text",
        [
            "2026-11-30", "2026/11/30", "2026.11.30", "20261130", "2026年11月30日", "２０２６年１１月３０日", "2026 年 11 月 30 日",
            "令和8年11月30日", "令和 ８年11月30日", "㋿8年11月30日", "R8.11.30", "r08/11/30", "R8-11-30", " 2026‐11‐30　",
        ],
    )  # fmt: skip
    def test_spellings(self, text: str) -> None:
        """All the usual spellings mean the same day."""
        assert parse_day(text) == date(2026, 11, 30)

    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("令和元年5月1日", date(2019, 5, 1)),
            ("平成31年4月30日", date(2019, 4, 30)),
            ("H31.4.30", date(2019, 4, 30)),
            ("2028/2/29", date(2028, 2, 29)),
        ],
    )
    def test_edges(self, text: str, day: date) -> None:
        """An era's first year, its last day and the leap day are days like others."""
        assert parse_day(text) == day

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("2026-02-29", "no_such_date"), ("2026/11/31", "no_such_date"), ("2026-13-01", "no_such_date"),
            ("平成31年5月1日", "no_such_date"), ("令和元年4月30日", "no_such_date"), ("令和0年5月1日", "no_such_date"),
            ("0000-01-01", "no_such_date"), ("1999-12-31", "out_of_range"), ("9999-12-31", "out_of_range"),
            ("昭和60年1月1日", "out_of_range"), ("46356", "excel_serial"), ("46356.75", "excel_serial"),
            ("11/30/2026", "bad_date"), ("26/11/30", "bad_date"), ("2026-11/30", "bad_date"), ("8年11月30日", "bad_date"),
            ("月末", "bad_date"), ("2026-11-30 25:00", "bad_time"), ("2026-11-30 18:60", "bad_time"),
            ("2026-11-30 18:00 JST", "bad_time"), ("2026-11-30 18:00+15:00", "bad_time"), ("2026-11-30 夕方", "bad_time"),
            ("2" * 65, "too_long"),
        ],
    )  # fmt: skip
    def test_refused(self, text: str, code: str) -> None:
        """What would have to be guessed is refused, with a reason of its own."""
        assert flaw(text) is code

    @CALM
    @given(day=st.dates(date(2000, 1, 1), date(2100, 12, 31)))
    def test_round_trip(self, day: date) -> None:
        """Every day of the range is read back from each Western spelling."""
        texts = (day.isoformat(), f"{day:%Y/%m/%d}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}")
        assert {parse_day(text) for text in texts} == {day}


class TestInstant:
    def test_date_alone_means_its_end(self) -> None:
        """A last working day without a time ends when the day ends."""
        assert parse_instant("2026-11-30", TOKYO) == datetime(2026, 11, 30, 15, tzinfo=UTC)

    @pytest.mark.parametrize(
        "text",
        [
            "2026-11-30 18:00", "2026-11-30T18:00:00", "2026/11/30　18：00", "2026年11月30日18時", "令和8年11月30日 18時00分",
            "2026-11-30 18:00+09:00", "2026-11-30T09:00:00Z", "2026-11-30 09:00 UTC", "2026-11-30 10:00 Europe/Berlin",
            "2026-11-30T18:00:00.999+0900", "2026-11-30 18:00 asia/tokyo", "2026-11-30 4:00−05",
        ],
    )  # fmt: skip
    def test_spellings(self, text: str) -> None:
        """With or without zone or offset, in either script, the same instant; fractions of a second are dropped."""
        assert parse_instant(text, TOKYO) == datetime(2026, 11, 30, 9, tzinfo=UTC)

    def test_midnight_of_the_evening(self) -> None:
        """24:00 is the end of the day."""
        assert parse_instant("2026-11-30 24:00", TOKYO) == parse_instant("2026-11-30", TOKYO)

    def test_time_that_clocks_skip(self) -> None:
        """A skipped time is read with the offset before the jump: 02:30 becomes 03:30."""
        assert parse_instant("2026-03-29 02:30", ZoneInfo("Europe/Berlin")) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

    def test_time_that_clocks_show_twice(self) -> None:
        """A repeated time is the first of the two; an offset says which one is meant."""
        berlin = ZoneInfo("Europe/Berlin")
        assert parse_instant("2026-10-25 02:30", berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert parse_instant("2026-10-25 02:30+01:00", berlin) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


class TestZone:
    def test_end_of_a_day_without_midnight(self) -> None:
        """Where clocks jump at midnight, the day ends at the jump."""
        assert end_of_day(date(2026, 4, 23), ZoneInfo("Africa/Cairo")) == datetime(2026, 4, 23, 22, tzinfo=UTC)

    def test_end_of_a_day_with_two_midnights(self) -> None:
        """Where midnight comes twice, the day ends at the first one."""
        assert end_of_day(date(2026, 10, 31), ZoneInfo("America/Havana")) == datetime(2026, 11, 1, 4, tzinfo=UTC)

    @pytest.mark.parametrize("text", ["Asia/Tokyo", "asia/tokyo", "Ａｓｉａ／Ｔｏｋｙｏ", " Asia/Tokyo "])
    def test_name(self, text: str) -> None:
        """A zone's name is read in any case and width."""
        assert zone_name(text) == "Asia/Tokyo"

    @pytest.mark.parametrize(
        "text", ["", "JST", "Asia", "../../etc/passwd", "/etc/localtime", "localtime", "Tokyo", "+09:00", "a\0b"]
    )
    def test_unknown(self, text: str) -> None:
        """What the IANA list does not have is refused, and no path leads out of it."""
        with pytest.raises(Flaw):
            zone_name(text)

    @CALM
    @given(
        day=st.dates(date(2000, 1, 1), date(2100, 12, 31)),
        zone=st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "Pacific/Apia", "America/Havana"]),
    )
    def test_days_follow_each_other(self, day: date, zone: str) -> None:
        """A later last day is never cut earlier, in any zone."""
        assert end_of_day(day, ZoneInfo(zone)) <= end_of_day(day + timedelta(days=1), ZoneInfo(zone))
