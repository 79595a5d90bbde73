"""The sign of life that a serving or watching process gives in our database, and what it says of its turns."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from sqlmodel import col, delete

from audit.leaf import stamp
from casework.context import Context
from models.tables import Heartbeat

PERIOD = 5.0
"""Seconds between two signs."""
_FORGOTTEN_AFTER = timedelta(days=1)


class Pulse:
    """
    What one process tells of itself.  *role*: "serve" or "watch".

    `went` notes how a turn ended and touches nothing; `beat` writes it down, and may be called from another thread.
    """

    def __init__(self, context: Context, role: str) -> None:
        self._context = context
        self._key = (role, socket.gethostname(), os.getpid())
        self._turns: dict[str, str | None] = {}

    def went(self, turn: str, *, well: bool) -> None:
        """Note how *turn* ended: a failure counts from the first one after a success."""
        self._turns[turn] = None if well else self._turns.get(turn) or stamp(self._context.now())

    def beat(self) -> None:
        """Say that the process lives, and forget who has been silent for a day."""
        role, host, pid = self._key
        with self._context.store.write() as session:
            now = self._context.now()
            own = session.get(Heartbeat, self._key) or Heartbeat(role=role, host=host, pid=pid, beat_at=now)
            own.beat_at, own.turns = now, dict(self._turns)
            own.clock_ahead = self._context.store.clock.ahead.total_seconds()
            session.add(own)
            session.exec(delete(Heartbeat).where(col(Heartbeat.beat_at) < now - _FORGOTTEN_AFTER))

    def stop(self) -> None:
        """Take the sign away: the process ends in order, and nobody is to miss it."""
        with self._context.store.write() as session:
            if (own := session.get(Heartbeat, self._key)) is not None:
                session.delete(own)
