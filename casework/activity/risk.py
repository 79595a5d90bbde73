"""
Why what the leaver took is unusual, or why nobody can call it usual: one sentence a reason, with its figures.

No hidden score decides.  Every reason compares with the person's own days before the notice: a person who always worked
with much is not unusual for that.  Thresholds are policy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from casework.activity import exit_channels, volumes
from casework.activity.reason import Reason

if TYPE_CHECKING:
    from casework.activity.comparison import Comparison

_Look: TypeAlias = "Callable[[Comparison], Iterator[Reason]]"
_UNUSUAL: tuple[_Look, ...] = (
    exit_channels.own_addresses, exit_channels.exports, exit_channels.programs, volumes.volume, exit_channels.forwards, volumes.size, volumes.views, volumes.marked, exit_channels.devices,
    exit_channels.off_hours, volumes.burst, exit_channels.shares, volumes.growth, volumes.days, volumes.days_before,
)  # fmt: skip
"""In this order, from ways out to mere amounts: the first reason describes best what happened."""
_BESIDE = (volumes.folders, exit_channels.addresses)
"""Reasons given only beside others: tidying up and travelling look the same."""
_IN_QUESTION = (exit_channels.exports_in_question, exit_channels.programs_in_question, exit_channels.ways_in_question)
_OF_ALL_LOGS = {
    exit_channels.devices, exit_channels.exports_in_question, exit_channels.programs_in_question, exit_channels.too_short, exit_channels.uncompared,
}  # fmt: skip
"""They weigh all logs together only: a computer that one log knows is known."""
_WEIGHTS = ("excess", "number", "takes", "megabytes", "views", "marked", "burst", "shares", "programs")
"""The figures by which two reasons of one word are compared: the first of these that they have."""
_OF_AMOUNTS = {"more_work", "moved"}
"""What may explain several amounts at once."""
_OF_TAKES = {"volume", "growth", "growth_unclear", "days", "days_before"}
"""What is said of one amount, the number of takes."""
_INSTEAD = {"takeout": "exports", "growth_unclear": "growth"}
"""Reasons that are not given beside another one, which says more."""


def reasons_of(comparison: Comparison) -> list[Reason]:
    """
    Return every reason: unusual ones first, in the order above, then unclean ones; no reason hides another.  Each is tried by all logs
    together, by the logs of each reach alone, and by each group of reaches; if several pass, the weightiest is given.  It names the logs that
    it rests on, unless these are all.

    Without days to compare with only exports, programs and the figures of uncompared logs are reasons.
    """
    looks = (
        (*_UNUSUAL, *_IN_QUESTION, exit_channels.too_short)
        if comparison.known_days
        else (exit_channels.exports_in_question, exit_channels.programs_in_question)
    )
    found = _each_once(reason for look in (*looks, exit_channels.uncompared) for reason in _by_each(comparison, look))
    unusual = [reason for reason in found if not reason.unclean]
    beside = [reason for look in _BESIDE for reason in look(comparison)] if unusual else []
    return [*unusual, *beside, *(reason for reason in found if reason.unclean)]


def _by_each(comparison: Comparison, look: _Look) -> Iterator[Reason]:
    """Yield the reasons that *look* finds in all logs together or in some of their reaches; of each word the weightiest."""
    if look in _OF_ALL_LOGS:
        yield from look(comparison)
        return
    best = dict[tuple[str, str], Reason]()
    for one in comparison.each():
        for reason in look(one):
            named = reason.of(one.named)
            best[_amount(reason)] = max(best.get(_amount(reason), named), named, key=_weight)
    yield from best.values()


def _weight(reason: Reason) -> int:
    return int(str(next((reason.figures[name] for name in _WEIGHTS if name in reason.figures), 0)))


def _amount(reason: Reason) -> tuple[str, str]:
    """Return the word of *reason* and, where work may have moved, which amount it is of."""
    of = str(reason.figures.get("of", ""))
    return reason.reason, "takes" if of in _OF_TAKES else of


def _each_once(reasons: Iterable[Reason]) -> list[Reason]:
    """Keep one of each of `_OF_AMOUNTS`, the weightiest of each amount, and every other reason beside which nothing says more."""
    found = list(reasons)
    words, amounts = {one.reason for one in found}, {_amount(one) for one in found if one.reason in _OF_AMOUNTS}
    most = {amount: max((one for one in found if _amount(one) == amount), key=_weight) for amount in amounts}
    return [one for one in found if most.get(_amount(one), one) is one and _INSTEAD.get(one.reason) not in words]


def verdict_of(reasons: Sequence[Reason]) -> str:
    """Return `unusual`, `cannot_say` (an unclean reason forbids to declare the leaver clean) or `nothing_unusual`."""
    if any(not reason.unclean for reason in reasons):
        return "unusual"
    return "cannot_say" if reasons else "nothing_unusual"
