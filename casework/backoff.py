"""The waits between looks."""

from __future__ import annotations

from collections.abc import Iterator

from casework.policy import Observe


def backoff(policy: Observe, *, limit: float | None = None) -> Iterator[float]:
    """Yield waits in seconds, doubling from the first to the longest, until *limit* (policy's deadline) is used up."""
    left = policy.deadline_seconds if limit is None else min(limit, policy.deadline_seconds)
    wait = policy.first_wait_seconds
    while left > 0:
        step = min(wait, left)
        yield step
        left -= step
        wait = min(wait * 2, policy.longest_wait_seconds)
