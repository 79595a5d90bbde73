"""
Why what the leaver took is unusual, or why nobody can call it usual: one sentence a reason, with its figures.

No hidden score decides.  Every reason compares with the person's own days before the notice: a person who always worked
with much is not unusual for that.  Thresholds are policy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from casework.activity import exit_channels, volumes
from casework.activity.reason import Reason

if TYPE_CHECKING:
    from casework.activity.comparison import Comparison

_UNUSUAL: tuple[Callable[[Comparison], Iterator[Reason]], ...] = (
    exit_channels.own_addresses, exit_channels.exports, exit_channels.programs, volumes.volume, exit_channels.forwards, volumes.size, volumes.views, volumes.marked, exit_channels.devices,
    exit_channels.off_hours, volumes.burst, exit_channels.shares, volumes.growth, volumes.days, volumes.days_before,
)  # fmt: skip
"""In this order, from ways out to mere amounts: the first reason describes best what happened."""
_BESIDE = (volumes.folders, exit_channels.addresses)
"""Reasons given only beside others: tidying up and travelling look the same."""
_IN_QUESTION = (exit_channels.programs_in_question, exit_channels.ways_in_question)


def reasons_of(comparison: Comparison) -> list[Reason]:
    """
    Return every reason: unusual ones first, in the order above, then unclean ones; no reason hides another.

    Without days to compare with only exports, programs and the figures of uncompared logs are reasons.
    """
    looks = (
        (*_UNUSUAL, *_IN_QUESTION, exit_channels.too_short)
        if comparison.known_days
        else (exit_channels.exports, exit_channels.programs_in_question)
    )
    found = _each_once(reason for look in (*looks, exit_channels.uncompared) for reason in look(comparison))
    unusual = [reason for reason in found if not reason.unclean]
    beside = [reason for look in _BESIDE for reason in look(comparison)] if unusual else []
    return [*unusual, *beside, *(reason for reason in found if reason.unclean)]


def _each_once(reasons: Iterable[Reason]) -> list[Reason]:
    """Keep one `more_work`, the one with the most takes, and every other reason."""
    found = list(reasons)
    grown = sorted((one for one in found if one.reason == "more_work"), key=lambda one: int(str(one.figures["takes"])))
    return [one for one in found if one not in grown[:-1]]


def verdict_of(reasons: Sequence[Reason]) -> str:
    """Return `unusual`, `cannot_say` (an unclean reason forbids to declare the leaver clean) or `nothing_unusual`."""
    if any(not reason.unclean for reason in reasons):
        return "unusual"
    return "cannot_say" if reasons else "nothing_unusual"
