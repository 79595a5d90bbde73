"""
What an activity file holds: one header line, then each record as the vendor gave it, one line each.

A page is a Zstandard frame of its own: `zstd -dc` reads them as one file, and a file can be cut after any page.
"""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Container, Iterator, Mapping, Sequence
from importlib.metadata import version

import orjson
import zstandard

from casework.activity.logs import understood
from casework.evidence.chunks import content_of
from casework.evidence.store import EvidenceStore
from connectors.activity import Activity, ActivityLog, Record
from connectors.matching import fold_email
from models.tables import Collection
from models.vocabulary import Json, as_fields

_LEVEL = 3
"""Level 6 saves a tenth of the bytes and takes three times as long."""


def page_frame(records: Sequence[Record]) -> bytes:
    """Return a page as one compressed frame with a checksum."""
    return _compress(b"".join(_line(record.raw) for record in records))


def header_frame(collection: Collection) -> bytes:
    """
    Return the file's first line.  Its nonce keeps the digest of a short file from being guessed.

    What was found is said by the statement, which is bound beside it: it is not known yet.
    """
    header: dict[str, Json] = {
        "lastday": "activity/1",
        "nonce": secrets.token_hex(32),
        **as_fields(collection.connection),
        "source": collection.source,
        "query": {
            "account": collection.account_id,
            "from": collection.from_at.isoformat(),
            "until": collection.until_at.isoformat(),
        },
        "round": collection.round,
        "begun_at": collection.begun_at.isoformat(),
        "tool": f"lastday {version('lastday')}",
    }
    return _compress(_line(header))


def own_activities(
    evidence: EvidenceStore, row: Collection, log: ActivityLog, names: Container[str]
) -> Iterator[Sequence[Activity] | None]:
    """
    Yield what each record of a pass's file tells of the doings of *names*, None for one that cannot be understood.

    What others did to the account is evidence too, and says nothing of whoever has it.
    """
    with evidence.open(row.case_id, row.file) as compressed:
        lines = io.BufferedReader(content_of(compressed), 1 << 20)
        next(lines, None)  # the header
        for line in lines:
            done = understood(log, row.source, orjson.loads(line))
            yield done and [one for one in done if one.actor_id is None or fold_email(one.actor_id) in names]


def _compress(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(content)


def _line(raw: Mapping[str, Json]) -> bytes:
    try:
        return orjson.dumps(raw, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a number beyond 64 bits, half a surrogate pair: as they came, in the slower way
        return json.dumps(raw, separators=(",", ":")).encode("ascii") + b"\n"
