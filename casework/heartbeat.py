"""The heartbeat that a serving or watching process writes to our database, with the failures of its turns."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from sqlmodel import col, delete

from audit.leaf import stamp
from casework.context import Context
from models.tables import Heartbeat

PERIOD = 5.0
"""Seconds between two heartbeats."""
_FORGOTTEN_AFTER = timedelta(days=1)
_LONGEST_TURN = {"serve": timedelta(minutes=1), "watch": timedelta(minutes=10)}
"""A turn that takes longer counts as failing since it began."""


class HeartbeatWriter:
    """
    The heartbeat of one process.  *role*: "serve" or "watch".

    `begins` and `ended` note a turn in memory only.  `beat` writes the notes to the database; another thread may call it.
    """

    def __init__(self, context: Context, role: str) -> None:
        self._context = context
        self._key = (role, socket.gethostname(), os.getpid())
        self._fails: dict[str, datetime | None] = {}
        self._begun: dict[str, datetime] = {}

    def begins(self, turn: str) -> None:
        """Note that *turn* is under way."""
        self._begun[turn] = self._context.now()

    def ended(self, turn: str, *, well: bool) -> None:
        """Note how *turn* ended: a turn fails since the first failure after its last success."""
        began = self._begun.pop(turn)
        self._fails[turn] = None if well else self._fails.get(turn) or began

    def _told(self, now: datetime) -> dict[str, str | None]:
        hang = {turn: began for turn, began in [*self._begun.items()] if now - began > _LONGEST_TURN[self._key[0]]}
        since = {turn: self._fails.get(turn) or hang.get(turn) for turn in [*self._fails, *hang]}
        return {turn: None if at is None else stamp(at) for turn, at in since.items()}

    def beat(self) -> None:
        """Write this process's heartbeat, and delete those of processes that have been silent for a day."""
        role, host, pid = self._key
        with self._context.store.write() as session:
            now = self._context.now()
            own = session.get(Heartbeat, self._key) or Heartbeat(role=role, host=host, pid=pid, beat_at=now)
            own.beat_at, own.turns = now, self._told(now)
            own.clock_ahead = self._context.store.clock.ahead.total_seconds()
            session.add(own)
            session.exec(delete(Heartbeat).where(col(Heartbeat.beat_at) < now - _FORGOTTEN_AFTER))

    def stop(self) -> None:
        """Delete the heartbeat: the process ends in order and raises no alarm."""
        with self._context.store.write() as session:
            if (own := session.get(Heartbeat, self._key)) is not None:
                session.delete(own)
