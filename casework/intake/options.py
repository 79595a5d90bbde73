"""The command's own options become a reading of one row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from casework.intake.columns import BY_NAME, Column
from casework.intake.notice import Reading
from casework.intake.reading import read_table
from casework.intake.rows import Row, Table

_OPTIONS = {column: "--" + column.replace("_", "-") for column in Column}


def read_options(**fields: str | Iterable[str] | None) -> Reading:
    """
    Return the reading of one notice, its fields named as the columns.  None means not given; several values (of
    `other_emails`) are an iterable.  An option that is not given says nothing, but for the kind, which is asked for.

    *sha256* is of the given fields as JSON with sorted keys.
    """
    given = {
        name: value if isinstance(value, str) else ";".join(value)
        for name, value in fields.items()
        if value is not None
    }
    cells = {BY_NAME[name]: text for name, text in given.items() if name in BY_NAME}
    extra = {name: text for name, text in given.items() if name not in BY_NAME}
    sha256 = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
    return read_table(Table([Row(1, cells, extra)], _OPTIONS, tuple(extra)), sha256)
