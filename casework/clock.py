"""The database's clock, read through this machine's: machines agree on the time although no machine's clock has to be right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_LASTS = timedelta(minutes=1)
"""How long a measurement is kept against a less certain one: two quartz clocks drift apart by some milliseconds in a minute."""
_TELLS_NOTHING = timedelta(seconds=2)
"""Less certain measurements are not used.  Half of the longest wait for the writers' lock is below it."""
_NONE = timedelta(0)


class DatabaseClock:
    """
    Gives the database's time: *machine*'s clock plus the measured difference.  Before the first comparison, and for a
    database without a clock of its own (SQLite), the difference is zero.

    *ahead*: by how much the database's clock was ahead of the machine's at the last comparison.  *uncertainty*: how far *ahead*
    may be off, half of the time that the database took to answer.
    """

    def __init__(self, machine: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.machine = machine
        self.uncertainty = _NONE
        self.ahead = _NONE
        self._compared_at: datetime | None = None

    def __call__(self) -> datetime:
        return self.machine() + self.ahead

    def compare(self, asked_at: datetime, told: datetime, answered_at: datetime) -> None:
        """
        Take the time that the database gave between *asked_at* and *answered_at*, both on the machine's clock.

        A more exact measurement of the last minute is kept, unless the two exclude each other: then a clock was set.
        The earlier measurement is also kept if this process was stopped, or its clock put back, between the two moments.
        """
        uncertainty = (answered_at - asked_at) / 2
        if uncertainty < _NONE or (self._compared_at is not None and uncertainty > _TELLS_NOTHING):
            return
        ahead = told - asked_at - uncertainty
        fresh = self._compared_at is not None and _NONE <= answered_at - self._compared_at < _LASTS
        agrees = abs(ahead - self.ahead) <= uncertainty + self.uncertainty
        if fresh and agrees and uncertainty >= self.uncertainty:
            return
        self.ahead, self.uncertainty, self._compared_at = ahead, uncertainty, answered_at

    def earliest(self, at: datetime) -> datetime:
        """Return the earliest moment, on the database's clock, that the machine's *at* can have been."""
        return at + self.ahead - self.uncertainty

    def latest(self, at: datetime) -> datetime:
        """Return the latest one."""
        return at + self.ahead + self.uncertainty
