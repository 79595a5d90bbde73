"""
Figures and ratios: `make bench`.  For comparing on one machine; nothing here passes or fails.

SIZE=full adds what takes long, SIZE=profile prints where the CPU of fifty leavers goes, and nothing else.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from casework.intake.csv_file import read_csv
from connectors.matching import Profile, match_all
from models.vocabulary import Account, Service
from tests import (
    bench_activity,
    bench_bundle,
    bench_core,
    bench_limits,
    bench_nda,
    bench_planted,
    bench_process,
    bench_table,
    bench_trail,
    bench_vendors,
)
from tests.bench_process import ROOT, Figures
from tests.contract.rig import leaver


def intake() -> Figures:
    """Rows a second of a plain CP932 file."""
    rows = "".join(f"S{n:05},山田 太郎{n},t{n}@example.jp,2026-12-31,自己都合\r\n" for n in range(5_000))
    content = ("社員番号,氏名,メールアドレス,退職日,区分\r\n" + rows).encode("cp932")
    began = time.perf_counter()
    reading = read_csv(content)
    return [("intake: CSV rows", f"{len(reading.notices) / (time.perf_counter() - began):,.0f} /s")]


def matching() -> Figures:
    """Directory entries weighed a second."""
    profiles = [
        Profile(
            Account(Service.SLACK, f"U{n:08}"),
            f"S{n}",
            (f"t{n}@example.jp",),
            (f"taro{n}@example.jp",),
            (f"山田 太郎{n}",),
        )
        for n in range(10_000)
    ]
    began = time.perf_counter()
    match_all(leaver("E1002"), profiles)
    return [("matching: entries weighed", f"{len(profiles) / (time.perf_counter() - began):,.0f} /s")]


def many_groups(count: int) -> Figures:
    """One leaver who holds so many groups."""
    took = bench_process.run("tests.bench_groups", count)
    return [
        (
            f"a leaver in {count:,} groups",
            f"{took['state']} in {took['seconds']:.0f} s, {took['cpu']:.0f} s CPU, peak {took['peak_mb']:.0f} MB",
        )
    ]


def leavers(name: str, core: str, tree: Path | None, results: dict[tuple[str, str], Any]) -> Figures:
    """One scene of `tests.bench_core` on one core, kept in *results*."""
    if core == "first" and tree is None:
        return [(f"{name}, first core", "not in this clone")]
    took = bench_core.measured(bench_core.SCENES[name], core, tree if core == "first" and tree else ROOT)
    results[name, core] = took
    figures = [(f"{name}, {core}", bench_core.told(took))]
    return figures + (
        [(f"{name}, {core}: blocks seen, median / last", bench_core.blocks(took))] if took.get("blocks") else []
    )


def main(size: str) -> None:
    """Print every figure, with a bar while they are taken."""
    if size == "profile":
        sys.stdout.writelines(f"{line}\n" for line in bench_core.profile())
        return
    full, figures, results = size == "full", Figures(), dict[tuple[str, str], Any]()
    with bench_core.first_core() as tree, Progress(transient=True) as progress:
        parts: dict[str, Callable[[], Figures]] = {
            f"{name}, {core}": partial(leavers, name, core, tree, results) for name, core in bench_core.runs(size)
        }
        parts |= {
            "many groups": partial(many_groups, 5_000 if full else 1_000),
            "intake": intake, "matching": matching, "trail": bench_trail.bench,
            "bundle": partial(bench_bundle.bench, full=full), "papers": partial(bench_nda.bench, full=full),
            "activity": partial(bench_activity.bench, full=full), "vendors": partial(bench_vendors.bench, full=full),
        }  # fmt: skip
        if full:
            parts |= {"planted leaks": partial(bench_planted.bench, full=full), "limits": bench_limits.bench}
        task = progress.add_task("measuring", total=len(parts))
        for what, part in parts.items():
            progress.update(task, description=what)
            figures += part()
            progress.advance(task)
    for what, figure in [*figures, *bench_table.PEERS]:
        sys.stdout.write(f"{what:<58} {figure}\n")
    Console(width=150).print(bench_table.table(results))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
