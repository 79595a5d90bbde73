"""Our cursors, and how a reading goes on when Google no longer knows its page token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from connectors.errors import CursorExpired
from connectors.google_workspace.activity.sources import QUERIES
from connectors.google_workspace.errors import WHO

_TICK = timedelta(milliseconds=1)
"""The resolution of Google's instants."""


@dataclass(frozen=True, slots=True)
class PageCursor:
    """
    The next page to read.

    *query*: the walk's index in `QUERIES`; *ends_at*: the end of the time asked for, as sent (page tokens hold for the same
    request only); *token*: Google's page token, None on a walk's first page.  Of the walk's records so far: *oldest_at*,
    *ordered* (all came newest first), *found* (how many).  *pages*, *mark*: for detecting circles.
    """

    source: str
    account_id: str
    from_at: datetime
    ends_at: datetime
    query: int = 0
    token: str | None = None
    oldest_at: datetime | None = None
    ordered: bool = True
    found: int = 0
    pages: int = 0
    mark: str | None = None

    def onwards(self, token: str | None, instants: Sequence[datetime]) -> PageCursor:
        """
        Return the position after a page; *instants* are its records', in Google's order.

        Keeps the token at each power of two (Brent's algorithm), which detects a circle of any length.
        """
        seen = [*([self.oldest_at] if self.oldest_at is not None else []), *instants]
        ordered = self.ordered and all(later >= earlier for later, earlier in pairwise(seen))
        pages = self.pages + 1
        return replace(
            self,
            token=token,
            oldest_at=min(seen, default=None),
            ordered=ordered,
            found=self.found + len(instants),
            pages=pages,
            mark=self.token if pages & (pages - 1) == 0 else self.mark,
        )

    def leads_back(self, token: str | None) -> bool:
        """Whether *token*, the next page's, is one that the reading has had."""
        return token is not None and token in {self.token, self.mark}

    def renewed(self) -> PageCursor:
        """
        Return a position without a token, for the time up to the oldest record read, its millisecond included.

        All newer records have been given; those of that millisecond come twice.  Raises `CursorExpired` if records came out of
        order, or if no time is left.
        """
        if not self.ordered or self.oldest_at is None or self.oldest_at + _TICK >= self.ends_at:
            raise CursorExpired(f"{WHO}: cannot go on in the {self.source} log: the page token is no longer known")
        return replace(self, token=None, mark=None, pages=0, ends_at=self.oldest_at + _TICK)

    def as_cursor(self) -> str:
        return json.dumps(asdict(self), default=datetime.isoformat, separators=(",", ":"))


def read(cursor: str, source: str, account_id: str) -> PageCursor:
    """Return the position of *cursor*; raises `CursorExpired` if it is not one of ours, or is of another log or account."""
    try:
        held = json.loads(cursor)
        for name in ("from_at", "ends_at", "oldest_at"):
            held[name] = datetime.fromisoformat(held[name]) if held[name] is not None else None
        position = PageCursor(**held)
        there = position.from_at < position.ends_at and 0 <= position.query < len(QUERIES[source])
    except (ValueError, TypeError, KeyError) as exc:
        raise CursorExpired(f"{WHO}: cannot go on in the {source} log: the cursor cannot be read") from exc
    if (position.source, position.account_id) != (source, account_id) or not there:
        raise CursorExpired(f"{WHO}: cannot go on in the {source} log: the cursor is of another reading")
    return position
