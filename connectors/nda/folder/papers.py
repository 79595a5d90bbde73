"""The folder's files: reading papers, and writing pledges into the outbox."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from connectors.errors import Unintelligible, Unreachable
from connectors.nda.contract import Paper
from connectors.nda.folder.manifest import PLEDGE, REGISTER
from models.vocabulary import Leaver, PaperKind

OUTBOX = "outbox"
LARGEST = 64 * 1024 * 1024


def read_file(folder: Path, name: str) -> bytes:
    """
    Return a file's bytes.  Raises `Unreachable` for one that is not there (the paper exists by the manifest), `Unintelligible`
    for a name that leads out of the folder, for anything but a plain file, and beyond `LARGEST` bytes.
    """
    path = _inside(folder, name)
    try:
        # opening a named pipe would wait for its writer
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            seen = os.fstat(file.fileno())
            if not stat.S_ISREG(seen.st_mode) or seen.st_size > LARGEST:
                raise _odd("not a plain file, or too large")
            return file.read(LARGEST)
    except OSError as exc:
        remedy = "Put the file that the manifest names into the folder, readable, then run the case again."
        code = type(exc).__name__
        raise Unreachable(f"folder: cannot read a paper: {code}", code=code, remedy=remedy) from exc


def _inside(folder: Path, name: str) -> Path:
    """Return the path of *name*, in the form of Unicode that the file system has, with links resolved."""
    root = folder.resolve()
    plain = name.replace("\\", "/")
    if "\0" in plain:
        raise _odd("its name has a NUL character")
    forms = [root / unicodedata.normalize(form, plain) for form in ("NFC", "NFD")]
    path = next((form for form in (root / plain, *forms) if form.exists()), root / plain).resolve()
    if not path.is_relative_to(root):
        raise _odd("its name leads out of the folder")
    return path


def _odd(why: str) -> Unintelligible:
    return Unintelligible(f"folder: cannot read a paper: {why}", code="file_name", remedy="Correct the manifest.")


@dataclass(frozen=True, slots=True)
class Pledge:
    """A pledge in the outbox that waits for its wet signature."""

    id: str
    title: str
    sent_at: datetime
    sha256: str
    employee_no: str
    name: str
    email: str | None

    def paper(self) -> Paper:
        return Paper(
            register=REGISTER,
            id=self.id,
            kind=PaperKind.EXIT_PLEDGE,
            title=self.title,
            signer_name=self.name,
            signer_email=self.email,
            signer_employee_no=self.employee_no,
            status="in_outbox",
            sha256=self.sha256,
            details={"file": f"{OUTBOX}/{self.id}.pdf"},
        )


_PLEDGES = TypeAdapter(Pledge)


class PledgeFolder:
    """
    Pledges for printing: `<id>.pdf`, and `<id>.json`, which is written last and removed first: without it the pledge was not
    sent.  Raises `OSError` if the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder / OUTBOX

    def put(self, pledge: bytes, leaver: Leaver, title: str, key: str) -> Pledge:
        """Write the pledge, unless *key* has one already."""
        known = pledge_id(key)
        if (before := self.get(known)) is not None:
            return before
        digest = hashlib.sha256(pledge).hexdigest()
        made = Pledge(known, title, datetime.now(UTC), digest, leaver.employee_no, leaver.name, leaver.email)
        self._root.mkdir(parents=True, exist_ok=True)
        for ending, content in (("pdf", pledge), ("json", _PLEDGES.dump_json(made))):
            with replacing(self._root / f"{known}.{ending}") as draft:
                draft.write_bytes(content)
        return made

    def get(self, pledge_id: str) -> Pledge | None:
        if not pledge_id.startswith(PLEDGE) or not pledge_id.removeprefix(PLEDGE).isalnum():
            return None
        try:
            return _PLEDGES.validate_json((self._root / f"{pledge_id}.json").read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as exc:
            raise Unintelligible("folder: cannot read a pledge: not ours", code="outbox") from exc

    def remove(self, pledge_id: str) -> None:
        if self.get(pledge_id) is not None:
            for ending in ("json", "pdf"):
                (self._root / f"{pledge_id}.{ending}").unlink(missing_ok=True)

    def all(self) -> list[Pledge]:
        found = (self.get(path.stem) for path in sorted(self._root.glob(f"{PLEDGE}*.json")))
        return [pledge for pledge in found if pledge is not None]


def pledge_id(key: str) -> str:
    return PLEDGE + hashlib.sha256(key.encode()).hexdigest()[:20]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft that only its owner may read, to take *path*'s place: a file is written whole or not at all."""
    number, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    draft = Path(name)
    try:
        yield draft
        os.fsync(number)
        draft.replace(path)
    finally:
        os.close(number)
        draft.unlink(missing_ok=True)
