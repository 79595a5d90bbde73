"""
The picture of the files taken per day, with the usual range, the notice and the last days.

It shows dates and counts, no titles and no names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from casework.view.case import CaseView
from casework.view.downloads import DailyDownloads
from portal.document import Picture
from portal.svg import INK, Drawing
from portal.words import said

_WIDTH, _HEIGHT = 960, 380
_LEFT, _RIGHT, _TOP, _FLOOR = 64, 20, 92, 300
_LINE = 17
_WITHIN, _BEYOND, _BEFORE, _NOTICE, _USUAL = "#5f6b76", "#b3261e", "#7a5a00", "#fdf3e1", "#bcd9ee"
_KEYS = (
    (_WITHIN, "within the usual range / 通常の範囲内"),
    (_BEYOND, "above it since the notice / 通知後の超過"),
    (_BEFORE, "above it before / 通知前の超過"),
    (_NOTICE, "notice window / 退職通知期間"),
    (_USUAL, "usual range by weekday / 曜日別の通常範囲"),
)


@dataclass(frozen=True, slots=True)
class _Plane:
    """Maps days and counts to positions."""

    svg: Drawing
    days: DailyDownloads
    notice_on: date
    most: float

    @property
    def step(self) -> float:
        return (_WIDTH - _LEFT - _RIGHT) / len(self.days.counts)

    def dates(self) -> Iterator[tuple[date, int]]:
        for number, count in enumerate(self.days.counts):
            yield self.days.first + timedelta(days=number), count

    def x(self, day: date) -> float:
        return _LEFT + (day - self.days.first).days * self.step

    def y(self, count: float) -> float:
        return _FLOOR - count / self.most * (_FLOOR - _TOP)


def picture(view: CaseView) -> Picture | None:
    """Return the drawing, with a white background and scalable text; None if nothing was summarised."""
    days, notice_on = view.downloads.days, view.downloads.notice_from
    if days is None or notice_on is None:
        return None
    limits = [usual.limit for usual in days.usual]
    plane = _Plane(Drawing(_WIDTH, _HEIGHT), days, notice_on, _round_up(max([*days.counts, *limits, 10])))
    plane.svg.rect(0, 0, _WIDTH, _HEIGHT, "#fff")
    plane.svg.text(_LEFT, 18, "Files taken per day / 1日あたりの取得件数", size=14)
    _notice(plane)
    _axis(plane)
    _band(plane)
    _bars(plane)
    _marks(plane, view)
    _legend(plane)
    return Picture(str(plane.svg), said("Files taken per day"))


def _notice(plane: _Plane) -> None:
    left = max(plane.x(plane.notice_on), _LEFT)
    if left < _WIDTH - _RIGHT:
        plane.svg.rect(left, _TOP, _WIDTH - _RIGHT - left, _FLOOR - _TOP, _NOTICE)


def _axis(plane: _Plane) -> None:
    for n in range(5):
        count = plane.most * n / 4
        y = plane.y(count)
        plane.svg.line((_LEFT, y, _WIDTH - _RIGHT, y))
        plane.svg.text(_LEFT - 8, y + 4, f"{count:,.0f}", anchor="end", fill="#444")
    for day, _ in plane.dates():
        if day.day == 1 or (len(plane.days.counts) < 45 and day.weekday() == 0):
            x = plane.x(day)
            plane.svg.line((x, _FLOOR, x, _FLOOR + 5), "#888")
            plane.svg.text(x, _FLOOR + 18, f"{day:%Y-%m-%d}", fill="#444")


def _band(plane: _Plane) -> None:
    """Draw the usual range, from zero to each weekday's limit, and the median as a line."""
    if not plane.days.usual:
        return
    usual = [(plane.x(day), plane.days.usual[day.weekday()]) for day, _ in plane.dates()]
    limits = [(at, plane.y(day.limit)) for x, day in usual for at in (x, x + plane.step)]
    medians = [(at, plane.y(day.median)) for x, day in usual for at in (x, x + plane.step)]
    ends = [(float(_LEFT), _FLOOR), *limits, (float(_WIDTH - _RIGHT), _FLOOR)]
    plane.svg.add("polygon", points=_points(ends), fill=_USUAL, fill_opacity=0.8)
    plane.svg.add("polyline", points=_points(medians), fill="none", stroke="#2a6f9e", stroke_width=0.8)


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _bars(plane: _Plane) -> None:
    width = max(plane.step * 0.7, 0.8)
    for day, count in plane.dates():
        if count:
            beyond = bool(plane.days.usual) and count > plane.days.usual[day.weekday()].limit
            colour = (_BEYOND if day >= plane.notice_on else _BEFORE) if beyond else _WITHIN
            y = plane.y(count)
            x = plane.x(day) + (plane.step - width) / 2
            plane.svg.rect(x, y, width, _FLOOR - y, colour, title=f"{day} {count:,}")


def _marks(plane: _Plane, view: CaseView) -> None:
    """Draw the marks above the days, each on its own line of text, so that marks of near days stay readable."""
    departure, zone = view.departure, ZoneInfo(view.departure.timezone)
    marks = [
        (departure.opened_at.astimezone(zone).date(), "notice / 退職通知"),
        (departure.employment_ends_on, "last day / 退職日"),
    ]
    if departure.last_working_at is not None:
        marks.append((departure.last_working_at.astimezone(zone).date(), "last day worked / 最終出社日"))
    end = plane.days.first + timedelta(days=len(plane.days.counts))
    for row, (day, words) in enumerate(sorted(marks)):
        if plane.days.first <= day <= end:
            x, y = plane.x(day), 36 + _LINE * row
            at, anchor = (x - 6, "end") if x > _WIDTH / 2 else (x + 6, "start")
            plane.svg.line((x, y - 9, x, _FLOOR), INK, dashes="3 3")
            plane.svg.text(at, y, f"{words} {day:%m-%d}", anchor=anchor)


def _legend(plane: _Plane) -> None:
    for n, (colour, words) in enumerate(_KEYS if plane.days.usual else _KEYS[:-1]):
        x, y = _LEFT + 300 * (n % 3), _HEIGHT - 38 + 20 * (n // 3)
        plane.svg.rect(x, y, 12, 12, colour)
        plane.svg.text(x + 17, y + 10, words)


def _round_up(count: float) -> float:
    """Round up to the next of 10, 20, 40, 60, 80, 100, 200 …, so that a quarter of it is a plain number."""
    size = 10.0 ** math.floor(math.log10(count))
    return next(size * times for times in (1, 2, 4, 6, 8, 10) if size * times >= count)
