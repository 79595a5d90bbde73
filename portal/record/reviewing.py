"""Compare a bundle's pages with those that its `record.json` makes."""

from __future__ import annotations

from collections.abc import Callable

from audit import bundle_paths
from casework.record.facts import RecordError
from portal.record.pages import TypesettingError, pages


def unlike(record: bytes, page_of: Callable[[str], bytes]) -> str | None:
    """
    Return the name of the first page that differs from what *record* makes, None if all are equal.

    *page_of*: returns a page by its name.  If no page can be made from the record, returns the record's name.
    """
    try:
        made = pages(record)
    except (RecordError, TypesettingError):
        return bundle_paths.RECORD
    return next((name for name, page in made.items() if page_of(name) != page), None)
