"""Which cases of the stand-in want a run: those that never had one, and those whose run was released."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from casework.context import Context, ids, read  # type: ignore[attr-defined]  # the stand-in's own context


@dataclass(frozen=True, slots=True)
class DueGroup:
    due_at: datetime
    case_ids: tuple[str, ...]
    purpose: str
    key: str


def due_for_run(context: Context) -> list[DueGroup]:
    groups: dict[float, list[str]] = defaultdict(list)
    for case_id in ids():
        if read(case_id).get("run_state", "none") == "none":
            groups[read(case_id)["due_at"]].append(case_id)
    return [
        DueGroup(datetime.fromtimestamp(at, UTC), tuple(cases), "offboard", "+".join(cases))
        for at, cases in groups.items()
    ]


def runs_to_check(context: Context) -> list[tuple[str, str]]:
    cases = {case_id: read(case_id) for case_id in ids()}
    return [
        (case_id, case["run_id"])
        for case_id, case in cases.items()
        if case.get("run_state") == "scheduled" and case.get("lease", 0) < time.time()
    ]


def unclaimed(context: Context, *, cut: bool = False) -> list[str]:
    """None: these cases have a Prefect that works."""
    return []
