"""What the bytes of a paper show, as it goes from room to room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Signature:
    """
    One signature inside a PDF, as verified.

    *kind*: a `person`'s, a company's, an office's or a service's `seal` (by its certificate: ETSI EN 319 412-5's statement, or no person's name), or a
    `timestamp` of the document alone.  Only the first is somebody's word.  *intact*: the signed bytes are unchanged.  *trusted*: its certificate leads to a configured root.  *covers_whole*: nothing was
    appended after it but what it allows.  *timestamped_at*: from a trusted timestamp; *claimed_at* the signer's own word.  *over_sha256*: of the first of the seals and
    stamps that stand last, the digest of the file as it was before them: a service seals anew whenever it is asked for the file.  *filled_after*: fields of the form were
    filled in after it, for which another person's signature answers.
    """

    signer: str
    intact: bool
    trusted: bool
    covers_whole: bool
    claimed_at: datetime | None = None
    timestamped_at: datetime | None = None
    problem: str | None = None
    kind: Literal["person", "seal", "timestamp"] = "person"
    over_sha256: str | None = None
    filled_after: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """
    What the bytes of a paper show.  *signatures* is empty for a scan: it proves nothing by itself, and *text* says so.

    *altered*: a signature is broken, or the content was changed after the last one that is a person's.  *readable* is False for bytes that no reader opens.
    *sha256*, *size*: of the bytes examined.
    """

    sha256: str
    size: int
    readable: bool
    altered: bool
    signatures: tuple[Signature, ...]
    text: str
