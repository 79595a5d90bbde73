"""
Work that moved from one service to another: what it shows in the new log is no rise.

One log ended while another one grew, and both together stayed level.  Whether the work moved nobody can say from the logs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from casework.activity.comparison import Comparison
    from casework.activity.measure import Count, ReachGroup

_ENDED = 0.2
"""Times its earlier pace: a log with less has ended; a choice."""
_LEVEL = 1.5
"""Times the earlier pace of both: with more than that, the amount has grown and not only moved; a choice."""


class _Log:
    """What *of* counts in a part's logs.  *before*: the pace on the *usual* days (None: on all days to compare with)."""

    def __init__(self, part: ReachGroup, of: Count, usual: Collection[date] | None) -> None:
        self.names, self._begins_on = part.logs, part.days[0]
        self.counts = Counter(of(part.before)) + Counter(of(part.since))
        self.before = self.pace(part.days if usual is None else usual)

    def pace(self, days: Iterable[date]) -> float:
        """Return the count on those of *days* to which the log reaches, for each working day among them."""
        shown = [day for day in days if day >= self._begins_on]
        return sum(self.counts[day] for day in shown) / max(sum(day.weekday() < 5 for day in shown), 1)


def moved_from(
    w: Comparison, of: Count, days: Iterable[date], usual: Collection[date] | None = None
) -> tuple[str, ...]:
    """
    Return the logs from which work moved to those that are compared: they had ended on *days*, and all together stayed level.  Empty if none.

    It may have moved within *days*: then those count on which more is here than before.
    """
    every, here, others = [*days], *([_Log(part, of, usual) for part in parts] for parts in (w.parts, w.others))
    before = sum(log.before for log in here)
    for on in (every, [day for day in every if sum(log.counts[day] for log in here) > before]):
        ended = [log for log in others if log.pace(on) < _ENDED * log.before]
        if sum(log.pace(on) for log in here) <= _LEVEL * (before + sum(log.before for log in ended)):
            return tuple(name for log in ended for name in log.names)
    return ()
