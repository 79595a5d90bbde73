"""
The manifest beside the papers: `manifest.csv` (UTF-8 or CP932) or `manifest.jsonl` (UTF-8), one paper a line.

A manifest that cannot be read whole is refused whole.  A cell that cannot be read counts as unknown, and the paper's details
say so: a wrong date on one line must not hide a hundred thousand other papers.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import MappingProxyType
from typing import Any

from connectors.errors import NotConfigured, Unintelligible
from connectors.nda import columns
from connectors.nda.contract import Paper
from models.vocabulary import PaperKind

NAMES = ("manifest.csv", "manifest.jsonl")
REGISTER = "folder"
PLEDGE = "pledge-"
Row = dict[str, str]

_SAME = columns.COLUMNS.keys() & {field.name for field in fields(Paper)} - {"id", "title", "status"}
"""The columns that a paper has as they are."""

_MEDIA_TYPES = MappingProxyType({
    ".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
    ".tif": "image/tiff", ".tiff": "image/tiff",
})  # fmt: skip


def find_manifest(folder: Path) -> Path:
    """Return the manifest's path.  Raises `NotConfigured` if there is none, or if there are two."""
    found = [folder / name for name in NAMES if (folder / name).is_file()]
    if len(found) == 1:
        return found[0]
    which = "no manifest" if not found else "two manifests"
    remedy = "Put one manifest.csv or manifest.jsonl into the folder LASTDAY_NDA_FOLDER (docs/connectors/nda.md)."
    raise NotConfigured(f"folder: cannot find its papers: {which}", code=which.replace(" ", "_"), remedy=remedy)


def read_rows(name: str, content: bytes) -> Iterator[Row]:
    """Yield the manifest's lines by column.  Raises `Unintelligible` for a manifest that cannot be read whole."""
    seen: set[str] = set()
    for line, row in _csv_rows(content) if name.endswith(".csv") else _json_rows(content):
        if (paper_id := id_of(row)) in seen:
            raise _refusal(line, "the same paper twice (id, or file without id)")
        seen.add(paper_id)
        yield row


def _csv_rows(content: bytes) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(io.StringIO(_decode(content, "utf-8-sig", "cp932"), newline=""), strict=True)
    try:
        header = next(reader, None) or []
        named = [columns.column(cell) or cell.strip() for cell in header]
        if not {"file", "kind"} & set(named) or len(set(named)) != len(named):
            raise _refusal(1, "the header names neither file nor kind, or one column twice")
        for cells in reader:
            if len(cells) > len(named):
                raise _refusal(reader.line_num, "more cells than columns")
            if any(cell.strip() for cell in cells):
                yield reader.line_num, {n: cell.strip() for n, cell in zip(named, cells, strict=False) if cell.strip()}
    except csv.Error as exc:
        raise _refusal(reader.line_num, "not CSV") from exc


def _json_rows(content: bytes) -> Iterator[tuple[int, Row]]:
    # not splitlines: JSON's strings may have other line ends
    for line, text in enumerate(_decode(content, "utf-8-sig").split("\n"), start=1):
        if not text.strip():
            continue
        try:
            read = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise _refusal(line, "not JSON") from exc
        if not isinstance(read, dict):
            raise _refusal(line, "not an object")
        yield line, {columns.column(key) or key: _text(value) for key, value in read.items() if value is not None}


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)


def _decode(content: bytes, *encodings: str) -> str:
    if (at := content.find(b"\0")) >= 0:
        raise _refusal(content.count(b"\n", 0, at) + 1, "a NUL byte")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as exc:
            if _is_utf8_but_for_a_few(content):  # as CP932 it would decode to wrong names
                raise _refusal(content.count(b"\n", 0, exc.start) + 1, "a byte that is not UTF-8") from exc
    raise Unintelligible("folder: cannot read the manifest: unknown_encoding", code="unknown_encoding")


def _is_utf8_but_for_a_few(content: bytes) -> bool:
    text = content.decode("utf-8", "replace")
    return text.startswith("\ufeff") or 2 * text.count("\ufffd") < sum(not character.isascii() for character in text)


def _refusal(line: int, why: str) -> Unintelligible:
    remedy = f"Correct line {line} of the manifest: {why}."
    return Unintelligible(f"folder: cannot read the manifest: line {line}: {why}", code="manifest", remedy=remedy)


def paper_of(row: Row) -> Paper:
    known, unread = columns.read_cells(row)
    file = known.get("file")
    details = {key: value for key, value in row.items() if key not in columns.COLUMNS}
    if file is not None:
        details["file"] = file
    if unread:
        details["problem"] = "; ".join(f"{name} cannot be read" for name in unread)
    kind, status = known.get("kind"), columns.fold(known.get("status", ""))
    filed = file is not None or kind is PaperKind.WORK_RULES
    return Paper(
        register=REGISTER,
        id=id_of(row),
        title=known.get("title") or known.get("template") or "",
        status=known.get("status", "filed" if filed else ""),
        completed=status in columns.SIGNED or (status == "" and filed),
        declined_at=_declined_at(known, status),
        void=status in columns.VOID,
        media_type=None if file is None else _MEDIA_TYPES.get(Path(file).suffix.lower(), "application/octet-stream"),
        details=MappingProxyType(details),
        **{name: known.get(name) for name in _SAME},
    )


def id_of(row: Row) -> str:
    """Return the id column, else the file's name (a pledge that comes back keeps its id), else a digest of the line."""
    if row.get("id"):
        return row["id"]
    if file := row.get("file"):
        return Path(file).stem if PLEDGE in file and Path(file).name.startswith(PLEDGE) else file
    return f"line-{hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]}"


def _declined_at(known: Mapping[str, Any], status: str) -> datetime | None:
    """Return the beginning (UTC) of the day of a refusal, now if the manifest has no day; None without a refusal."""
    if status not in columns.REFUSED and "declined_on" not in known:
        return None
    day: date | None = known.get("declined_on") or known.get("signed_on")
    return datetime.combine(day, time.min, UTC) if day is not None else datetime.now(UTC)
