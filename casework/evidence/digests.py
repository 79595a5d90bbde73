"""The digests by which evidence is known, taken in one pass over its clear bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, cast

import zstandard

from casework.errors import Damaged

_AT_ONCE = 1 << 20


class Digests(NamedTuple):
    """SHA-256 of the clear bytes, and of what they hold if they are compressed."""

    sha256: str
    content_sha256: str


@dataclass(slots=True)
class _Tally:
    """Passes bytes on and keeps their digest."""

    source: BinaryIO | zstandard.ZstdDecompressionReader
    seen: hashlib._Hash = field(default_factory=hashlib.sha256)

    def read(self, count: int = _AT_ONCE) -> bytes:
        part = self.source.read(count)
        self.seen.update(part)
        return part


def digest(clear: BinaryIO, *, compressed: bool) -> Digests:
    """Read *clear* to its end.  Raises `Damaged` if it says that it is compressed and is not."""
    outer = _Tally(clear)
    inner = _Tally(content_of(cast("BinaryIO", outer))) if compressed else outer
    try:
        while inner.read() or outer.read():
            continue
    except zstandard.ZstdError as exc:
        raise Damaged("it is no Zstandard file") from exc
    return Digests(outer.seen.hexdigest(), inner.seen.hexdigest())


def content_of(compressed: BinaryIO) -> zstandard.ZstdDecompressionReader:
    """Return what a Zstandard stream of one frame or many holds, as a stream."""
    return zstandard.ZstdDecompressor().stream_reader(compressed, read_across_frames=True)
