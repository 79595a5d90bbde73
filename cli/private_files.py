"""Files of secrets, refused when a verb starts if others may read them; and what a verb writes about people, private."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from cli.terminal import warn

_rehearsal: ContextVar[bool] = ContextVar("rehearsal", default=False)


def refuse_open_files() -> None:
    """
    Raise `casework.errors.Misconfigured` if others may read or change a file of ours, and warn of those that are not ours.

    Once a verb, before it opens anything: a mode that changes later stops no verb half-way.
    """
    if not _rehearsal.get():
        _refuse()


@cache
def _refuse() -> None:
    from casework import private_files

    for file in private_files.refuse_open_files():
        warn(file.text, file.remedy)


def look_again() -> None:
    """Begin a verb: the files of the one before it, in this process, tell nothing of its own."""
    _refuse.cache_clear()


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that its owner alone can read, over an earlier one: whatever a verb writes about people."""
    from audit.secret_files import rewrite

    with rewrite(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def rehearsing() -> Iterator[None]:
    """Look at no file: a rehearsal's secrets are worthless, and it runs beside whatever `.env` lies here."""
    before = _rehearsal.set(True)
    try:
        yield
    finally:
        _rehearsal.reset(before)
