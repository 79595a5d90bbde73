"""
Anchors as files outside of the database: they show whether the database was restored from an older backup.

`<folder>/<origin, percent-encoded>/00000046.checkpoint` and `.tsr` beside it; each later epoch has a folder beside that one
(`…~epoch-00000045-<digest>`).  Put the folder where a restored backup does not overwrite it, and copy it elsewhere: each file is
public, and each is evidence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from audit import note
from audit.anchors import Anchor
from audit.checkpoint import Checkpoint
from audit.note import NoteError

NOTE, STAMP = ".checkpoint", ".tsr"
REFUSED = ".refused"


@dataclass(frozen=True, slots=True)
class AnchorFiles:
    """The files of one log's anchors below *root*.  No anchor's file is ever changed or removed."""

    root: Path
    origin: str

    def folder(self, epoch: str = "") -> Path:
        """Return the folder of an epoch's anchors (`audit.epochs.name`); the first epoch's name is empty."""
        return self.root / (quote(self.origin, safe="") + (f"~{epoch}" if epoch else ""))

    def keep(self, anchor: Anchor, epoch: str = "") -> None:
        """Write the note, and the stamp if the anchor has one.  Safe to repeat."""
        self.keep_note(anchor.size, anchor.note, epoch)
        if anchor.tsr is not None:
            self._write(anchor.size, STAMP, anchor.tsr, epoch)

    def keep_note(self, size: int, raw: bytes, epoch: str = "") -> None:
        """Write the signed note of a head that has left the house: an anchor's, or one that a witness holds."""
        self._write(size, NOTE, raw, epoch)

    def keep_refused(self, size: int, response: bytes, epoch: str = "") -> None:
        """Write an authority's answer that could not be verified, so that a person can look at it."""
        self._write(size, STAMP + REFUSED, response, epoch)

    def heads(self, *, strict: bool = False) -> Iterator[tuple[Checkpoint, bytes]]:
        """
        Yield the largest head of each epoch, with its note.

        A file that is not a head of this log is skipped for the next smaller one; with *strict* it raises `NoteError`.  Raises
        `OSError` if a folder cannot be read.
        """
        if strict and (self.root.exists() or self.root.is_symlink()):
            next(self.root.iterdir(), None)  # raises if it cannot be listed
        for folder in self._folders():
            found = {int(path.stem): path for path in folder.glob(f"*{NOTE}") if path.stem.isdecimal()}
            for size in sorted(found, reverse=True):
                raw = found[size].read_bytes()
                head = self._head(size, raw)
                if head is not None:
                    yield head, raw
                    break
                if strict:
                    raise NoteError(f"anchors: cannot use the mirrored file of size {size}: it is no head of this log")

    def changed_at(self) -> tuple[int, ...] | None:
        """Return the folders' modification times (ns), which change when a file is added; None if a folder cannot be read."""
        try:
            return tuple(folder.stat().st_mtime_ns for folder in self._folders())
        except OSError:
            return None

    def _folders(self) -> list[Path]:
        """Return the existing folders of all epochs.  Raises `OSError` if they cannot be listed."""
        first = self.folder().name
        try:
            found = sorted(self.root.iterdir())
        except FileNotFoundError:
            return []
        return [one for one in found if one.name == first or one.name.startswith(f"{first}~")]

    def _head(self, size: int, raw: bytes) -> Checkpoint | None:
        try:
            head = Checkpoint.parse(note.split(raw)[0])
        except NoteError:
            return None
        return head if (head.origin, head.size) == (self.origin, size) else None

    def _write(self, size: int, ending: str, raw: bytes, epoch: str) -> None:
        """Write atomically and durably.  An existing file stays as it is, except a refused answer, which is replaced."""
        path = self.folder(epoch) / f"{size:08d}{ending}"
        if path.exists() and not ending.endswith(REFUSED):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with draft.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
