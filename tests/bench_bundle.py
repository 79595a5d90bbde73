"""
Export and verify of one case out of a long log: `python -m tests.bench_bundle [ENTRIES …]`.  Time, and peak memory of a process.

Each measurement is a process of its own, so that its peak is its own.  The log is made once and grows from size to size.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from audit import reading
from audit.leaf import FIRST_PREV, stamp
from audit.merkle import Frontier
from audit.verify import verify
from emulators.timestamping.certificates import kept
from tests.audit.house import House
from tests.audit.samples import ORIGIN
from tests.bench_process import Figures, peak_mb, run, tell

SIZES = (100_000, 1_000_000)
_BATCH = 5_000
_WORKED = timedelta(hours=47)
"""As long as the house's work takes on its own clock: the export comes at its end."""
_PATTERN = (
    '{{"actor":"svc:bench","case":"{case}","count":{count},"log":"{origin}","prev":"{prev}","seq":{seq},'
    '"state":"found","time":"{time}","type":"observe.seen","v":1}}'
)
_INSERT = "INSERT INTO audit_entry (idx, case_ref, case_seq, leaf, nodes) VALUES (?, ?, ?, ?, ?)"


def bench(*, full: bool = False) -> Figures:
    """A log of a hundred thousand entries; *full*: that grows to a million."""
    return _growing(SIZES if full else SIZES[:1])


def _growing(sizes: tuple[int, ...]) -> Figures:
    figures: Figures = []
    with tempfile.TemporaryDirectory(prefix="bb") as name:
        folder = Path(name)
        house = _house(folder)
        for size in sizes:
            figures.append((f"bundle, {size:,} entries: log made", _grown(house, size)))
            house.trust(folder / "trust")
            figures.append(
                (f"bundle, {size:,} entries: export of one case", str(run("tests.bench_bundle", "export", folder)))
            )
            figures.append(
                (f"bundle, {size:,} entries: verify of one case", str(run("tests.bench_bundle", "verify", folder)))
            )
            figures.append((f"bundle, {size:,} entries: on disk", f"{_weight(folder / 'bundle'):.0f} MB"))
            shutil.rmtree(folder / "bundle")
        house.engine.dispose()
    return figures


def _grown(house: House, size: int) -> str:
    """Let other cases fill the log up to *size*, with our case's two days in between."""
    began, before = time.perf_counter(), _size(house)
    if not before:
        house.work()
    with house.engine.begin() as connection:
        _fill(connection, reading.size(connection), size - 2, stamp(house.clock()))
    house.anchor()
    return f"{(_size(house) - before) / (time.perf_counter() - began):,.0f} /s"


def _fill(connection: Connection, start: int, end: int, time: str) -> None:
    """Append plain events of other cases, written straight from a pattern: the log's own way would take an hour."""
    tree, chains = Frontier(start, reading.node_reader(connection)), dict[str, tuple[int, str]]()
    for first in range(start, end, _BATCH):
        rows = []
        for idx in range(first, min(first + _BATCH, end)):
            case = f"case-{start:08x}{idx % 997:08x}"
            seq, prev = chains.get(case, (0, FIRST_PREV))
            leaf = _PATTERN.format(case=case, seq=seq, prev=prev, time=time, origin=ORIGIN, count=idx).encode()
            chains[case] = seq + 1, hashlib.sha256(leaf).hexdigest()
            rows.append((idx, case, seq, leaf, b"".join(tree.add(leaf))))
        connection.exec_driver_sql(_INSERT, rows)


def _size(house: House) -> int:
    with house.engine.begin() as connection:
        return reading.size(connection)


def _house(folder: Path, ago: timedelta = timedelta(0)) -> House:
    return House(folder, papers=kept(folder / "authority"), ago=ago)


def _weight(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _one(part: str, folder: Path) -> None:
    began = time.perf_counter()
    if part == "export":
        _house(folder, -_WORKED).export(folder / "bundle")
    else:
        report = verify(folder / "bundle", folder / "trust")
        if not report.sound:
            raise RuntimeError(str(report.first))
    tell(f"{time.perf_counter() - began:.1f} s, peak {peak_mb():.0f} MB")


if __name__ == "__main__":
    if sys.argv[1:2] in (["export"], ["verify"]):
        _one(sys.argv[1], Path(sys.argv[2]))
    else:
        for what, figure in _growing(tuple(map(int, sys.argv[1:])) or SIZES):
            sys.stdout.write(f"{what:<52} {figure}\n")
