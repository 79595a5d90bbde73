"""Ten who are due, behind thirty old cases that only wait for a person."""

from __future__ import annotations

import pytest

from emulators.company import Person
from tests.chaos.conftest import BUSY, Record
from tests.chaos.ending import blocked_everywhere, ended
from tests.chaos.production import Production

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900), pytest.mark.xdist_group("production")]


class TestBehind:
    def test_thirty_old_findings(self, made: Production, record: Record) -> None:
        """Thirty old cases that wait for a person are being tried again when ten are due: those are cut within 10 s of their instant."""
        strangers = [Person(f"E9{n:03}", f"空野 {n}郎", "", "", f"stranger.{n}", "営業部") for n in range(30)]
        old = made.report(*[-60.0] * 30, people=strangers)
        for case in old:
            del made.leavers[case]
        made.wait_for(
            lambda: all(row["tries"] and not row["held"] for row in made.cases(old).values()), 300, "their first try"
        )
        made.wait_for(lambda: any(row["held"] for row in made.cases(old).values()), 180, "their second try")
        ten = made.report(*[2.0] * 10)
        due = max(row["due_at"].timestamp() for row in made.cases(ten).values())
        at = blocked_everywhere(made, ten, within=240) - due
        ending = ended(made, ten)
        record(
            "ten due behind thirty old findings, from the instant",
            at,
            ending.closed_after(due),
            len(ending.lost),
            " (10)",
        )
        assert at < 10 * BUSY
        assert ending.lost == []
