"""A sample that an auditor draws again with `sha256sum` and `sort`, without us."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from casework.errors import BadRequest
from casework.population.facts import Population, Sample

METHOD = "sort by the hexadecimal SHA-256 of SEED, newline, CASE; take the first N"
"""Case ids are random, and the seed is chosen by the auditor: neither side can steer the draw."""


def draw(population: Population, size: int, seed: str) -> Population:
    """Return *population* with a sample of *size* of its cases.  Raises `BadRequest` for an empty one, or without a seed."""
    if size < 1 or not seed:
        raise BadRequest("sample: needs a size and a seed", "Let the auditor choose both: --sample 25 --seed WORDS.")
    cases = sorted((entry.case for entry in population.entries), key=lambda case: place(seed, case))
    return replace(population, sample=Sample(seed, size, METHOD, tuple(cases[:size])))


def place(seed: str, case: str) -> str:
    r"""Return the place of *case* in the draw: `printf '%s\n%s' SEED CASE | sha256sum`."""
    return hashlib.sha256(f"{seed}\n{case}".encode()).hexdigest()
