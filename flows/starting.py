"""What each long-lived process of ours asks before it starts."""

from __future__ import annotations

import logging
import sys

from casework.errors import Misconfigured
from casework.private_files import refuse_open_files

_log = logging.getLogger("lastday.flows")


def refuse_to_start_open() -> None:
    """
    Exit with 2 if others may read a file of secrets that is ours; warn of one that is not ours to change.

    At the start alone: a run that carries a cut is never stopped by a file's mode.
    """
    try:
        for file in refuse_open_files():
            _log.warning("%s. %s", file.text, file.remedy)
    except Misconfigured as exc:
        sys.stderr.write(f"lastday: {exc}\n  {exc.remedy}\n")
        sys.exit(2)
