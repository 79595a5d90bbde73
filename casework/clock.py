"""The database's clock, read through this machine's: of several machines none has to be right, and all of them agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_LASTS = timedelta(minutes=1)
"""How long a measurement stands against a less certain one: two quartz clocks part by some milliseconds in it."""
_TELLS_NOTHING = timedelta(seconds=2)
"""More than a wait for the writers' lock makes of it."""
_NONE = timedelta(0)


class DatabaseClock:
    """
    Tells the time of the database by *machine*'s clock and the measured difference.  Until it has been compared, and on a
    database that has no clock of its own (SQLite), it is the machine's.

    *ahead*: by how much the database's clock was ahead of the machine's when they were compared last.  *uncertainty*: how far it may
    be off, half of the time that the database took to tell its own.
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
        Take what the database told between two moments of the machine's.

        What was measured more exactly, less than a minute ago, stands, unless the two exclude each other: then a clock was set.
        So does what was measured before, if this process was stopped, or its clock put back, between the two moments.
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
