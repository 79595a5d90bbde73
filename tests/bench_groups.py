"""One leaver in so many groups, from the notice to the closed case, at a service in memory: `python -m tests.bench_groups GROUPS`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from audit.trail import Trail
from casework.context import Context
from casework.policy import Policy
from casework.schema import migrate
from casework.store import Store, open_engine
from connectors.contract import Connector
from models.vocabulary import Service
from tests.bench_process import peak_mb, tell
from tests.casework.conftest import Clock, Office
from tests.casework.paper import Paper
from tests.casework.test_many import leaver_in


def main(groups: int) -> None:
    """Print what it took."""
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        engine = open_engine(f"sqlite:///{Path(name) / 'case.db'}")
        migrate(engine)
        clock = Clock()
        trail = Trail("bench.example/audit/2026", clock=clock)

        def office(kind: type[Paper]) -> Office:
            paper = kind(now=clock)
            services: Mapping[str, Connector] = {Service.GOOGLE_WORKSPACE: paper}
            return Office(Context(Store(engine, trail), Policy(), services, now=clock, sleep=clock.sleep), paper, clock)

        built = leaver_in(office, groups)
        case = built.report()
        clock.pass_by(hours=10)
        began, cpu = time.perf_counter(), time.process_time()
        asyncio.run(built.run(case.id))
        took, spent = time.perf_counter() - began, time.process_time() - cpu
        state = built.context.case(case.id).state
        engine.dispose()
    tell({"seconds": took, "cpu": spent, "state": state, "peak_mb": peak_mb()})


if __name__ == "__main__":
    main(int(sys.argv[1]))
