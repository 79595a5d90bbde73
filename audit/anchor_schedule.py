"""The schedule of anchors: when one is due, and whether they are late.  Reads the log and its anchors, never the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from audit import anchors, reading
from audit.anchors import Anchor
from audit.leaf import LOG_CASE

_CLOSED = b'"type":"case.closed"'


@dataclass(frozen=True, slots=True)
class AnchorSchedule:
    """*grown*: the longest time that new events wait for an anchor.  *idle*: the longest time between anchors of a quiet log."""

    grown: timedelta = timedelta(hours=1)
    idle: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AnchorParties:
    """Which outside parties sign anchors: witnesses, timestamp authorities, both, or neither."""

    witnesses: bool
    authorities: bool

    @property
    def any(self) -> bool:
        return self.witnesses or self.authorities

    def complete(self, anchor: Anchor) -> bool:
        """Whether the anchor has the quorum and the stamp that are asked for."""
        return (anchor.quorum or not self.witnesses) and (anchor.tsr is not None or not self.authorities)


class HealthLevel(StrEnum):
    """The health of the anchors, in one word."""

    NOBODY = "nobody"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class AnchorHealth:
    """
    *alarms*: witnesses that know another history (red).  *late_since*: when the wait began, if an event or an anchor has waited
    for more than twice the scheduled time (amber).  *newest*: the newest complete anchor.
    """

    level: HealthLevel
    newest: Anchor | None = None
    late_since: datetime | None = None
    waiting: int = 0
    alarms: tuple[str, ...] = ()


def due(
    connection: Connection, origin: str, now: datetime, cadence: AnchorSchedule, vouchers: AnchorParties
) -> str | None:
    """
    Return why an anchor is due ("first", "closed", "grown", "incomplete", "idle"), or None.

    The log's own events (`anchor.recorded` among them) do not count as growth: else each anchor would call for the next one.
    """
    if reading.size(connection) == 0:
        return None
    last = anchors.newest(connection, origin)
    if last is None:
        return "first"
    age, grown = now - last.created_at, False
    for entry in reading.entries(connection, start=last.size):
        if _CLOSED in entry.leaf:
            return "closed"
        grown = grown or entry.case != LOG_CASE
    if age >= cadence.grown and (grown or (vouchers.witnesses and not last.quorum)):
        return "grown" if grown else "incomplete"
    return "idle" if age >= cadence.idle else None


def health(
    connection: Connection, origin: str, now: datetime, cadence: AnchorSchedule, vouchers: AnchorParties
) -> AnchorHealth:
    """Return the health of the anchors.  Reads the entries since the newest complete anchor."""
    raised = tuple(sorted({alarm.witness for alarm in anchors.alarms(connection, origin)}))
    waiting = len(anchors.unrecorded(connection, origin))
    good = anchors.newest(connection, origin, quorum=vouchers.witnesses, stamped=vouchers.authorities)
    if raised:
        return AnchorHealth(HealthLevel.RED, good, None, waiting, raised)
    if not vouchers.any:
        return AnchorHealth(HealthLevel.NOBODY)
    since = _late_since(connection, good, now, cadence)
    return AnchorHealth(HealthLevel.GREEN if since is None else HealthLevel.AMBER, good, since, waiting)


def _late_since(connection: Connection, good: Anchor | None, now: datetime, cadence: AnchorSchedule) -> datetime | None:
    """Return since when an event or the next anchor waits, or None if not for more than twice the schedule's time."""
    start = 0 if good is None else good.size
    for entry in reading.entries(connection, start=start):
        if entry.case != LOG_CASE:
            written = datetime.fromisoformat(entry.record["time"])
            return written if now - written > 2 * cadence.grown else None
    if good is not None and now - good.created_at > 2 * cadence.idle:
        return good.created_at
    return None
