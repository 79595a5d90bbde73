"""
Ends process groups when the one who started them is gone, kill -9 included.

Reads group ids from its standard input, one a line.  The input ends when its writer does; if the last word was not
"farewell", the groups are ended.  A script of its own, without imports of ours: it must be there in milliseconds and
outlive everything else.
"""

import contextlib
import os
import signal
import sys
import time

GRACE = 5.0


def watch(lines: list[str]) -> None:
    """End every group named in *lines* unless they close with a farewell."""
    if "farewell" in lines:
        return
    groups = [int(line) for line in lines]
    _signal(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while any(_alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.1)
    _signal(groups, signal.SIGKILL)


def _signal(groups: list[int], number: int) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    watch(sys.stdin.read().split())
