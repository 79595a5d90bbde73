"""
What a service's own audit log tells of an account: read page by page, resumable at each page, raw as it came.

A source is one log of one vendor (`drive`, `token`, `audit_logs`, `purview` …).  Collecting and understanding are apart:
`activity` fetches, `describe` reads what was fetched, now or ten years later from the evidence file.
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

    *lag*: how late the vendor's documentation lets a record appear: a second look is taken after it.  *retention*: how far back the
    vendor keeps records on the longest plan that we know of, None where it does not say.  *scopes*: the least that
    reading needs.  *plan*: in words.  *of_administration*: it tells who enabled a blocked account again.  *of_others*: it tells also
    what others did to the account; in any other log a record by a name that is not the account's is odd.  *caveats*: sentences that belong into each completeness statement (what this log never holds).
    *source*: the vendor's page.  *tells*: the kinds that its records are known to tell; besides, it may hold others.
    """

    name: str
    lag: timedelta
    retention: timedelta | None
    scopes: tuple[str, ...]
    plan: str = "any"
    caveats: tuple[str, ...] = ()
    source: str = ""
    of_administration: bool = False
    of_others: bool = False
    tells: frozenset[ActivityKind] = frozenset()


@dataclass(frozen=True, slots=True)
class Record:
    """
    One record as the vendor gave it.

    *id* is unique within its source for ever (the vendor's own id, or what it documents as unique together): pages may repeat
    a record, evidence holds it once.  *raw* is the vendor's whole object.
    """

    id: str
    at: datetime
    raw: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the window that could not be had, and why: a word (`quota`, `truncated`, `retention`) and a sentence."""

    reason: str
    text: str
    from_at: datetime | None = None
    until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """A name by which a log may call the account, from *since* (included) until *until* (excluded), as far as either is known."""

    name: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """
    One answer of the vendor.

    *cursor*: how to go on, to be kept by the caller *together with* these records; None means that the window has been read to its
    end.  A page may be empty and still have a cursor.  *wait*: asking again earlier is useless (a search that the
    vendor is still running).  *gaps*: what this page, or the whole source, lacks.  *names*: by which the account was asked for, where
    that is not its id: the log calls it by one of them; one stands there for each time that it was the account's.
    """

    records: Sequence[Record]
    cursor: str | None
    evidence: tuple[Evidence, ...]
    wait: timedelta = timedelta(0)
    gaps: tuple[Gap, ...] = ()
    names: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """
    One thing that a record tells, in the house's words.

    *raw_name* keeps the vendor's word (`drive/download`, `FileDownloaded`, `file_downloaded`).  *actor* is the address or name of
    whoever did it, where the log of administration has one.  *object_id*, *title*, *folder*, *size* (bytes) and
    *label* (the vendor's or the title's confidentiality mark) are of what was touched; *target* is whom it went to (an
    address, an application); *external* is None where the vendor does not say.  *by_program*: through an API client or a sync client
    rather than by hand.  *undone*: an attempt that did not succeed, or what follows from something else.  All of it is personal data.
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
    external: bool | None = None
    by_program: bool | None = None
    ip: str | None = None
    device: str | None = None
    undone: bool = False


@runtime_checkable
class ActivityLog(Protocol):
    """
    The activity side of a connector.

    `activity` raises `connectors.errors`: `NotOnPlan`, `Denied` (a scope), `NotRecorded` (the tenant's logging is off), `Throttled` when the quota is
    used up for longer than a call may wait, `Expired` when a cursor is no longer known (start again without one: records
    that come twice are told apart by their ids), `Unreachable`.
    """

    activity_sources: tuple[ActivitySource, ...]

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        """
        Return one page of what *source* tells of *account* in *window*, from *cursor* on (None: from its beginning).

        The same cursor again is safe, and never starts a costly search a second time.  Never short and silent: what is
        missing is a `Gap` or an exception.
        """
        ...

    def record(self, source: str, raw: Mapping[str, Json]) -> Record:
        """
        Return what *raw* was read as, whether or not it can be understood.

        Raises `Unintelligible`, `ArithmeticError`, `LookupError`, `TypeError` or `ValueError`, for what is no record of the source.
        """
        ...

    def describe(self, source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
        """
        Return what a raw record tells; an event without a word of ours is `other`, never left out.

        Pure: no request, the same answer for the same bytes.  Raises what `record` raises for what cannot be understood.
        """
        ...
