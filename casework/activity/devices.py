"""Find computers that replaced another one, as far as the logs show it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casework.activity.tally import PeriodCounts

_USED = 10
"""Fewest days on which the old computer was in use before the new one's first day."""
_SILENT = 5
"""Fewest days on which the new computer was in use after the old one's last day."""
_SIDE_BY_SIDE = timedelta(days=7)
_WITHOUT_EITHER = 5
"""Most active days between the old computer's last day and the new one's first: after more, the two are unrelated."""
_A_DAY = timedelta(days=1)
_FILLED = 3
"""First days in use of a new computer, on which its sync client fetches what the old one had."""
_FAIR_SHARE = 0.25
"""Least share of the new computer in the takes after the old one's last day: with less it is only used beside another."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """
    A computer that replaced the *old* one: its name and first day, the old one's last day, and by day (*days*) how much a sync client fetched
    for it in its first days in use.
    """

    name: str
    old: str
    new_on: date
    old_on: date
    days: Counter[date]


def replacements_in(half: PeriodCounts) -> list[Replacement]:
    """
    Return the computers that replaced another one, the latest last.

    The old one was in use and fell silent within a week after the new one's first day, or at most five active days before it; the new one
    stayed in use.  A computer replaces one other and is replaced once.  Before, the old one took more than all computers that stayed in use, so
    that an old telephone hides nothing.  After, the new one takes a quarter at least.
    """
    found = (_in_place_of(half, new, old) for new in half.syncs for old in half.devices if new != old)
    latest = sorted(
        (one for one in found if one is not None), key=lambda one: (one.new_on, one.old_on, one.name, one.old)
    )
    taken: list[Replacement] = []
    for one in reversed(latest):
        if all(one.name != other.name and one.old != other.old for other in taken):
            taken.insert(0, one)
    return taken


def _in_place_of(half: PeriodCounts, new: str, old: str) -> Replacement | None:
    news, olds = half.devices[new], half.devices[old]
    first, last = min(news), max(olds)
    used_before = sum(day < first for day in olds)
    used_alone = sum(day > last for day in news)
    if used_before < _USED or used_alone < _SILENT or last > first + _SIDE_BY_SIDE:
        return None
    if sum(last < day < first for day in half.active) > _WITHOUT_EITHER:
        return None
    filled = _filling(half, new)
    beside = [name for name, days in half.devices.items() if name not in {new, old} and max(days) > last]
    was_main = _taken(olds, before=first) > sum(_taken(half.devices[name], before=first) for name in beside)
    by_new, by_others = (
        sum(_taken(half.devices[name] - _filling(half, name), after=last, before=max(news) + _A_DAY) for name in names)
        for names in ([new], beside)
    )
    goes_on = by_new >= _FAIR_SHARE * (by_new + by_others)
    return Replacement(new, old, first, last, filled) if filled and was_main and goes_on else None


def _filling(half: PeriodCounts, name: str) -> Counter[date]:
    """Return what a sync client fetched for a computer on its first days in use, where that is half of the day's takes or more."""
    days, synced = half.devices[name], half.syncs.get(name, Counter[date]())
    return Counter({day: synced[day] for day in sorted(days)[:_FILLED] if 2 * synced[day] >= days[day] > 0})


def _taken(days: Counter[date], *, after: date = date.min, before: date = date.max) -> int:
    return sum(number for day, number in days.items() if after < day < before)
