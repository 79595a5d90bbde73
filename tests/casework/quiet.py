"""A departure that is carried to its end, and its logs read afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from casework.access.rechecking import collect_again
from models.tables import Case
from tests.casework.conftest import Office
from tests.casework.ledger import Ledger
from tests.casework.shown import show


def ledger(office: Office) -> Ledger:
    assert isinstance(office.paper, Ledger)
    return office.paper


async def cut(office: Office) -> tuple[Case, datetime]:
    """Carry a departure to its end; return the case and the time by which the cut is effective."""
    case = office.report()
    office.clock.pass_by(hours=10)
    await office.run(case.id)
    rows = show(office.context, case.id)["accounts"][0]["entitlements"]
    return case, max(datetime.fromisoformat(row["cut_effective_by"]) for row in rows if row["kind"] == "sign_in")


async def read(office: Office, case: Case) -> dict[str, Any]:
    """Let the logs be read as the sweep does, until nothing is due."""
    while any((await collect_again(office.context)).values()):
        continue
    return show(office.context, case.id)
