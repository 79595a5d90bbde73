"""A writer of its own process: `python -m tests.audit.writer URL TAG [COUNT]` appends, and prints each key it committed."""

from __future__ import annotations

import itertools
import sys

from sqlalchemy import create_engine

from audit import tables
from audit.trail import Trail
from tests.audit.samples import ORIGIN, seen


def main(url: str, tag: str, count: str = "") -> None:
    engine = tables.prepare(create_engine(url))
    trail = Trail(ORIGIN)
    for n in range(int(count)) if count else itertools.count():
        key = f"{tag}:{n}"
        with engine.begin() as connection:
            trail.append(connection, seen(n, case=f"case-{n % 3}"), {"n": n}, dedup_key=key)
        sys.stdout.write(f"{key}\n")
        sys.stdout.flush()
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
