"""Files of secrets, refused when a verb starts if others may read them; and what a verb writes about people, private."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cli.terminal import warn


@cache
def refuse_open_files() -> None:
    """
    Raise `casework.errors.Misconfigured` if others may read or change a file of ours, and warn of those that are not ours.

    Once a verb, before it opens anything: a mode that changes later stops no verb half-way.
    """
    from casework import private_files

    for file in private_files.refuse_open_files():
        warn(file.text, file.remedy)


def look_again() -> None:
    """Begin a verb: the files of the one before it, in this process, tell nothing of its own."""
    refuse_open_files.cache_clear()


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that its owner alone can read, over an earlier one: whatever a verb writes about people."""
    from audit.secret_files import rewrite

    with rewrite(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
