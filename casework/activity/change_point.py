"""
Whether, and since when, a series runs at a higher level; no distribution is assumed.

Whether: Pettitt, A. N. (1979), "A non-parametric approach to the change-point problem", Applied Statistics 28(2), 126-135: the point at which the
ranks before and after differ most, and the probability of such a difference without a change.  Since when: Pettitt's point leans to the middle,
so the point is returned at which two medians fit best (least absolute deviations).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, groupby
from statistics import median

_LIKELY = 1e-5
"""Highest p-value of a change; a choice, far below the usual 0.01, since days are not independent as the test assumes."""
_SHORTEST = 10


def rise_in(values: Sequence[float]) -> int | None:
    """Return the index from which *values* are higher than before; None if chance or a fall explains them, or there are fewer than twenty."""
    size = len(values)
    if size < 2 * _SHORTEST:
        return None
    sums = list(accumulate(_ranks(values)))
    shifts = {n: n * (size + 1) - 2 * sums[n - 1] for n in range(_SHORTEST, size - _SHORTEST + 1)}
    point = max(shifts, key=shifts.__getitem__)
    likely = math.exp(-6 * max(shifts[point], 0) ** 2 / (size**3 + size**2))
    return min(shifts, key=lambda n: _strays(values[:n]) + _strays(values[n:])) if likely < _LIKELY else None


def _strays(values: Sequence[float]) -> float:
    middle = median(values)
    return sum(abs(value - middle) for value in values)


def _ranks(values: Sequence[float]) -> list[float]:
    """Return each value's rank, from 1; equal values share their mean rank."""
    ranks, seen = [0.0] * len(values), 0
    for _, group in groupby(sorted(range(len(values)), key=values.__getitem__), key=values.__getitem__):
        same = list(group)
        for index in same:
            ranks[index] = seen + (len(same) + 1) / 2
        seen += len(same)
    return ranks
