"""
The picture: takes per day, the range that was usual, the notice and the last days.  SVG without script, for a page or a print.

It shows dates and counts, no title and no name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from casework.activity.baseline import Baseline

_WIDTH, _HEIGHT = 960, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 92, 80
_LINE = 17
_LONGEST = 400
"""Days that are drawn at most, the latest ones."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A day to be pointed out, in both languages."""

    day: date
    en: str
    ja: str


@dataclass(frozen=True, slots=True)
class _Paper:
    """The plane on which days and counts become places."""

    first: date
    last: date
    most: float

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def step(self) -> float:
        return (_WIDTH - _LEFT - _RIGHT) / len(self.days)

    def x(self, day: date) -> float:
        return _LEFT + (day - self.first).days * self.step

    def y(self, count: float) -> float:
        return _HEIGHT - _BOTTOM - min(count / self.most, 1.0) * (_HEIGHT - _TOP - _BOTTOM)


def draw(
    per_day: Mapping[date, int], baseline: Baseline, notice_on: date, marks: Sequence[Mark], *, first: date, last: date
) -> str:
    """Return the picture of *first* to *last* as a complete SVG element, white underneath, with text that scales."""
    last = max([last, *(day for day, count in per_day.items() if count)])
    first = max(min(first, last), last - timedelta(days=_LONGEST))
    limit = max((baseline.of(first + timedelta(days=n)).limit for n in range(7)), default=0.0)
    paper = _Paper(first, last, _round_up(max([*per_day.values(), limit, 10])))
    parts = [
        *_frame(paper),
        *_notice(paper, notice_on),
        *_axis(paper),
        *_band(paper, baseline),
        *_bars(paper, per_day, baseline, notice_on),
        *_marks(paper, marks),
        *_legend(with_band=baseline.days > 0),
    ]
    return "".join([*parts, "</svg>"])


def _frame(paper: _Paper) -> Iterator[str]:
    label = f"Files taken per day, {paper.first} to {paper.last} / 1日あたりの取得件数"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}" '
        "font-family=\"IPAexGothic,'Noto Sans JP','Noto Sans CJK JP','Hiragino Sans',Meiryo,sans-serif\" font-size=\"12\">"
        f'<title>{escape(label)}</title><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        f'<text x="{_LEFT}" y="18" font-size="14" fill="#111">Files taken per day  1日あたりの取得件数</text>'
    )


def _notice(paper: _Paper, notice_on: date) -> Iterator[str]:
    if notice_on <= paper.last:
        left = max(paper.x(notice_on), _LEFT)
        top, bottom = paper.y(paper.most), paper.y(0)
        width = _WIDTH - _RIGHT - left
        yield f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{bottom - top:.1f}" fill="#fdf3e1"/>'


def _axis(paper: _Paper) -> Iterator[str]:
    for n in range(5):
        count = paper.most * n / 4
        y = paper.y(count)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#444">{count:,.0f}</text>'
    for day in paper.days:
        if day.day == 1 or (len(paper.days) < 45 and day.weekday() == 0):
            x, y = paper.x(day), paper.y(0)
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{y + 5:.1f}" stroke="#888"/>'
            yield f'<text x="{x:.1f}" y="{y + 18:.1f}" fill="#444">{day:%Y-%m-%d}</text>'


def _band(paper: _Paper, baseline: Baseline) -> Iterator[str]:
    """The usual range, from nothing to each weekday's limit, and the median as a line."""
    if baseline.days == 0:
        return
    expected = [(paper.x(day), baseline.of(day)) for day in paper.days]
    top = " ".join(f"{x:.1f},{paper.y(e.limit):.1f} {x + paper.step:.1f},{paper.y(e.limit):.1f}" for x, e in expected)
    bottom = paper.y(0)
    yield (
        f'<polygon points="{_LEFT},{bottom:.1f} {top} {_WIDTH - _RIGHT},{bottom:.1f}" fill="#bcd9ee" fill-opacity="0.8"/>'
    )
    line = " ".join(
        f"{x:.1f},{paper.y(e.median):.1f} {x + paper.step:.1f},{paper.y(e.median):.1f}" for x, e in expected
    )
    yield f'<polyline points="{line}" fill="none" stroke="#2a6f9e" stroke-width="0.8"/>'


def _bars(paper: _Paper, per_day: Mapping[date, int], baseline: Baseline, notice_on: date) -> Iterator[str]:
    width = max(paper.step * 0.7, 0.8)
    for day in paper.days:
        count = per_day.get(day, 0)
        if count == 0:
            continue
        beyond = baseline.days > 0 and count > baseline.of(day).limit
        colour = "#b3261e" if beyond and day >= notice_on else "#7a5a00" if beyond else "#5f6b76"
        y = paper.y(count)
        yield (
            f'<rect x="{paper.x(day) + (paper.step - width) / 2:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{paper.y(0) - y:.1f}" fill="{colour}"><title>{day} {count:,}</title></rect>'
        )


def _marks(paper: _Paper, marks: Sequence[Mark]) -> Iterator[str]:
    """Above the days, each on its own line of text, so that days close together can be read."""
    for row, mark in enumerate(sorted(marks, key=lambda mark: mark.day)):
        if paper.first <= mark.day <= paper.last + timedelta(days=1):
            x, y = paper.x(mark.day), 36 + _LINE * row
            at, anchor = (x - 6, "end") if x > _WIDTH / 2 else (x + 6, "start")
            yield (
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9:.1f}" y2="{paper.y(0):.1f}" stroke="#111" '
                f'stroke-dasharray="3 3"/><text x="{at:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#111">'
                f"{escape(mark.en)} {escape(mark.ja)} {mark.day:%m-%d}</text>"
            )


def _legend(*, with_band: bool) -> Iterator[str]:
    keys = [
        ("#5f6b76", "within the usual range 通常の範囲内"),
        ("#b3261e", "above it since the notice 通知後の超過"),
        ("#7a5a00", "above it before 通知前の超過"),
        ("#fdf3e1", "notice window 退職通知期間"),
        *([("#bcd9ee", "usual range by weekday 曜日別の通常範囲")] if with_band else []),
    ]
    for n, (colour, text) in enumerate(keys):
        x, y = _LEFT + 300 * (n % 3), _HEIGHT - 38 + 20 * (n // 3)
        yield f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}" stroke="#999" stroke-width="0.5"/>'
        yield f'<text x="{x + 17}" y="{y + 10}" fill="#111">{escape(text)}</text>'


def _round_up(count: float) -> float:
    """Return the next of 10, 20, 40, 60, 80, 100, 200 … from ten on: a quarter of it is a plain number."""
    size = 10.0 ** math.floor(math.log10(count))
    return next(size * times for times in (1, 2, 4, 6, 8, 10) if size * times >= count)
