"""
The paths of a bundle, for its writer and its verifier.

    certificate.sigstore.json  SHA256SUMS                         the signature, and the list that it covers
    record.json                                                   the case, derived from its events: `audit.record`
    README.ja.txt README.en.txt record.html record.pdf            for people; made by the caller, from record.json alone
    events/NNNN.json  .json.tlog-proof  .json.spicy               each event of the case, with two forms of its proof
    payloads/NNNN.json  NNNN.salt                                 the payload of the event; absent once it is erased
    evidence/…                                                    files that an event binds by their digest
    log/checkpoint  log/entries.jsonl                             the signed head, and every event of every case
    log/anchors/SIZE.checkpoint  .tsr                             heads that witnesses cosigned, and their stamps

SIZE has eight digits, NNNN four or more: both sort by number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

CERTIFICATE = "certificate.sigstore.json"
SUMS = "SHA256SUMS"
CHECKPOINT = "log/checkpoint"
ENTRIES = "log/entries.jsonl"
EVIDENCE = "evidence/"
READMES = ("README.ja.txt", "README.en.txt")
RECORD, PAGE, PRINTED = "record.json", "record.html", "record.pdf"
SEALED = "record.sealed.pdf"
"""An extra copy, signed with the operator's own PDF seal: no step of the verification reads it."""
PAGES = frozenset({*READMES, RECORD, PAGE, PRINTED})
REQUIRED = frozenset({*READMES, PAGE, CHECKPOINT, ENTRIES})
"""What every bundle has.  Bundles of earlier versions have no `record.json`."""
PROOF, SPICY = ".tlog-proof", ".spicy"

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*){0,8}", re.ASCII)
"""A path that means the same on every system: no leading dot, no space, no character that a shell or a list would misread."""

_PLACES = re.compile(
    r"(?:events|payloads)/[0-9]{4,}\.[a-z.-]+|evidence/.+|log/anchors/[0-9]{8,}\.(?:checkpoint|tsr)", re.ASCII
)


def belongs(path: str) -> bool:
    """Return whether a bundle may have a file of this path, listed or not."""
    return path in {*PAGES, *REQUIRED, SEALED} or _PLACES.fullmatch(path) is not None


def files_of(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the files of the bundle that a leaf binds.  Most evidence is exchanges with a vendor, which are not files."""
    told = said.get("evidence", [])
    listed = told if isinstance(told, list) else []
    return [one for one in listed if "sha256" in one and str(one.get("name", "")).startswith(EVIDENCE)]


def event(seq: int) -> str:
    return f"events/{seq:04}.json"


def payload(seq: int) -> str:
    return f"payloads/{seq:04}.json"


def salt(seq: int) -> str:
    return f"payloads/{seq:04}.salt"


def anchored(size: int) -> str:
    """Return the path of the note whose head has *size* entries."""
    return f"log/anchors/{size:08}.checkpoint"


def stamped(size: int) -> str:
    """Return the path of the stamp over that note."""
    return f"log/anchors/{size:08}.tsr"
