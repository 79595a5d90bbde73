"""Kill -9 of each process at each step of ten cases: the same end."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from models.vocabulary import CaseState
from tests.chaos.conftest import Record
from tests.chaos.ending import ended
from tests.chaos.production import WORKERS, Production

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900), pytest.mark.xdist_group("production")]

STEPS = ("plan", "wait", "cut", "take the rest", "read the logs")
_NAMED = {"workers": WORKERS, "serve": ("serve",), "watch": ("watch",), "server": ("server",)}
_REACHED = {
    CaseState.OPEN: 0, CaseState.PLANNED: 0, CaseState.WAITING: 1, CaseState.CUTTING: 2, CaseState.CONTAINED: 3,
    CaseState.DEPROVISIONED: 4, CaseState.CLOSED: 5,
}  # fmt: skip


def reached(made: Production, cases: Sequence[str]) -> int:
    """Return which step the first of them is at, by its place in `STEPS`; -1 while nobody carries it."""
    return max((_REACHED[CaseState(row["state"])] for row in made.cases(cases).values() if row["held"]), default=-1)


class TestKilled:
    @pytest.mark.parametrize("process", ["run", *_NAMED])
    def test_at_each_step(self, made: Production, record: Record, process: str) -> None:
        """
        Ten cases, a pair for each step: the process is killed when the pair is there, and comes back as any service does.  "run" is
        whichever process carries the pair.
        """
        cases = made.report(*(40.0 + n // 2 for n in range(10)))
        pairs = {step: cases[2 * n : 2 * n + 2] for n, step in enumerate(STEPS)}
        made.make_runs()
        killed: dict[str, float] = {}
        deadline = time.monotonic() + 180
        while len(killed) < len(STEPS):
            assert time.monotonic() < deadline, (killed, made.logs())
            for n, (step, pair) in enumerate(pairs.items()):
                if step not in killed and reached(made, pair) >= n:
                    made.end(
                        made.carriers(pair) if process == "run" else [made.stack.pid(name) for name in _NAMED[process]]
                    )
                    killed[step] = time.time()
            time.sleep(0.05)
        ending = ended(made, cases)
        for step, at in killed.items():
            pair = pairs[step]
            lost = sum(any(case in line for case in pair) for line in ending.lost)
            record(f"kill -9 {process}: {step}", ending.blocked_after(at, pair), ending.closed_after(at, pair), lost)
        assert ending.lost == []
