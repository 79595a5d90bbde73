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
_FILLED = 3
"""A computer's first days in use: then its sync client fetches what the old one had."""
_FAIR_SHARE = 0.25
"""Of what is taken after the old one fell silent: with less the new one is only beside another."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A computer's name and first day, the last one of the computer whose place it took, and how much a sync client fetched for it on its first *days*."""

    name: str
    new_on: date
    old_on: date
    days: Counter[date]


def replacement_in(half: Half) -> Replacement | None:
    """
    Return the latest computer that took another one's place: the old one was in use, and fell silent within a week after the new one's first
    day, or at most five days of activity before it; the new one went on being used.

    One beside the old one took nobody's place.  By the old one more was taken before than by all that stayed in use, so that an old telephone
    hides nothing; and of what is taken since, the new one takes its part.
    """
    found = (_in_place_of(half, new, old) for new in half.syncs for old in half.devices if new != old)
    return max((one for one in found if one is not None), key=lambda one: (one.new_on, one.old_on), default=None)


def _in_place_of(half: Half, new: str, old: str) -> Replacement | None:
    news, olds = half.devices[new], half.devices[old]
    first, last = min(news), max(olds)
    used_before = sum(day < first for day in olds)
    used_alone = sum(day > last for day in news)
    if used_before < _USED or used_alone < _SILENT or last > first + _SIDE_BY_SIDE:
        return None
    if sum(last < day < first for day in half.active) > _WITHOUT_EITHER:
        return None
    synced = half.syncs[new]
    filled = Counter({day: synced[day] for day in sorted(news)[:_FILLED] if 2 * synced[day] >= news[day] > 0})
    beside = [days for name, days in half.devices.items() if name not in {new, old} and max(days) > last]
    was_main = _taken(olds, before=first) > sum(_taken(days, before=first) for days in beside)
    by_new, by_others = _taken(news - filled, after=last), sum(_taken(days, after=last) for days in beside)
    goes_on = by_new >= _FAIR_SHARE * (by_new + by_others)
    return Replacement(new, first, last, filled) if filled and was_main and goes_on else None


def _taken(days: Counter[date], *, after: date = date.min, before: date = date.max) -> int:
    return sum(number for day, number in days.items() if after < day < before)
