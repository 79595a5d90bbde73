"""The progress of reading the audit log, kept whole in the cursor, so that a killed process loses nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from itertools import pairwise
from typing import Any, TypeAlias

from connectors.activity import Window
from connectors.errors import CursorExpired

Slice: TypeAlias = "tuple[int, int]"
"""From and until, in seconds since 1970, the resolution of the vendor's filter."""


SHORTEST = timedelta(hours=1)
"""The shortest slice: it is not halved, and no window is split for less.  Our choice."""


class SearchStep(StrEnum):
    """What the next call does."""

    ASK = "ask"
    POLL = "poll"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Progress:
    """
    One reading of one window.

    *key* and *number* name the present search, submitted or not, so that a call with this cursor finds it among the tenant's
    searches.  *slices*: what is still to be read, the present one first.  *due*: when the submitting call was expected; a
    later call may be its second try.  *looks*: how often a search that may not have been submitted was looked for.  *turn*:
    polls, refusals or pages of this step.  *again*: how often the records were read from the first page again.  *came*,
    `told`: records read of this search, and the vendor's count.  *mark*: an earlier link, for detecting circles; *pages*:
    digests of each page's least id, for detecting a page that comes twice under another link.  *waits*: how often the
    tenant's queue was full.  *alive*: this search asks whether the tenant records anything at all.
    """

    key: str
    slices: tuple[Slice, ...]
    step: SearchStep = SearchStep.ASK
    number: int = 0
    due: float = 0.0
    looks: int = 0
    turn: int = 0
    failures: int = 0
    query: str = ""
    link: str | None = None
    mark: str | None = None
    pages: tuple[str, ...] = ()
    wide: bool = True
    again: int = 0
    came: int = 0
    told: int = 0
    total: int = 0
    waits: int = 0
    alive: bool = False

    @classmethod
    def of(cls, window: Window, key: str, now: datetime, kept: timedelta) -> Progress:
        """
        Begin: what lies within the *kept* time is one search, what lies before it others, each as long as that.

        The earliest is up to an hour longer: a window as long as the *kept* time was worked out a moment before *now*, and that moment is
        no search of its own.
        """
        # in whole seconds, rounded outwards
        begin, end = int(window.from_at.timestamp() // 1), int(-(-window.until_at.timestamp() // 1))
        step, first = int(kept.total_seconds()), begin + int(SHORTEST.total_seconds())
        edges = sorted({begin, end, *(x for x in range(int(now.timestamp()) - step, first, -step) if x < end)})
        return cls(key, tuple(pairwise(edges)), due=now.timestamp())

    @classmethod
    def read(cls, cursor: str) -> Progress:
        """Return the progress of *cursor*; raises `CursorExpired` if it is not one of ours: then the reading begins again."""
        try:
            values: dict[str, Any] = json.loads(cursor)
            slices = tuple((int(a), int(b)) for a, b in values.pop("slices"))
            progress = cls(
                slices=slices, step=SearchStep(values.pop("step")), pages=tuple(values.pop("pages", ())), **values
            )
            _ = progress.ends_at  # the slice that is being read
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as exc:
            raise CursorExpired("microsoft365: cannot go on reading: the cursor is not one of ours") from exc
        return progress

    def cursor(self) -> str:
        return json.dumps({field.name: getattr(self, field.name) for field in fields(self)})

    @property
    def name(self) -> str:
        """The beginning of the search's display name, without personal data."""
        return f"lastday {self.key}.{self.number} "

    @property
    def begins_at(self) -> datetime:
        return datetime.fromtimestamp(self.slices[0][0], UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.fromtimestamp(self.slices[0][1], UTC)

    def ask(self, slices: tuple[Slice, ...], due: datetime) -> Progress:
        """Go on to a new search for the first of *slices*, to be submitted at *due*."""
        return Progress(self.key, slices, number=self.number + 1, due=due.timestamp(), total=self.total)

    def halved(self, now: datetime) -> Progress:
        begin, end = self.slices[0]
        middle = (begin + end) // 2
        return self.ask(((begin, middle), (middle, end), *self.slices[1:]), now)

    def from_first_page(self) -> Progress:
        return replace(self, link=None, mark=None, pages=(), again=self.again + 1, turn=0, came=0)

    def having(self, ids: Sequence[str]) -> Progress:
        """Count the records of a page; a page that comes twice counts once, since another page may be missing."""
        if (
            not ids
            or (mark := blake2b(min(ids).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()) in self.pages
        ):
            return self
        came = len(set(ids))
        return replace(self, came=self.came + came, total=self.total + came, pages=(*self.pages, mark))

    def onwards(self, link: str) -> Progress:
        """Go on to *link*.  Keeps the link at each power of two (Brent's algorithm), which detects a circle of any length."""
        turn = self.turn + 1
        return replace(self, link=link, turn=turn, mark=self.link if turn & (turn - 1) == 0 else self.mark)
