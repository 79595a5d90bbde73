"""What the services' logs told: the statements as they stand in the database, the rest from the newest summary."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from casework.activity.usual import Usual
from casework.view.part import Instant, Part, Placed
from models.vocabulary import ActivityKind, Completeness


class Sentence(Part):
    """One sentence in both languages."""

    text: str
    text_ja: str


class Difference(Sentence):
    """What a later pass added to the earlier ones."""

    new: int
    late: int | None


class Source(Placed, Sentence):
    """One pass over one log for one account, with how complete it is.  *lag* in seconds, *retention* in days."""

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
    difference: Difference | None


class Risk(Sentence):
    """
    One reason, with its figures, why what was taken is unusual.

    *unclean*: it says that nobody can call it usual, not that it is unusual.
    """

    reason: str
    figures: dict[str, Any]
    unclean: bool


class Folder(Part):
    """A folder of which much was taken; its name is confidential."""

    folder: str
    count: int


class Exit(Placed):
    """A way out that was made; *text*, whom it leads to, is confidential."""

    kind: ActivityKind
    at: Instant
    text: str


class Broken(Part):
    """What happened after the cut, by kind."""

    kind: ActivityKind
    count: int
    first_at: Instant
    last_at: Instant


class Silence(Placed, Sentence):
    """
    What one account did after its cut: *state* is `not_cut`, `broken`, `unclear`, `not_read` or `silent`.

    *events* break it; *unclear* are those of which nobody can say that they do not; *attempts*: failed sign-ins; *by_others*: what others did
    to the account.
    """

    account: str
    state: str
    cut_effective_by: Instant | None
    residual: int
    attempts: int = 0
    events: tuple[Broken, ...]
    unclear: tuple[Broken, ...] = ()
    by_others: tuple[Broken, ...] = ()


class Days(Part):
    """How much was taken per day: *counts* of the days from *first* on; *usual* from Monday on, empty with nothing to compare with."""

    first: date
    counts: tuple[int, ...] = Field(min_length=1)
    usual: tuple[Usual, ...] = ()


class Baseline(Part):
    """How many days before the notice there are to compare with, how many the person was not at work, and the sources that have too few."""

    days: int
    left_out: int = 0
    without: tuple[str, ...]


class Counted(Part):
    """How many of a log's records tell of the person's doings, of others', cannot be understood, or stand in the files again."""

    log: str
    records: int
    own: int
    others: int
    odd: int
    again: int


class Stranger(Part):
    """A name that is not the account's, in a log that tells of nobody else's doings; it may be a third person's, and is confidential."""

    log: str
    name: str
    records: int


class Downloads(Part):
    """
    What was collected.  From *counts* on it is the summary's, None where there is none (yet), or where it was erased.

    *confidential*: whether folders and targets of ways out are shown here, None where nothing was collected.  *not_begun*: the
    leaver's logs that nobody has begun to read, as far as this process knows which there are.
    """

    state: Literal["not_collected", "not_available", "partial", "collected"]
    confidential: Literal["hidden", "shown"] | None = None
    sources: tuple[Source, ...] = ()
    not_begun: tuple[str, ...] = ()
    summary_sha256: str | None = None
    problem: str | None = None
    remedy: str | None = None
    counts: dict[ActivityKind, int] | None = None
    verdict: Literal["unusual", "cannot_say", "nothing_unusual"] | None = None
    summary: tuple[Sentence, ...] = ()
    risks: tuple[Risk, ...] | None = None
    days: Days | None = None
    folders: tuple[Folder, ...] = ()
    hours: tuple[int, ...] | None = None
    exits: tuple[Exit, ...] = ()
    exits_in_all: int | None = None
    silence: tuple[Silence, ...] = ()
    counted: tuple[Counted, ...] = ()
    strangers: tuple[Stranger, ...] = ()
    notice_from: date | None = None
    until: date | None = None
    baseline: Baseline | None = None
    not_counted_in_full: tuple[str, ...] = ()
