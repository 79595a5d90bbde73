"""
What a service's own audit log holds about an account: read page by page, resumable at each page, kept raw.

A source is one log of one vendor (`drive`, `token`, `audit_logs`, `purview` …).  Fetching and interpreting are separate:
`activity` fetches records; `describe` interprets them, now or ten years later from the evidence file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from models.vocabulary import Account, ActivityKind, Evidence, Json


@dataclass(frozen=True, slots=True)
class Window:
    """From *from_at* (included) until *until_at* (excluded); both aware."""

    from_at: datetime
    until_at: datetime

    def __post_init__(self) -> None:
        if self.from_at.tzinfo is None or self.until_at.tzinfo is None or self.from_at >= self.until_at:
            raise ValueError("window: needs two aware times, the first before the second")


@dataclass(frozen=True, slots=True)
class ActivitySource:
    """
    One log, as data.

    *lag*: how late a record may appear, by the vendor's documentation; a later collection pass reads again after it.
    *retention*: how far back the vendor keeps records on its longest plan known to us, None where it does not say.
    *scopes*: the least that reading needs.  *plan*: in words.  *of_administration*: it records who enabled a blocked account
    again.  *of_others*: it also records what others did to the account; in any other log, a record under another account's
    name is odd.  *caveats*: sentences for each completeness statement (what this log never holds).  *source*: the vendor's
    page.  `tells`: the kinds that its records are known to have; it may hold others.
    """

    name: str
    lag: timedelta
    retention: timedelta | None = None
    scopes: tuple[str, ...] = ()
    plan: str = "any"
    caveats: tuple[str, ...] = ()
    source: str = ""
    of_administration: bool = False
    of_others: bool = False
    tells: frozenset[ActivityKind] = frozenset()


@dataclass(frozen=True, slots=True)
class ActivityRecord:
    """
    One record as the vendor gave it.

    *id* is unique within its source for ever (the vendor's own id, or the properties that it documents as unique together).
    Pages may repeat a record; evidence holds it once.  *raw* is the vendor's whole object.
    """

    id: str
    at: datetime
    raw: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class UnreadSpan:
    """A part of the window that could not be read, and why: a word (`quota`, `truncated`, `retention`) and a sentence."""

    reason: str
    text: str
    from_at: datetime | None = None
    until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogName:
    """A name by which a log may call the account, from *since* (included) until *until* (excluded); None: not known."""

    name: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """
    One answer of the vendor.

    *cursor*: where the next call goes on; the caller keeps it *together with* these records.  None: the window has been read
    to its end.  A page may be empty and still have a cursor.  *wait*: until then the next call brings nothing (the vendor's
    search is still running).  *gaps*: what this page, or the whole source, lacks.  *names*: those under which the account
    was searched for, if not by its id; a name is listed once for each time in which it was the account's.
    """

    records: Sequence[ActivityRecord]
    cursor: str | None
    evidence: tuple[Evidence, ...]
    wait: timedelta = timedelta(0)
    gaps: tuple[UnreadSpan, ...] = ()
    names: tuple[LogName, ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """
    One event of a record, in the words of `models.vocabulary`.  All of it is personal data.

    *raw_name* keeps the vendor's word (`drive/download`, `FileDownloaded`, `file_downloaded`).  *actor* is the actor's address
    or name, where the log of administration has one.  *object_id*, *title*, *folder*, *size* (bytes) and *label* (a
    confidentiality mark of the vendor's or in the title) describe the object; *target* is the recipient (an address, an
    application).  *by_program*: by an API or sync client, not by hand; None where the vendor does not say.  *undone*: an attempt that
    failed, or a consequence of another event.
    """

    kind: ActivityKind
    at: datetime
    raw_name: str
    actor_id: str | None = None
    actor: str | None = None
    object_id: str | None = None
    title: str | None = None
    folder: str | None = None
    size: int | None = None
    label: str | None = None
    target: str | None = None
    by_program: bool | None = None
    ip: str | None = None
    device: str | None = None
    undone: bool = False


@runtime_checkable
class ActivityLog(Protocol):
    """
    The activity side of a connector.

    `activity` raises `connectors.errors`: `NotOnPlan`, `Denied` (a scope), `NotRecorded` (the tenant's logging is off),
    `Throttled` (the quota is used up for longer than a call may wait), `CursorExpired` (the vendor no longer knows the cursor: start
    again without one; records that come twice have equal ids), `Unreachable`.
    """

    activity_sources: tuple[ActivitySource, ...]

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        """
        Return one page of *source*'s records about *account* in *window*, from *cursor* on (None: from the beginning).

        Repeating a cursor is safe and never starts a costly search twice.  What is missing is a `UnreadSpan` or an exception, never
        a shorter page.
        """

    def record(self, source: str, raw: Mapping[str, Json]) -> ActivityRecord:
        """
        Return the record that `activity` made of *raw*, whether or not `describe` understands it.

        Raises `Unintelligible`, `ArithmeticError`, `LookupError`, `TypeError` or `ValueError` if *raw* is not a record of *source*.
        """

    def describe(self, source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
        """
        Return the events of a raw record; an event that we have no kind for is `other`, never left out.

        Pure: no request, the same answer for the same bytes.  Raises as `record` does for a record that it cannot read.
        """
