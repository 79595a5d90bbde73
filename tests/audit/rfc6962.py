"""
RFC 6962, section 2.1, written down a second time and as slowly as the text reads: the ruler for the fast one.

Nothing of the trail is imported here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence


def hashing(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    """Return MTH(D[low:high]) over *leaves*, remembering what was computed."""
    known: dict[tuple[int, int], bytes] = {}

    def mth(low: int, high: int) -> bytes:
        if (low, high) not in known:
            n = high - low
            if n == 0:
                known[low, high] = hashlib.sha256().digest()
            elif n == 1:
                known[low, high] = hashlib.sha256(b"\x00" + leaves[low]).digest()
            else:
                k = largest_power_below(n)
                known[low, high] = hashlib.sha256(b"\x01" + mth(low, low + k) + mth(low + k, high)).digest()
        return known[low, high]

    return mth


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, low: int, high: int, mth: Callable[[int, int], bytes]) -> list[bytes]:
    """PATH(m, D[n]) of section 2.1.1; *m* counts from *low*."""
    n = high - low
    if n == 1:
        return []
    k = largest_power_below(n)
    if m < k:
        return [*path(m, low, low + k, mth), mth(low + k, high)]
    return [*path(m - k, low + k, high, mth), mth(low, low + k)]


def subproof(m: int, low: int, high: int, whole: bool, mth: Callable[[int, int], bytes]) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of section 2.1.2; *m* counts from *low*."""
    n = high - low
    if m == n:
        return [] if whole else [mth(low, high)]
    k = largest_power_below(n)
    if m <= k:
        return [*subproof(m, low, low + k, whole, mth), mth(low + k, high)]
    return [*subproof(m - k, low + k, high, False, mth), mth(low, low + k)]
