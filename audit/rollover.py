"""
One log ends, the next begins: yearly, or when the last entries of the old one are lost for good.

The old log's last event is `log.closed`; after it comes what is told of its own records alone: anchors, exports, erasures.  The first leaf of the new log names the old one's
last anchored head, so that whoever holds the new log's heads holds the old one's too.  Each log has a database of its own.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from audit import note, reading
from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.fields import Json
from audit.leaf import LOG_CASE, Event
from audit.placing import CLOSED_KEY, TrailError
from audit.reading import Entry
from audit.trail import Trail

OPENED_KEY = "log.opened"


def close(connection: Connection, trail: Trail, successor: str, actor: str) -> Entry:
    """
    Append the log's last event, which names its *successor*.  Anchor it afterwards.  Twice is the same event.

    Raises `TrailError` while an intent has no outcome: what is under way is told in the log in which it began.
    """
    waiting = trail.open_intents(connection)
    if waiting:
        raise TrailError(f"trail: cannot close the log: {len(waiting)} intents have no outcome")
    return trail.append(
        connection, Event(EventType.LOG_CLOSED, LOG_CASE, actor, {"next_log": successor}), dedup_key=CLOSED_KEY
    )


def begin(connection: Connection, trail: Trail, last: bytes, actor: str, *, lost: bool = False) -> Entry:
    """
    Write the first leaf of the empty log *trail*.  *last*: the old log's last anchored note.  Twice is the same event.

    *lost*: entries after that head may have been lost, and the log could not be closed.  Raises `TrailError` if the new log is
    not empty or bears the old name, `NoteError` for other bytes.
    """
    head = Checkpoint.parse(note.split(last)[0])
    if head.origin == trail.origin:
        raise TrailError("trail: cannot begin a log: it bears the name of the one before")
    if reading.size(connection) > 0 and reading.find(connection, OPENED_KEY) is None:
        raise TrailError("trail: cannot begin a log: there is one in this database")
    said: dict[str, Json] = {"previous_log": head.origin, "size": head.size, "root": head.text.split("\n")[2]}
    said |= {"checkpoint_sha256": hashlib.sha256(last).hexdigest(), "reason": "lost" if lost else "closed"}
    return trail.append(connection, Event(EventType.LOG_OPENED, LOG_CASE, actor, said), dedup_key=OPENED_KEY)
