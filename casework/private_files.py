"""
Files of secrets and of people's data that others on this machine may read: `.env`, key files, the SQLite database.

Files that we write are private from their first byte (`audit.secret_files`); these were made by people, or are older.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values  # what pydantic-settings reads `.env` with

from casework.errors import Misconfigured
from casework.settings import CaseworkSettings, read_settings
from casework.store import database_files

_ENV_FILE = Path(".env")
_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
_SECRET = ("_CREDENTIALS_FILE", "_CERTIFICATE_FILE", "_KEY_FILE")
_PUBLIC = "_PUBLIC_KEY_FILE"


@dataclass(frozen=True, slots=True)
class UnprotectedFile:
    """
    A file that its group or everybody may read or change.

    *ours*: it belongs to the user of this process, who can close it.  Root could too, but only the owner knows who needs the file.
    """

    path: Path
    mode: int
    ours: bool

    @property
    def text(self) -> str:
        return f"others may read or change {self.path} (mode {self.mode:04o})"

    @property
    def remedy(self) -> str:
        if self.ours:
            return f"Run {_close(self)}."
        return f"It is another user's: have them run {_close(self)}, or use a copy of your own."


def refuse_open_files() -> list[UnprotectedFile]:
    """
    Raise `Misconfigured` if others may read or change a file of ours; return the files that are not ours to change.

    The caller shows those as warnings.  Called at the start of a verb or a long-lived process, before anything is opened.
    `casework.bootstrap.open_context` does not call it: a file's mode never stops a run that carries a cut.
    """
    found = find_open_files(read_settings())
    ours = [file for file in found if file.ours]
    if ours:
        raise Misconfigured(f"files: cannot go on: {'; '.join(file.text for file in ours)}", f"Run {_close(*ours)}.")
    return found


def find_open_files(settings: CaseworkSettings) -> list[UnprotectedFile]:
    """
    Return every file of secrets that others may read or change.  Reads modes and no content.

    Links are followed.  A missing file, or one in a folder that we may not enter, is left out: the code that opens it reports it.
    """
    found = []
    for path in dict.fromkeys(_secret_files(settings)):
        with contextlib.suppress(OSError, ValueError):  # ValueError: a NUL byte in a path of `.env`
            status = path.stat()
            mode = stat.S_IMODE(status.st_mode)
            if stat.S_ISREG(status.st_mode) and mode & _OTHERS:
                found.append(UnprotectedFile(path, mode, status.st_uid == os.geteuid()))
    return found


def _environment() -> dict[str, str]:
    """Return the variables as the settings read them: the environment, and `.env` for those that are missing or empty there."""
    written = dotenv_values(_ENV_FILE) if _ENV_FILE.is_file() else {}
    return {name.upper(): value for source in (written, os.environ) for name, value in source.items() if value}


def _secret_files(settings: CaseworkSettings) -> Iterator[Path]:
    yield _ENV_FILE
    defaults = {f"LASTDAY_{name.upper()}": str(value) for name, value in settings if isinstance(value, Path)}
    for name, value in (defaults | _environment()).items():
        if name.startswith("LASTDAY_") and name.endswith(_SECRET) and not name.endswith(_PUBLIC):
            yield Path(value)
    yield from database_files(settings.database_url.get_secret_value())


def _close(*files: UnprotectedFile) -> str:
    return f"`chmod 600 {shlex.join(str(file.path) for file in files)}`"
