"""The evidence of downloads from the services' logs: the statements from the database, the rest from the newest summary."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from casework.activity.robust_statistics import WeekdayNorm
from casework.view.part import ConnectionPart, Instant, Part
from models.vocabulary import ActivityKind, Completeness


class Sentence(Part):
    """One sentence in both languages."""

    text: str
    text_ja: str


class LateRecords(Sentence):
    """The records that a later pass added to the earlier ones."""

    new: int
    late: int | None


class CollectionPass(ConnectionPart, Sentence):
    """One pass over one log for one account, and its completeness.  *lag* in seconds, *retention* in days."""

    source: str
    account_id: str = Field(alias="account")
    round: int
    verdict: Completeness
    reason: str | None
    from_at: Instant = Field(alias="from")
    until_at: Instant = Field(alias="until")
    oldest_at: Instant | None = Field(alias="oldest")
    newest_at: Instant | None = Field(alias="newest")
    pages: int
    records: int
    duplicates: int
    lag: int | None
    retention: int | None
    caveats: tuple[str, ...]
    file: str | None
    sha256: str | None
    content_sha256: str | None
    difference: LateRecords | None


class ActivityRisk(Sentence):
    """
    One reason, with its figures, why the activity is unusual.

    *unclean*: the data does not allow to call the activity usual; it need not be unusual.
    """

    reason: str
    figures: dict[str, Any]
    unclean: bool


class Folder(Part):
    """A folder with many downloads; its name is confidential."""

    folder: str
    count: int


class ExitChannel(ConnectionPart):
    """A way out that the leaver made, such as a forwarding or a share; *text*, its target, is confidential."""

    kind: ActivityKind
    at: Instant
    text: str


class PostCutEvents(Part):
    """Events of one kind after the cut."""

    kind: ActivityKind
    count: int
    first_at: Instant
    last_at: Instant


class Silence(ConnectionPart, Sentence):
    """
    Whether one account was silent after its cut: *state* is `not_cut`, `broken`, `unclear`, `not_read` or `silent`.

    *events* break the silence; *unclear* events may break it; *attempts*: failed sign-ins; *by_others*: acts of others on the
    account.
    """

    account: str
    state: str
    cut_effective_by: Instant | None
    residual: int
    attempts: int = 0
    events: tuple[PostCutEvents, ...]
    unclear: tuple[PostCutEvents, ...] = ()
    by_others: tuple[PostCutEvents, ...] = ()


class DailyDownloads(Part):
    """Downloads per day: *counts* from the day *first* on; *usual* from Monday on, empty if there is nothing to compare with."""

    first: date
    counts: tuple[int, ...] = Field(min_length=1)
    usual: tuple[WeekdayNorm, ...] = ()


class Baseline(Part):
    """The *days* before the notice to compare with, days *left_out* (not at work), and the sources *without* enough days."""

    days: int
    left_out: int = 0
    without: tuple[str, ...]


class RecordCount(Part):
    """A log's records by number: the person's *own*, those of *others*, *odd* ones (not understood), and repeated ones (*again*)."""

    log: str
    records: int
    own: int
    others: int
    odd: int
    again: int


class Stranger(Part):
    """A name that is not the account's, in a log of the account's acts alone; it may be a third person's, and is confidential."""

    log: str
    name: str
    records: int


class Downloads(Part):
    """
    The collection.  The fields from *counts* on are the summary's, None if there is no summary yet, or it was erased.

    *confidential*: whether folders and targets of ways out are shown here, None if nothing was collected.  *not_begun*: the
    leaver's logs whose reading has not begun, of those that this process knows.
    """

    state: Literal["not_collected", "not_available", "partial", "collected"]
    confidential: Literal["hidden", "shown"] | None = None
    sources: tuple[CollectionPass, ...] = ()
    not_begun: tuple[str, ...] = ()
    summary_sha256: str | None = None
    problem: str | None = None
    remedy: str | None = None
    counts: dict[ActivityKind, int] | None = None
    verdict: Literal["unusual", "cannot_say", "nothing_unusual"] | None = None
    summary: tuple[Sentence, ...] = ()
    risks: tuple[ActivityRisk, ...] | None = None
    days: DailyDownloads | None = None
    folders: tuple[Folder, ...] = ()
    hours: tuple[int, ...] | None = None
    exits: tuple[ExitChannel, ...] = ()
    exits_in_all: int | None = None
    silence: tuple[Silence, ...] = ()
    counted: tuple[RecordCount, ...] = ()
    strangers: tuple[Stranger, ...] = ()
    notice_from: date | None = None
    until: date | None = None
    baseline: Baseline | None = None
    not_counted_in_full: tuple[str, ...] = ()
