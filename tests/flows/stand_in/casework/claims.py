"""The runs that were made for the stand-in's cases, and those that died."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from casework.context import Context, change, note  # type: ignore[attr-defined]  # the stand-in's own context

SERVING = "serve"


def record_run(context: Context, case_ids: Sequence[str], run_id: str) -> None:
    for case_id in case_ids:
        change(case_id, run_id=run_id, run_state="scheduled")
        note(case_id, f"run {run_id}")


def release_run(context: Context, case_id: str) -> None:
    change(case_id, run_state="none")
    note(case_id, "released")


@asynccontextmanager
async def claim(context: Context, case_id: str, runner: str) -> AsyncIterator[bool]:
    note(case_id, "claim")
    change(case_id, lease=time.time() + 45, run_id=runner)
    try:
        yield True
    finally:
        change(case_id, lease=0, run_state="ended")
