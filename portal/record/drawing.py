"""
The timeline as a drawing: a lane for the case, a lane for each account, around the instant of the cut.

The axis is a symmetrical logarithm of seconds: events within a minute of the instant stay distinct, and a notice of last month still
fits.  It shows only our own words and numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

from audit.events import EventType
from casework.record.facts import RecordFacts
from casework.view.access import Account
from portal.document import Clock, Picture
from portal.svg import INK, Drawing
from portal.words import place, said

_WIDTH, _LEFT, _RIGHT, _TOP, _LANE = 1000, 170, 30, 42, 34
_GOOD, _SIGNED = "#1d6b4f", "#8a5a00"
_TICKS = (
    (30 * 86400, "30 d"), (7 * 86400, "7 d"), (86400, "1 d"), (3600, "1 h"), (60, "1 min"), (1, "1 s"),
)  # fmt: skip
_STEPS: dict[str, tuple[str, str]] = {
    EventType.CASE_OPENED: ("1", "opened"), EventType.PLAN_SEALED: ("2", "plan sealed"), EventType.CASE_CONTAINED: ("3", "contained"),
    EventType.CASE_DEPROVISIONED: ("4", "deprovisioned"), EventType.CASE_CLOSED: ("5", "closed"), EventType.CASE_LOOKED: ("6", "looked again"),
    EventType.CASE_REOPENED: ("7", "reopened"), EventType.CASE_RESTORED: ("8", "restored"), EventType.CASE_WITHDRAWN: ("9", "withdrawn"),
}  # fmt: skip


class _Axis:
    """Maps instants to horizontal positions.  The two halves meet at the instant of the cut."""

    def __init__(self, due_at: datetime, moments: Sequence[datetime]) -> None:
        self._due = due_at
        offsets = [(moment - due_at).total_seconds() for moment in moments]
        self.low = min([-60.0, *offsets])
        self.high = max([60.0, *offsets])

    def __call__(self, moment: datetime) -> float:
        return self.at((moment - self._due).total_seconds())

    def at(self, seconds: float) -> float:
        first, last = _bend(self.low), _bend(self.high)
        return round(_LEFT + (_bend(seconds) - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT), 1)

    def ticks(self) -> Iterator[tuple[float, str]]:
        for seconds, label in _TICKS:
            if -seconds >= self.low:
                yield self.at(-seconds), f"−{label}"
            if seconds <= self.high:
                yield self.at(seconds), f"+{label}"


def _bend(seconds: float) -> float:
    return math.copysign(math.log1p(abs(seconds)), seconds)


def timeline(facts: RecordFacts, clock: Clock) -> Picture:
    taken, due_at = facts.view.taken, facts.view.due_at
    axis = _Axis(due_at, list(_moments(facts, taken)))
    height = _TOP + _LANE * (len(taken) + 1) + 34
    svg = Drawing(_WIDTH, height)
    bottom = _TOP + _LANE * (len(taken) + 1)
    _scale(svg, axis, bottom, clock.text(due_at))
    _case_lane(svg, axis, facts)
    for number, account in enumerate(taken, start=1):
        _account_lane(svg, axis, account, _TOP + _LANE * number + _LANE / 2)
    svg.text(_LEFT, bottom + 26, "  ".join(map(" ".join, _STEPS.values())), size=10.5, fill="#52606d")
    return Picture(str(svg), said("Timeline around the instant of the cut"))


def _moments(facts: RecordFacts, taken: Sequence[Account]) -> Iterator[datetime]:
    yield from (told.at for told in facts.told if told.type in _STEPS)
    for account in taken:
        for row in account.entitlements:
            yield from (moment for moment in (row.commanded_at, row.observed_at) if moment is not None)


def _scale(svg: Drawing, axis: _Axis, bottom: float, due: str) -> None:
    last = -math.inf
    for x, label in sorted(axis.ticks()):
        if x - last < 34 or abs(x - axis.at(0)) < 18:
            continue
        last = x
        svg.line((x, _TOP - 8, x, bottom), width=0.6)
        svg.text(x, _TOP - 13, label, size=10, fill="#7b8794", anchor="middle")
    x = axis.at(0)
    svg.line((x, _TOP - 12, x, bottom), INK, width=1.4)
    svg.text(min(max(x, _LEFT + 60), _WIDTH - 80), 14, due, size=11.5, anchor="middle", font_weight="bold")


def _case_lane(svg: Drawing, axis: _Axis, facts: RecordFacts) -> None:
    y = _TOP + _LANE / 2
    svg.text(0, y + 4, facts.view.case, size=11)
    svg.line((_LEFT, y, _WIDTH - _RIGHT, y))
    steps = [told for told in facts.told if told.type in _STEPS]
    for x, told in zip(_spread([axis(told.at) for told in steps]), steps, strict=True):
        svg.add("circle", cx=x, cy=y, r=8, fill="#ffffff", stroke=INK)
        svg.text(x, y + 3.6, _STEPS[told.type][0], size=10, anchor="middle")


def _spread(places: Sequence[float]) -> list[float]:
    """Move the positions so that no mark covers the one before it or leaves the frame."""
    first, last = _LEFT + 8.0, _WIDTH - _RIGHT - 8.0
    gap = min(17.0, (last - first) / max(len(places), 1))
    right: list[float] = []
    for x in places:
        right.append(max(x, right[-1] + gap if right else first))
    left: list[float] = []
    for x in reversed(right):
        left.append(min(x, left[-1] - gap if left else last))
    return [round(x, 1) for x in reversed(left)]


def _account_lane(svg: Drawing, axis: _Axis, account: Account, y: float) -> None:
    svg.text(0, y + 4, place(account.connection).en, size=11)
    svg.line((_LEFT, y, _WIDTH - _RIGHT, y))
    commanded = [axis(row.commanded_at) for row in account.entitlements if row.commanded_at is not None]
    closed = [axis(row.observed_at) for row in account.entitlements if row.observed_at is not None]
    if commanded and closed:
        svg.line((min(commanded), y, max(closed), y), _GOOD, width=3)
    for x in commanded:
        svg.add("circle", cx=x, cy=y, r=4.5, fill="#ffffff", stroke=_SIGNED)
    for x in closed:
        svg.add("circle", cx=x, cy=y, r=4.5, fill=_GOOD, stroke="#ffffff")
