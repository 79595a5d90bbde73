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
_FILLED_WITHIN = timedelta(days=3)
"""From a computer's first day on: then its sync client fetches what the old one had."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A computer's name and first day, the last one of the computer whose place it took, and how much a sync client fetched for it on its first *days*."""

    name: str
    new_on: date
    old_on: date
    days: Counter[date]


def replacement_in(half: Half) -> Replacement | None:
    """
    Return the latest computer that took another one's place: the old one was in use, and fell silent within a week of the new one's first
    day, which went on being used.  One beside the old one took nobody's place.
    """
    found = (_in_place_of(half, new, old) for new in half.syncs for old in half.devices if new != old)
    return max((one for one in found if one is not None), key=lambda one: one.new_on, default=None)


def _in_place_of(half: Half, new: str, old: str) -> Replacement | None:
    news, olds = half.devices[new], half.devices[old]
    first, last = min(news), max(olds)
    used_before = sum(day < first for day in olds)
    used_alone = sum(day > last for day in news)
    if used_before < _USED or used_alone < _SILENT or last > first + _SIDE_BY_SIDE:
        return None
    filled = {
        day: news[day] for day in news if day < first + _FILLED_WITHIN and 2 * half.syncs[new][day] >= news[day] > 0
    }
    return Replacement(new, first, last, Counter(filled)) if filled else None
