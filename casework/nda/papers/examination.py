"""The result of examining a paper's bytes, as the other packages receive it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Signature:
    """
    One signature inside a PDF, as verified.

    *kind*: a `person`'s signature; the `seal` of a company, an office or a service (by its certificate: ETSI EN 319 412-5's statement, or a name
    that is not a person's); or a `timestamp` of the document alone.  Only a person's is a declaration of will.  *intact*: the signed bytes are
    unchanged.  *trusted*: its certificate leads to a configured root.  *covers_whole*: only what it allows was appended after it.
    *timestamped_at*: from a trusted timestamp; *claimed_at*: the signer's own claim.  *over_sha256*: if seals and timestamps come last, the first
    of them has the digest of the file before them, since a service seals the file anew at each download.  *filled_after*: form fields were filled
    in after it, which a later person's signature covers.
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
class Examination:
    """
    What the bytes of a paper show.  *signatures* is empty for a scan: it proves nothing by itself, and *text* says so.

    *altered*: a signature is broken or was removed, or the content was changed after the last person's signature.  *readable*: False for bytes
    that cannot be opened.  *sha256*, *size* (bytes): of the bytes examined.
    """

    sha256: str
    size: int
    readable: bool
    altered: bool
    signatures: tuple[Signature, ...]
    text: str
