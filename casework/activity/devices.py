"""Whether a computer took another one's place, as far as the logs show it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casework.activity.tally import Half

_USED = 10
"""Days on which the old one was in use before, at least."""
_SILENT = 5
"""Days on which the new one must have been in use without the old one."""
_SIDE_BY_SIDE = timedelta(days=7)
_WITHOUT_EITHER = 5
"""Days on which the person was active on neither: from more on, what fell silent before the new one's first day has nothing to do with it."""
_A_DAY = timedelta(days=1)
_FILLED = 3
"""A computer's first days in use: then its sync client fetches what the old one had."""
_FAIR_SHARE = 0.25
"""Of what is taken after the old one fell silent: with less the new one is only beside another."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """
    A computer's name and first day, the *old* one whose place it took and that one's last day, and how much a sync client fetched for the new
    one on its first *days*.
    """

    name: str
    old: str
    new_on: date
    old_on: date
    days: Counter[date]


def replacements_in(half: Half) -> list[Replacement]:
    """
    Return the computers that took another one's place, the latest last: the old one was in use, and fell silent within a week after the new
    one's first day, or at most five days of activity before it; the new one went on being used.  Each takes one place, and no place is
    taken twice.

    One beside the old one took nobody's place.  By the old one more was taken before than by all that stayed in use, so that an old telephone
    hides nothing; and of what is taken until the new one's last day, the new one takes its part.
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


def _in_place_of(half: Half, new: str, old: str) -> Replacement | None:
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


def _filling(half: Half, name: str) -> Counter[date]:
    """Return what a sync client fetched for a computer in its first days in use, where it is half of the day's takes."""
    days, synced = half.devices[name], half.syncs.get(name, Counter[date]())
    return Counter({day: synced[day] for day in sorted(days)[:_FILLED] if 2 * synced[day] >= days[day] > 0})


def _taken(days: Counter[date], *, after: date = date.min, before: date = date.max) -> int:
    return sum(number for day, number in days.items() if after < day < before)
