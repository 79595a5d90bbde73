"""
Anchors as files, outside of the database: what tells whether a database is as old as a backup.

`<folder>/<origin, percent-encoded>/00000046.checkpoint` and `.tsr` beside it.  Put the folder where a restored backup does
not reach it, and copy it away: each file is public, and each is evidence.
"""

from __future__ import annotations

import os
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
class Mirror:
    """The files of one log's anchors below *root*.  Nothing in it is ever changed or removed."""

    root: Path
    origin: str

    @property
    def folder(self) -> Path:
        return self.root / quote(self.origin, safe="")

    def keep(self, anchor: Anchor) -> None:
        """Write the note, and the stamp once there is one.  Twice is safe."""
        self.keep_note(anchor.size, anchor.note)
        if anchor.tsr is not None:
            self._write(anchor.size, STAMP, anchor.tsr)

    def keep_note(self, size: int, raw: bytes) -> None:
        """Write a head that has left the house, whoever holds it."""
        self._write(size, NOTE, raw)

    def keep_refused(self, size: int, response: bytes) -> None:
        """Write what an authority sent and we could not verify, for a person to look at."""
        self._write(size, STAMP + REFUSED, response)

    def newest(self) -> Checkpoint | None:
        """Return the largest head in the folder, None if there is none.  Raises `NoteError` for a file that is none."""
        found = {int(path.stem): path for path in self.folder.glob(f"*{NOTE}") if path.stem.isdecimal()}
        if not found:
            return None
        size = max(found)
        head = Checkpoint.parse(note.split(found[size].read_bytes())[0])
        if (head.origin, head.size) != (self.origin, size):
            raise NoteError(f"anchors: cannot use the mirrored file of size {size}: it is another head's")
        return head

    def changed_at(self) -> int | None:
        """Return a number that changes when a file is added, None while there is no folder."""
        try:
            return self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def _write(self, size: int, ending: str, raw: bytes) -> None:
        """Write at once and durably: no reader ever sees half a file, and no file loses what it had."""
        path = self.folder / f"{size:08d}{ending}"
        if path.exists() and not ending.endswith(REFUSED):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with draft.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
