"""
Close one log and begin the next: yearly, or when the last entries of the old log are lost for good.

After `log.closed` the old log accepts only events about its own records: anchors, exports, erasures.  The new log's first leaf
names the old log's last anchored head, so that a head of the new log vouches for the old log too.  Each log has its own database.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from audit import note, reading
from audit.appending import CLOSED_KEY, TrailError
from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.fields import Json
from audit.leaf import LOG_CASE, Event
from audit.reading import Entry
from audit.trail import Trail

OPENED_KEY = "log.opened"


def close(connection: Connection, trail: Trail, successor: str, actor: str) -> Entry:
    """
    Append the event that closes the log and names its *successor*.  Anchor the log afterwards.  Safe to repeat: one event.

    Raises `TrailError` while an intent has no outcome, because the outcome belongs into the log of its intent.
    """
    waiting = trail.open_intents(connection)
    if waiting:
        raise TrailError(f"trail: cannot close the log: {len(waiting)} intents have no outcome")
    return trail.append(
        connection, Event(EventType.LOG_CLOSED, LOG_CASE, actor, {"next_log": successor}), dedup_key=CLOSED_KEY
    )


def begin(connection: Connection, trail: Trail, last: bytes, actor: str, *, lost: bool = False) -> Entry:
    """
    Write the first leaf of the empty log *trail*.  *last*: the old log's last anchored note.  Safe to repeat: one event.

    *lost*: entries after that head may be lost, and the old log could not be closed.  Raises `TrailError` if the new log is not
    empty or has the old log's name, `NoteError` if *last* is not a signed note.
    """
    head = Checkpoint.parse(note.split(last)[0])
    if head.origin == trail.origin:
        raise TrailError("trail: cannot begin a log: it has the former log's name")
    if reading.size(connection) > 0 and reading.find(connection, OPENED_KEY) is None:
        raise TrailError("trail: cannot begin a log: there is one in this database")
    said: dict[str, Json] = {"previous_log": head.origin, "size": head.size, "root": head.text.split("\n")[2]}
    said |= {"checkpoint_sha256": hashlib.sha256(last).hexdigest(), "reason": "lost" if lost else "closed"}
    return trail.append(connection, Event(EventType.LOG_OPENED, LOG_CASE, actor, said), dedup_key=OPENED_KEY)
