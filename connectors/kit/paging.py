"""Reading a list to its last page, and no page twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.errors import Unintelligible
from models.vocabulary import Evidence

MOST_PAGES = 10_000
"""Where a list that never ends is given up.  Our choice: a million rows at a hundred a page."""


@dataclass(slots=True)
class FollowedCursors:
    """
    The marks (tokens, cursors, links) that one reading has followed.  *who* and *doing* are the words of the error.

    An empty page is not the last one: only a page without a mark is.
    """

    who: str
    doing: str
    most: int = MOST_PAGES
    _seen: set[str] = field(default_factory=set)

    def follow(self, mark: object, evidence: Sequence[Evidence] = ()) -> str | None:
        """
        Return the mark of the next page, None after the last one.

        Raises `Unintelligible` for a mark that is not a text or that came before, and after *most* pages.
        """
        if mark is None or mark == "":
            return None
        if not isinstance(mark, str):
            raise self._refused("the page's mark is not a text", evidence)
        if mark in self._seen:
            raise self._refused("the same page again", evidence)
        if len(self._seen) >= self.most:
            raise self._refused(f"more than {self.most} pages", evidence)
        self._seen.add(mark)
        return mark

    def _refused(self, why: str, evidence: Sequence[Evidence]) -> Unintelligible:
        return Unintelligible(f"{self.who}: cannot {self.doing}: {why}", evidence=evidence)
