"""The command's own options become a reading of one row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from types import MappingProxyType

from casework.intake.columns import Column
from casework.intake.gather import gather
from casework.intake.notice import Reading
from casework.intake.rows import Row, read_row

_COLUMNS = {column.value: column for column in Column}


def read_options(**fields: str | Iterable[str] | None) -> Reading:
    """
    Return the reading of one notice, its fields named as the columns.  None means not given; several values (of
    `other_emails`) are an iterable.  An option that is not given says nothing, but for the kind, which is asked for.

    *sha256* is of the given fields as JSON with sorted keys.
    """
    given = {key: _one(value) for key, value in fields.items() if value is not None}
    sha256 = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
    cells = {_COLUMNS[key]: text for key, text in given.items() if key in _COLUMNS}
    extra = {key: text for key, text in given.items() if key not in _COLUMNS}
    headers = {column: "--" + column.value.replace("_", "-") for column in Column}
    outcome = read_row(Row(1, cells, headers, MappingProxyType(extra)))
    return gather([outcome], sha256=sha256, unknown_columns=tuple(extra), headers=headers)


def _one(value: str | Iterable[str]) -> str:
    return value if isinstance(value, str) else ";".join(value)
