"""What is due is cut in seconds, whatever is dead or full."""

from __future__ import annotations

import time

import pytest

from tests.chaos.conftest import BUSY, Record
from tests.chaos.ending import blocked_everywhere, ended, mid_cut
from tests.chaos.production import WORKERS, Production

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900), pytest.mark.xdist_group("production")]


class TestDead:
    @pytest.mark.parametrize(
        "dead", [("server",), WORKERS, ("server", *WORKERS)], ids=["the API", "the workers", "API and workers"]
    )
    def test_due_and_emergency(
        self, made: Production, record: Record, dead: tuple[str, ...], request: pytest.FixtureRequest
    ) -> None:
        """With Prefect's API, its workers or both dead, a due cut comes within 10 s of its instant, an emergency's within 5 s of its notice."""
        with made.without(*dead):
            due = made.report(15.0, 15.0)
            rows = made.cases(due).values()
            at = blocked_everywhere(made, due, within=120) - max(row["due_at"].timestamp() for row in rows)
            (urgent,) = made.report(0.0, kind="解雇")
            noticed = made.cases([urgent])[urgent]["opened_at"].timestamp()
            at_once = blocked_everywhere(made, [urgent], within=120) - noticed
        what = f"dead: {request.node.callspec.id}"
        ending = ended(made, due)
        record(f"{what}: a due cut, from its instant", at, None, len(ending.lost), " (10)")
        record(f"{what}: an emergency, from its notice", at_once, None, 0, " (5)")
        assert (at < 10 * BUSY, at_once < 5 * BUSY) == (True, True)
        assert ending.lost == []

    def test_a_machine_in_mid_cut(self, made: Production, record: Record) -> None:
        """Kill -9 of both workers and of whoever carries the cases, in mid-cut; the workers stay dead: the last sign-in is cut within 30 s."""
        cases = made.report(*[45.0] * 10)
        made.make_runs()
        mid_cut(made, cases)
        killed = time.time()
        carriers = made.carriers(cases)
        with made.without(*WORKERS):
            made.end(carriers)
            at = blocked_everywhere(made, cases, within=240) - killed
        ending = ended(made, cases)
        record("kill -9 of workers and run in mid-cut", at, ending.closed_after(killed), len(ending.lost), " (30)")
        assert at < 30 * BUSY
        assert ending.lost == []
