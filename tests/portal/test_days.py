"""The picture of what was taken per day: the same for a few days and for many, and nothing of anybody in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from casework.activity.robust_statistics import WeekdayNorm
from casework.view.case import CaseView, Departure
from casework.view.downloads import DailyDownloads, Downloads
from portal.sections.daily_chart import picture

LAST = date(2026, 11, 30)


def taken(counts: list[int], *, usual: bool = True) -> CaseView:
    """Return a case whose last day is the last of *counts*; the notice came on the first."""
    first = LAST - timedelta(days=len(counts) - 1)
    opened = datetime(first.year, first.month, first.day, 3, tzinfo=UTC)
    dates: dict[str, Any] = {
        "timezone": "Asia/Tokyo",
        "opened_at": opened,
        "employment_ends_on": LAST,
        "last_working_at": None,
    }
    week = (WeekdayNorm(median=3, limit=30),) * 7 if usual else ()
    days = DailyDownloads(first=first, counts=tuple(counts), usual=week)
    downloads = Downloads(state="collected", notice_from=first, days=days)
    return known(departure=Departure.model_construct(**dates), downloads=downloads)


def known(**parts: Any) -> CaseView:
    """Return a case of which nothing but *parts* is known."""
    return CaseView.model_construct(**parts)


def drawn(view: CaseView) -> ET.Element:
    made = picture(view)
    assert made is not None
    return ET.fromstring(made.svg)  # noqa: S314  # ours


def fills(root: ET.Element) -> list[str]:
    return [element.get("fill", "") for element in root.iter() if element.find("{*}title") is not None]


class TestPicture:
    @pytest.mark.parametrize("days", [1, 2, 3, 180, 401])
    @pytest.mark.parametrize("usual", [True, False])
    def test_any_number_of_days(self, days: int, usual: bool) -> None:
        """A picture of one day, of two, and of a year: of plain shapes, in both languages, every text within its edges."""
        root = drawn(taken([*[0] * (days - 1), 3], usual=usual))
        names = {element.tag.rsplit("}", 1)[-1] for element in root.iter()}
        assert names <= {"svg", "title", "rect", "text", "line", "polygon", "polyline"}
        texts = [e for e in root.iter() if e.tag.endswith("text")]
        assert {"notice", "退職通知", "退職日"} <= {word for text in texts for word in (text.text or "").split()}
        for text in texts:
            at, wide = float(text.get("x", "0")), 6 * len(text.text or "")
            begins = {"end": at - wide, "middle": at - wide / 2}.get(text.get("text-anchor", ""), at)
            assert begins >= 0

    def test_points_out_what_is_beyond_the_usual(self) -> None:
        """A day above its weekday's limit has a colour of its own; without days to compare with, none has."""
        within, beyond = fills(drawn(taken([30, 31])))
        assert within != beyond
        assert set(fills(drawn(taken([30, 31], usual=False)))) == {within}

    def test_nothing_to_draw(self) -> None:
        """Where nothing was summarised there is no picture."""
        assert picture(known(downloads=Downloads(state="not_collected"))) is None
