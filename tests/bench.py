"""
Figures and ratios: `make bench`.  For comparing on one machine; nothing here passes or fails.

A case's figures come from the emulated tenants on loopback, in the same process: they count calls exactly and time our own
share of the work, not a vendor's latency.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

from rich.progress import Progress

from audit.trail import Trail
from casework import runbook
from casework.context import Context
from casework.errors import StillOpen
from casework.intake.csv_file import read_csv
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.policy import Observe, Policy
from casework.schema import migrate
from casework.store import Store, open_engine
from connectors.matching import Profile, match_all
from emulators.company import person
from models.vocabulary import Account, Service
from tests import bench_activity, bench_bundle, bench_nda, bench_trail, bench_vendors
from tests.casework.shown import show
from tests.contract.rig import Rig, leaver

Figures = list[tuple[str, str]]
_LEAVER = "E1105"


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


async def case() -> Figures:
    """One leaver on three services: calls, and the critical path from the due instant to the last block seen."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        engine = open_engine(f"sqlite:///{folder}/case.db")
        migrate(engine)
        async with AsyncExitStack() as stack:
            rigs: dict[Service, Rig] = {}
            for service in Service:
                build = importlib.import_module(f"tests.contract.rig_{service}").rig
                rigs[service] = await stack.enter_async_context(build())
            policy = Policy(observe=Observe(deadline_seconds=10, first_wait_seconds=0.1, longest_wait_seconds=1))
            context = Context(
                Store(engine, Trail("bench.example/audit/2026")), policy, {s: r.connector for s, r in rigs.items()}
            )
            figures = await _one_case(context, rigs)
        engine.dispose()
    return figures


async def _one_case(context: Context, rigs: dict[Service, Rig]) -> Figures:
    who = person(_LEAVER)
    ends_on = str((context.now() - timedelta(days=2)).date())
    reading = read_options(
        employee_no=_LEAVER, name=who.name, email=who.email, employment_ends_on=ends_on, kind="resignation"
    )
    case_id = open_cases(context, reading, reported_by="bench", for_real=True).opened[0].case.id
    began = time.perf_counter()
    await runbook.make_plan(context, case_id)
    planned = time.perf_counter()
    await asyncio.gather(*(runbook.contain(context, case_id, service) for service in Service))
    contained = time.perf_counter()
    await asyncio.gather(*(runbook.deprovision(context, case_id, service) for service in Service))
    await runbook.observe_until_closed(context, case_id)
    ended = time.perf_counter()
    try:
        runbook.close(context, case_id)
        end = "closed"
    except StillOpen as exc:
        end = str(exc)
    states = Counter(row["state"] for account in show(context, case_id)["accounts"] for row in account["entitlements"])
    calls = ", ".join(f"{service} {len(rig.stage.journal)}" for service, rig in rigs.items())
    return [
        ("case: plan (accounts found, access listed, sealed)", f"{planned - began:.2f} s"),
        ("case: containment, three services at once", f"{contained - planned:.2f} s"),
        ("case: the rest, seen closed", f"{ended - contained:.2f} s"),
        ("case: rows", ", ".join(f"{state} {count}" for state, count in sorted(states.items()))),
        ("case: API calls", calls),
        ("case: end", end),
    ]


def main() -> None:
    """Print every figure, with a bar while they are taken."""
    figures: Figures = []
    parts: list[Callable[[], Figures]] = [
        intake,
        matching,
        lambda: asyncio.run(case()),
        bench_trail.bench,
        bench_bundle.bench,
        bench_nda.bench,
        bench_activity.bench,
        partial(bench_vendors.bench, full="full" in sys.argv),
    ]
    with Progress(transient=True) as progress:
        task = progress.add_task("measuring", total=len(parts))
        for part in parts:
            figures += part()
            progress.advance(task)
    for what, figure in figures:
        sys.stdout.write(f"{what:<52} {figure}\n")


if __name__ == "__main__":
    main()
