"""Read a JSON file (RFC 8259, strictly): one notice, a list, or a list under `departures`."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, NoReturn

from casework.intake.columns import BY_NAME, Column
from casework.intake.decoding import decode_json
from casework.intake.kinds import KindRule
from casework.intake.notice import Flaw, NoticeReading, NoticeRefusal, shown
from casework.intake.reading import read_file
from casework.intake.rows import Sheet, SheetRow
from casework.messages import message

_DEEPEST = 16
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_WRAPPER = "departures"


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as it was written.  No column takes a number, so it is never computed, even if it is very long."""

    text: str


class _Object(dict[str, Any]):
    """A JSON object that remembers a key that it had twice."""

    twice: str | None = None


def read_json(raw: bytes, kinds: KindRule | None = None) -> NoticeReading:
    """
    Return what the file *raw* reports.  Raises nothing, for any bytes.

    Keys are the English column names; values are strings or null, `other_emails` also a list of strings.  Unknown
    keys are kept, values that are not strings as JSON text.  See `casework.intake.kinds` for the key of the kind.
    """
    return read_file(raw, kinds, _parse)


def _parse(raw: bytes, rule: KindRule) -> Sheet:
    listed, beside = _unwrap(_load(decode_json(raw)))
    keys = dict.fromkeys(key for item in listed if isinstance(item, _Object) for key in item)
    columns = rule.columns(keys, BY_NAME.get)
    headers = {column: shown(key) for key, column in columns.items()}
    unknown = dict.fromkeys(shown(key) for key in (*beside, *(key for key in keys if key not in columns)))
    return Sheet([_row(number, item, columns) for number, item in enumerate(listed, 1)], headers, tuple(unknown))


def _load(text: str) -> Any:
    """Parse *text*.  Its depth is measured first, so that hostile nesting never reaches the interpreter's limit."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > _DEEPEST:
            raise Flaw("too_deep", limit=_DEEPEST)
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise Flaw("broken_json", line=error.lineno, character=error.colno) from error


def _refuse_constant(name: str) -> NoReturn:
    raise Flaw("not_finite", value=name)


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) != len(pairs):
        found.twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return found


def _twice(value: Any) -> str | None:
    """Return a key that occurs twice in *value* or within it."""
    if isinstance(value, _Object) and value.twice is not None:
        return value.twice
    within = value.values() if isinstance(value, _Object) else value if isinstance(value, list) else ()
    return next((key for part in within if (key := _twice(part)) is not None), None)


def _unwrap(whole: Any) -> tuple[list[Any], list[str]]:
    """Return the list of notices, and the keys beside `departures`."""
    if isinstance(whole, list):
        return whole, []
    if not isinstance(whole, _Object):
        raise _misfit("wrong_shape", whole)
    if _WRAPPER not in whole:
        return [whole], []
    if whole.twice is not None:
        raise Flaw("duplicate_key", column=shown(whole.twice))
    if not isinstance(whole[_WRAPPER], list):
        raise _misfit("wrong_shape", whole[_WRAPPER], column=_WRAPPER)
    return whole[_WRAPPER], [key for key in whole if key != _WRAPPER]


def _row(number: int, item: Any, columns: dict[str, Column]) -> SheetRow:
    if not isinstance(item, _Object):
        return SheetRow(number, refused=(_misfit("wrong_shape", item).at(number, value=_text(item)),))
    cells: dict[Column, str] = {}
    extra: dict[str, str] = {}
    refused: list[NoticeRefusal] = []
    if (twice := _twice(item)) is not None:
        refused.append(NoticeRefusal.of("duplicate_key", row=number, column=shown(twice)))
    for key, value in item.items():
        if columns.get(key) in cells:  # policy's column, spelled in two ways
            refused.append(NoticeRefusal.of("duplicate_key", row=number, column=shown(key)))
        try:
            if key in columns:
                cells[columns[key]] = _cell(columns[key], value)
            elif value is not None:
                extra[_whole(key)] = _whole(value if isinstance(value, str) else _text(value))
        except Flaw as flaw:
            refused.append(flaw.at(number, shown(key), _text(value)))
    return SheetRow(number, cells, extra, tuple(refused))


def _cell(column: Column, value: Any) -> str:
    """Return a known column's value as a CSV cell would hold it."""
    if value is None:
        return ""
    if column is Column.OTHER_EMAILS and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ";".join(value)
    if not isinstance(value, str):
        raise _misfit("wrong_type", value)
    return value


def _whole(text: str) -> str:
    """Return *text*; raises `Flaw` for a lone surrogate, which no file and no database can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Flaw("bad_character", position=error.start + 1) from error
    return text


def _text(value: Any) -> str:
    """Return *value* as JSON, numbers as they were written."""
    match value:
        case _Number():
            return value.text
        case list():
            return "[" + ", ".join(_text(part) for part in value) + "]"
        case _Object():
            return "{" + ", ".join(f"{_text(key)}: {_text(part)}" for key, part in value.items()) + "}"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _misfit(code: str, value: Any, column: str | None = None) -> Flaw:
    names: dict[type, str] = {_Object: "object", list: "list", str: "string", _Number: "number", bool: "boolean"}
    return Flaw(code, column=column, found=message(names.get(type(value), "null")))
