"""The pages of a bundle that came back, held against those that its `record.json` makes."""

from __future__ import annotations

from collections.abc import Callable

from audit import layout
from casework.record.facts import NotARecord
from portal.record.pages import NotPrinted, pages


def unlike(record: bytes, page_of: Callable[[str], bytes]) -> str | None:
    """
    Return the name of the first page of a bundle that *record* does not make, None if it makes each.

    *page_of* returns a page by its name.  A record of which nothing can be made is named itself.
    """
    try:
        made = pages(record)
    except (NotARecord, NotPrinted):
        return layout.RECORD
    return next((name for name, page in made.items() if page_of(name) != page), None)
